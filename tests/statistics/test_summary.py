"""What is reported of the integers, against numpy and scipy on the pixels themselves."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from stages.measure.counting import measure_batch
from stages.shared.names import LEVELS
from stages.statistics.integers import SplitStatistics
from stages.statistics.summary import (
    QUANTILES,
    SplitSummary,
    mean_and_std,
    summarize,
    wasserstein_levels,
)

Images = np.ndarray[Any, Any]

any_images = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 6), st.just(3), st.integers(1, 9), st.integers(1, 9)),
    elements=st.integers(0, 255),
)
any_histogram = hnp.arrays(np.int64, LEVELS, elements=st.integers(0, 9)).filter(np.any)


def summary_of(images: Images) -> SplitSummary:
    return summarize(measure_batch(images, torch.device("cpu")))


@given(any_images)
@example(np.full((2, 3, 1, 1), 7, np.uint8))
def test_every_number_equals_numpy_on_the_pixels(images: Images) -> None:
    for channel, summary in enumerate(summary_of(images).channels):
        pixels = images[:, channel]
        fractions = pixels / 255
        image_means, image_stds = fractions.mean((1, 2)), fractions.std((1, 2))
        assert (summary.min_level, summary.max_level) == (pixels.min(), pixels.max())
        assert summary.mean == pytest.approx(fractions.mean(), abs=1e-12)
        assert summary.std == pytest.approx(fractions.std(), abs=1e-12)
        assert summary.image_mean_std == pytest.approx(image_means.std(), abs=1e-12)
        assert summary.image_std_mean == pytest.approx(image_stds.mean(), abs=1e-12)
        assert summary.image_std_std == pytest.approx(image_stds.std(), abs=1e-12)
        for share in QUANTILES:
            expected = np.quantile(pixels, float(share), method="inverted_cdf")
            assert summary.quantile_levels[share] == expected


def test_all_equal_images_have_stds_of_exactly_zero() -> None:
    for level in (1, 85, 211, 254):
        for summary in summary_of(np.full((59, 3, 7, 9), level, np.uint8)).channels:
            assert summary.std == summary.image_mean_std == 0
            assert summary.image_std_mean == summary.image_std_std == 0


def test_the_mean_of_equal_values_is_their_value() -> None:
    """Rounding makes (3 * x) / 3 larger than x = 13 / 255, and (5 * x) / 5 less than 13 / 1999."""
    assert (3 * (13 / 255)) / 3 > 13 / 255
    assert (5 * (13 / 1999)) / 5 < 13 / 1999
    assert mean_and_std(np.full(3, 13 / 255)) == (13 / 255, 0)
    assert mean_and_std(np.full(5, 13 / 1999)) == (13 / 1999, 0)


@pytest.mark.parametrize("halves", [[2**23], [2**23 + 1], [2**24], [2**26], [1, 2**26]])
def test_the_variance_of_the_largest_images_is_exact(halves: list[int]) -> None:
    """Half black, half white: the products wrap around in int64, the variance does not."""
    pixels_N1, white = np.array(halves)[:, None], 255
    histogram = np.zeros((1, LEVELS), np.int64)
    histogram[0, [0, white]] = sum(halves)
    statistics = SplitStatistics(
        histogram=histogram,
        image_pixels=2 * pixels_N1[:, 0],
        image_sums=white * pixels_N1,
        image_sums_of_squares=white**2 * pixels_N1,
    )
    (summary,) = summarize(statistics).channels
    assert summary.image_std_mean == summary.std == 0.5
    assert summary.image_std_std == 0


@given(any_histogram, any_histogram)
def test_wasserstein_equals_scipy(counts: Images, other: Images) -> None:
    levels = np.arange(LEVELS)
    expected = scipy.stats.wasserstein_distance(levels, levels, counts, other)
    assert wasserstein_levels(counts, other) == pytest.approx(expected, abs=1e-9)
