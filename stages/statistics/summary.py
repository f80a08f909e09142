"""What is reported of a split's integer statistics, before any preset.

N images, C channels, V = 256 levels. Integers up to the last step, then float64. Sums of floats
are correctly rounded (`math.fsum`), so the order of additions cannot change a result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from stages.shared.names import LEVELS
from stages.statistics.integers import IntArray, SplitStatistics

FloatArray = NDArray[np.float64]

QUANTILES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")

# P * sum(x^2) - sum(x)^2 is at most (127.5 * P)^2 for an image of P pixels. For up to this many
# pixels that is below 2^63, so int64 gives it exactly, even where the products wrap around.
INT64_PIXELS = 2**24


@dataclass(frozen=True)
class ChannelSummary:
    """One channel of a split. All stds are population stds (ddof = 0).

    Levels are 0..255, means and stds in pixel fractions [0, 1]. At least the share q of the pixels
    is at or below the quantile q, which is the lowest such level (numpy's "inverted_cdf").
    """

    min_level: int
    max_level: int
    quantile_levels: dict[str, int]
    mean: float
    std: float
    image_mean_std: float
    image_std_mean: float
    image_std_std: float


@dataclass(frozen=True)
class SplitSummary:
    """A split as it is reported: its counts, its channels and their histograms."""

    images: int
    pixels_per_channel: int
    channels: list[ChannelSummary]
    histogram: IntArray  # (C, V)


def summarize(statistics: SplitStatistics) -> SplitSummary:
    """Summarize a split.

    >>> from stages.statistics.histograms import statistics_of_counts
    >>> black_and_white = statistics_of_counts(np.eye(256, dtype=int)[[[0], [255]]])
    >>> summarize(black_and_white).channels[0].std
    0.5
    """
    means_NC, stds_NC = image_means(statistics), image_stds(statistics)
    channels = [
        _summarize_channel(counts_V, means_N, stds_N)
        for counts_V, means_N, stds_N in zip(
            statistics.histogram, means_NC.T, stds_NC.T, strict=True
        )
    ]
    return SplitSummary(
        images=statistics.images,
        pixels_per_channel=statistics.pixels_per_channel,
        channels=channels,
        histogram=statistics.histogram,
    )


def image_means(statistics: SplitStatistics) -> FloatArray:
    """The mean of each image's channels (N, C), in pixel fractions.

    >>> from stages.statistics.histograms import statistics_of_counts
    >>> black_and_white = statistics_of_counts(np.eye(256, dtype=int)[[[0], [255]]])
    >>> image_means(black_and_white).tolist()
    [[0.0], [1.0]]
    """
    means_NC: FloatArray = statistics.image_sums / (255 * statistics.image_pixels[:, None])
    return means_NC


def image_stds(statistics: SplitStatistics) -> FloatArray:
    """The std (ddof = 0) of each image's channels (N, C), in pixel fractions.

    >>> from stages.statistics.histograms import statistics_of_counts
    >>> black_and_white = statistics_of_counts(np.eye(256, dtype=int)[[[0], [255]]])
    >>> image_stds(black_and_white).tolist()
    [[0.0], [0.0]]
    """
    stds_NC: FloatArray = np.sqrt(image_spreads(statistics)) / (
        255 * statistics.image_pixels[:, None]
    )
    return stds_NC


def image_spreads(statistics: SplitStatistics) -> FloatArray:
    """P * sum(x^2) - sum(x)^2 of each image's channels (N, C): P^2 times the variance in levels^2.

    Exact integers up to the one rounding to float64.

    >>> from stages.statistics.histograms import statistics_of_counts
    >>> black_and_white = statistics_of_counts(np.eye(256, dtype=int)[[[0], [255]]])
    >>> image_spreads(black_and_white).tolist()
    [[0.0], [0.0]]
    """
    pixels_N1, sums_NC = statistics.image_pixels[:, None], statistics.image_sums
    squares_NC = statistics.image_sums_of_squares
    spreads_NC: FloatArray = (pixels_N1 * squares_NC - sums_NC * sums_NC).astype(np.float64)
    large = statistics.image_pixels > INT64_PIXELS
    if large.any():
        pixels, sums, squares = (
            values[large].astype(object) for values in (pixels_N1, sums_NC, squares_NC)
        )
        spreads_NC[large] = pixels * squares - sums * sums
    return spreads_NC


def mean_and_std(values_N: FloatArray) -> tuple[float, float]:
    """Mean and population std (ddof = 0), their sums correctly rounded.

    >>> mean_and_std(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    mean = math.fsum(values_N.tolist()) / len(values_N)
    # Rounding may put the mean of equal values outside their range, and their std above 0.
    mean = min(max(mean, float(values_N.min())), float(values_N.max()))
    deviations_N = values_N - mean
    return mean, math.sqrt(math.fsum((deviations_N * deviations_N).tolist()) / len(values_N))


def _summarize_channel(
    counts_V: IntArray, image_means_N: FloatArray, image_stds_N: FloatArray
) -> ChannelSummary:
    levels = np.flatnonzero(counts_V)
    # Python's integers: pixels * sum(x^2) exceeds int64 at the size of CIFAR-10.
    pixels, total, squares = (int(counts_V @ np.arange(LEVELS) ** power) for power in range(3))
    image_std_mean, image_std_std = mean_and_std(image_stds_N)
    return ChannelSummary(
        min_level=int(levels[0]),
        max_level=int(levels[-1]),
        quantile_levels={name: _quantile_level(counts_V, Fraction(name)) for name in QUANTILES},
        mean=total / (255 * pixels),
        std=math.sqrt(pixels * squares - total * total) / (255 * pixels),
        image_mean_std=mean_and_std(image_means_N)[1],
        image_std_mean=image_std_mean,
        image_std_std=image_std_std,
    )


def _quantile_level(counts_V: IntArray, share: Fraction) -> int:
    cumulative_V = np.cumsum(counts_V)
    return int(np.searchsorted(cumulative_V, math.ceil(share * int(cumulative_V[-1]))))


def wasserstein_levels(counts_V: IntArray, other_counts_V: IntArray) -> float:
    """First Wasserstein distance between two histograms over levels, in levels 0..255.

    It is the area between the distribution functions (Vallender, 1974), exact in integers up to
    one division.

    >>> wasserstein_levels(np.array([1, 0, 0]), np.array([0, 0, 1]))
    2.0
    """
    cumulative, other_cumulative = np.cumsum(counts_V).tolist(), np.cumsum(other_counts_V).tolist()
    pixels, other_pixels = cumulative[-1], other_cumulative[-1]
    area = sum(
        abs(below * other_pixels - other_below * pixels)
        for below, other_below in zip(cumulative, other_cumulative, strict=True)
    )
    return float(Fraction(area, pixels * other_pixels))
