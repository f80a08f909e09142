"""Laws of the integers: parts add up to the whole, and contradictions are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from stages.measure.counting import measure_batch
from stages.shared.names import LEVELS, by_channel
from stages.statistics.integers import FIELDS, SplitStatistics
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


def of_image(levels: Sequence[int]) -> SplitStatistics:
    """Statistics of one gray image, by hand."""
    return SplitStatistics(
        histogram=np.bincount(levels, minlength=LEVELS)[None],
        image_pixels=np.array([len(levels)]),
        image_sums=np.array([[sum(levels)]]),
        image_sums_of_squares=np.array([[sum(level**2 for level in levels)]]),
    )


def test_every_image_is_accepted() -> None:
    for levels in product((0, 1, 2, 127, 128, 254, 255), repeat=4):
        assert of_image(levels).pixels_per_channel == 4


@pytest.mark.parametrize(
    ("pixels", "sums", "squares"),
    [
        ([0, 4], [6, 4], [14, 8]),  # no pixels, but a sum
        ([0, 4], [0, 10], [0, 28]),  # no pixels
        ([-1, 5], [6, 4], [14, 8]),
        ([2, 2], [-1, 11], [14, 8]),
        ([2, 2], [511, -501], [14, 8]),  # above 2 * 255
        ([2, 2], [6, 4], [17, 5]),  # two levels with sum 4 have squares of at least 8
        ([2, 2], [6, 4], [17, 11]),  # with sum 6, of at least 18
        ([2, 2], [5, 5], [10, 12]),  # with sum 5, of at least 13
        ([2, 2], [1, 9], [256, -234]),  # with sum 1, of at most 255
    ],
)
def test_numbers_that_no_image_has_are_refused(
    pixels: list[int], sums: list[int], squares: list[int]
) -> None:
    """They add up to the sums of two images with the levels 2 4 and 2 2."""
    both = of_image([2, 4]) + of_image([2, 2])
    assert (both.image_pixels.sum(), both.image_sums.sum()) == (sum(pixels), sum(sums))
    changed = {
        "image_pixels": np.array(pixels),
        "image_sums": np.array(sums)[:, None],
        "image_sums_of_squares": np.array(squares)[:, None],
    }
    with pytest.raises(ValueError, match="no images have these numbers"):
        replace(both, **changed)


def test_sums_beyond_int64_are_refused() -> None:
    """They would wrap around to the right sums: in int64, four times 2^62 pixels are none."""
    image = of_image([0] * 4)
    huge = SplitStatistics.joined([image] * 4)
    with pytest.raises(ValueError, match="no images have these numbers"):
        replace(huge, image_pixels=np.array([2**62 + 4] * 4))
    with pytest.raises(ValueError, match="no images have these numbers"):
        replace(image, image_pixels=np.array([2**50]), histogram=image.histogram * 2**48)


def test_sums_that_wrap_around_to_those_of_images_are_refused() -> None:
    """In int64, four times 2^62 is 0, and the bounds on the squares do not notice it."""
    images = SplitStatistics.joined([of_image([2, 2])] * 5)
    sums = images.image_sums - np.array([[0], *[[2**62]] * 4])
    assert sums.sum() == images.image_sums.sum()
    with pytest.raises(ValueError, match="no images have these numbers"):
        replace(images, image_sums=sums)


def test_a_negative_count_is_refused() -> None:
    """0 3 5 6 and 1 2 4 7 have the same count, the same sum and the same sum of squares."""
    image = of_image([10, 13, 15, 16])
    histogram = image.histogram.copy()
    histogram[0, [10, 13, 15, 16]] += 1
    histogram[0, [11, 12, 14, 17]] -= 1
    with pytest.raises(ValueError, match="no images have these numbers"):
        replace(image, histogram=histogram)


def test_squares_above_those_of_white_and_black_are_refused() -> None:
    both = of_image([255, 255]) + of_image([0, 2])
    with pytest.raises(ValueError, match="no images have these numbers"):
        replace(both, image_sums_of_squares=both.image_sums_of_squares + np.array([[1], [-1]]))


def test_a_pixel_more_in_one_channel_is_refused() -> None:
    statistics = measured(3, seed=0)
    histogram = statistics.histogram.copy()
    histogram[2, 0] += 1  # black: the sums stay
    with pytest.raises(ValueError, match="contradict"):
        replace(statistics, histogram=histogram)


def test_white_pixels_are_accepted_as_long_as_int64_holds_their_squares() -> None:
    def white(pixels: int) -> SplitStatistics:
        return SplitStatistics(
            histogram=of_image([255]).histogram * pixels,
            image_pixels=np.array([pixels]),
            image_sums=np.array([[255 * pixels]]),
            image_sums_of_squares=np.array([[255**2 * pixels]], np.uint64).astype(np.int64),
        )

    most = (2**63 - 1) // 255**2
    assert white(most).pixels_per_channel == most
    with pytest.raises(ValueError, match="no images have these numbers"):
        white(most + 1)


@pytest.mark.parametrize("shape", [(0, 1), (1, 0), (1,)])
def test_sums_of_no_images_are_refused(shape: tuple[int, ...]) -> None:
    images, channels = (*shape, 1)[:2]
    with pytest.raises(ValueError, match="no images, or shapes that do not belong together"):
        SplitStatistics(
            histogram=np.zeros((channels, LEVELS), np.int64),
            image_pixels=np.ones(images, np.int64),
            image_sums=np.zeros(shape, np.int64),
            image_sums_of_squares=np.zeros(shape, np.int64),
        )
