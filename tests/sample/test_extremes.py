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


def test_every_extreme_is_the_one_found_by_hand() -> None:
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
    found = {extreme.name: extreme for extreme in extremes_of(images)}
    assert {name: extreme.index for name, extreme in found.items()} == {
        "darkest": 7,
        "brightest": 8,
        "flattest": 9,
        "most contrasted": 10,
    }
    for extreme in found.values():
        np.testing.assert_allclose(extreme.brightness, brightness[extreme.index], rtol=1e-12)
        np.testing.assert_allclose(extreme.contrast, contrast[extreme.index], rtol=1e-12)


def test_of_equal_images_the_first_is_chosen() -> None:
    images = np.full((4, 3, 2, 2), 9, dtype=np.uint8)
    assert [extreme.index for extreme in extremes_of(images)] == [0, 0, 0, 0]


def test_one_level_in_one_pixel_decides() -> None:
    images = np.full((3, 3, 32, 32), 200, dtype=np.uint8)
    images[1, 2, 31, 31] -= 1
    images[2, 0, 0, 0] += 1
    darkest, brightest, flattest, _ = extremes_of(images)
    assert (darkest.index, brightest.index, flattest.index) == (1, 2, 0)
