"""The extremes, against every image looked at one by one."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import torch

from stages.measure.counting import measure_batch
from stages.sample.extremes import Extreme, extremes


def extremes_of(images: np.ndarray[Any, Any]) -> list[Extreme]:
    return extremes(measure_batch(images, torch.device("cpu")))


ENDS = ("darkest", "brightest", "flattest", "most contrasted")


def test_the_four_at_each_end_are_those_found_by_hand() -> None:
    images = np.random.default_rng(3).integers(0, 256, (50, 3, 4, 5), dtype=np.uint8)
    images[7] //= 2
    images[8] = 128 + images[8] // 2
    images[9] = 100 + images[9] // 10
    images[10] = np.where(images[10] < 128, 0, 255)
    brightness = [statistics.fmean(image.ravel().tolist()) for image in images]
    contrast = [
        statistics.fmean(statistics.pvariance(channel.ravel().tolist()) for channel in image) ** 0.5
        for image in images
    ]
    by_brightness = sorted(range(50), key=brightness.__getitem__)
    by_contrast = sorted(range(50), key=contrast.__getitem__)
    found = extremes_of(images)
    assert [extreme.name for extreme in found] == [name for name in ENDS for _ in range(4)]
    assert [extreme.index for extreme in found] == [
        *(*by_brightness[:4], *by_brightness[:-5:-1]),
        *(*by_contrast[:4], *by_contrast[:-5:-1]),
    ]
    assert [extreme.index for extreme in found[::4]] == [7, 8, 9, 10]
    for extreme in found:
        np.testing.assert_allclose(extreme.brightness, brightness[extreme.index], rtol=1e-12)
        np.testing.assert_allclose(extreme.contrast, contrast[extreme.index], rtol=1e-12)


def test_of_equal_images_the_first_are_chosen() -> None:
    images = np.full((6, 3, 2, 2), 9, dtype=np.uint8)
    assert [extreme.index for extreme in extremes_of(images)] == [0, 1, 2, 3] * 4


def test_of_three_images_each_end_has_all_and_one_level_in_one_pixel_decides() -> None:
    images = np.full((3, 3, 32, 32), 200, dtype=np.uint8)
    images[1, 2, 31, 31] -= 1
    images[2, 0, 0, 0] += 1
    found = extremes_of(images)
    assert [extreme.index for extreme in found if extreme.name == "darkest"] == [1, 0, 2]
    assert [extreme.index for extreme in found if extreme.name == "brightest"] == [2, 0, 1]
    assert next(extreme.index for extreme in found if extreme.name == "flattest") == 0
