"""P-values over all deals of small sets, against counting the deals in fractions.

Deals may have equal measures whose floats differ in the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from stages.compare.inference import p_values
from stages.compare.shift import MEASURES, shift_measures

Array = np.ndarray[Any, Any]
Images = list[list[int]]  # the levels of each image's pixels

TRAIN = 4
THIRDS = [[0, 0, 0, 0, 9], [3, 3, 3], [6] * 7, [3] * 6, [1, 2, 6], [0, 9, 0], [4, 5, 0, 3]]
images = st.lists(
    st.lists(st.integers(0, 9), min_size=3, max_size=7), min_size=TRAIN + 1, max_size=7
)


def deals(count: int) -> list[tuple[int, ...]]:
    """Which images the test split has, the data itself first: the last ones."""
    return sorted(combinations(range(count), count - TRAIN), reverse=True)


def dealt(images: Images) -> Iterator[tuple[list[int], list[int]]]:
    """The pixels of both splits, for every deal."""
    for chosen in deals(len(images)):
        train = [p for number, image in enumerate(images) if number not in chosen for p in image]
        yield train, [p for number in chosen for p in images[number]]


def mean(pixels: list[int]) -> Fraction:
    return Fraction(sum(pixels), len(pixels))


def variance(pixels: list[int]) -> Fraction:
    return mean([pixel**2 for pixel in pixels]) - mean(pixels) ** 2


def wasserstein(train: list[int], test: list[int]) -> Fraction:
    below = [
        [Fraction(sum(p <= level for p in pixels), len(pixels)) for level in range(9)]
        for pixels in (train, test)
    ]
    return sum((abs(p - q) for p, q in zip(*below, strict=True)), Fraction(0))


def histograms(parts: Sequence[list[int]]) -> Array:
    """(R, 1, V)."""
    return np.stack([np.bincount(pixels, minlength=256)[None] for pixels in parts])


def p_value(name: str, images: Images) -> float:
    of_train, of_test = zip(*dealt(images), strict=True)
    measures = shift_measures(histograms(of_train), histograms(of_test))
    p_C, p_any = p_values(measures[name], MEASURES[name])
    assert p_C.tolist() == [p_any]
    return p_any


def share_as_far(apart: list[Fraction]) -> float:
    return sum(distance >= apart[0] for distance in apart) / len(apart)


@given(images)
@example(THIRDS)
def test_a_gap_of_means_is_as_likely_as_counting_all_deals_says(images: Images) -> None:
    gaps = [mean(test) - mean(train) for train, test in dealt(images)]
    usual = median(gaps)
    assert p_value("mean_levels", images) == share_as_far([abs(gap - usual) for gap in gaps])


@given(images)
@example(THIRDS)
def test_a_distance_is_as_likely_as_counting_all_deals_says(images: Images) -> None:
    distances = [wasserstein(train, test) for train, test in dealt(images)]
    assert p_value("wasserstein_levels", images) == share_as_far(distances)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=4).map(lambda some: [0, *some, 9]), images)
@example([0, 9, 9], THIRDS)
def test_a_ratio_of_stds_is_as_likely_as_counting_all_deals_says(
    spread: list[int], images: Images
) -> None:
    """The measure is how far the logarithm of a ratio is from the median. Here it is compared as
    ratios of variances: the square of one, over the product of the two in the middle.
    """
    images = [spread + image for image in images]
    squared = [variance(test) / variance(train) for train, test in dealt(images)]
    middle = sorted(squared)[(len(squared) - 1) // 2] * sorted(squared)[len(squared) // 2]
    off = [ratio**2 / middle for ratio in squared]
    assert p_value("std_ratio", images) == share_as_far([max(one, 1 / one) for one in off])
