"""Laws of the integers: parts add up to the whole, and contradictions are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.core.measure import measure_batch
from stages.core.statistics import FIELDS, SplitStatistics, by_channel
from tests.conftest import random_images

CPU = torch.device("cpu")


def measured(images: int, seed: int) -> SplitStatistics:
    return measure_batch(random_images(images, seed), CPU)


def same(left: SplitStatistics, right: SplitStatistics) -> bool:
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in FIELDS)


def test_parts_add_up_to_the_whole() -> None:
    images = random_images(11, seed=0)
    whole = measure_batch(images, CPU)
    for cut in range(1, 11):
        assert same(measure_batch(images[:cut], CPU) + measure_batch(images[cut:], CPU), whole)


def test_grouping_of_the_parts_does_not_matter() -> None:
    a, b, c = (measured(n, seed=n) for n in (2, 3, 4))
    assert same((a + b) + c, a + (b + c))
    assert same((a + b) + c, SplitStatistics.joined([a, b, c]))


def test_images_and_pixels_are_counted() -> None:
    statistics = measured(5, seed=0)
    assert (statistics.images, statistics.pixels_per_channel) == (5, 5 * 8 * 8)


def test_channels_are_named_by_how_many_there_are() -> None:
    assert by_channel([0.5]) == {"gray": 0.5}
    assert list(by_channel(iter("rgb")).items()) == [("red", "r"), ("green", "g"), ("blue", "b")]
    for images in (random_images(2, seed=0, channels=1), random_images(2, seed=0)):
        statistics = measure_batch(images, CPU)
        assert statistics.channel_names == tuple(by_channel(statistics.histogram))


def test_constant_channels_are_those_of_one_level() -> None:
    images = random_images(5, seed=0)
    assert measure_batch(images, CPU).constant_channels == {}
    images[:, 0], images[:, 2] = 0, 255
    assert measure_batch(images, CPU).constant_channels == {"red": 0, "blue": 255}


@pytest.mark.parametrize("count", [0, 2, 4])
def test_other_numbers_of_channels_are_refused(count: int) -> None:
    message = rf"expected channels: 1 \(gray\) or 3 \(red, green, blue\), found {count}"
    with pytest.raises(ValueError, match=message):
        by_channel(range(count))


@pytest.mark.parametrize("name", FIELDS)
def test_one_changed_number_is_refused(name: str) -> None:
    statistics = measured(3, seed=0)
    array = getattr(statistics, name).copy()
    array.flat[1] += 1
    with pytest.raises(ValueError, match="contradict"):
        replace(statistics, **{name: array})


@pytest.mark.parametrize("name", FIELDS)
def test_arrays_of_another_type_or_shape_are_refused(name: str) -> None:
    statistics = measured(3, seed=0)
    array = getattr(statistics, name)
    with pytest.raises(ValueError, match="int64"):
        replace(statistics, **{name: array.astype(np.float64)})
    with pytest.raises(ValueError, match="belong together"):
        replace(statistics, **{name: array[:-1]})
