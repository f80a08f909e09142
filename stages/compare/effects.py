"""Effects in units of the images' spread, and how certain a mean is when images are drawn.

N images, C channels. Float64 from integers; sums of floats are correctly rounded.
"""

from __future__ import annotations

import math

from stages.shared.names import by_channel
from stages.statistics.integers import IntArray, SplitStatistics
from stages.statistics.summary import FloatArray, image_means, image_stds, mean_and_std, summarize


def image_effects(train: SplitStatistics, test: SplitStatistics) -> dict[str, dict[str, float]]:
    """Cohen's d, test minus train, of the images' means and of their stds."""
    return {
        f"{name}_cohens_d": by_channel(map(cohens_d, of_images(train).T, of_images(test).T))
        for name, of_images in (("image_mean", image_means), ("image_std", image_stds))
    }


def cohens_d(train_N: FloatArray, test_N: FloatArray) -> float:
    """The difference of the means in pooled stds, ddof = 1 (Cohen, 1988).

    Without spread it is NaN, or 0 if the means are equal.

    >>> import numpy as np
    >>> round(cohens_d(np.array([0.0, 2.0]), np.array([3.0, 5.0])), 3)
    2.121
    """
    (mean, std), (test_mean, test_std) = mean_and_std(train_N), mean_and_std(test_N)
    n, n_test = len(train_N), len(test_N)
    if std == test_std == 0:
        return 0.0 if test_mean == mean else math.nan
    pooled = math.sqrt((n * std**2 + n_test * test_std**2) / (n + n_test - 2))
    return (test_mean - mean) / pooled


def design_effect(statistics: SplitStatistics) -> dict[str, float]:
    """The variance of a channel's mean when images are drawn, over that when pixels are drawn.

    This many pixels say as much about the mean as one independent pixel (Kish, Survey Sampling,
    1965). NaN if all pixels have one level, or there is only one image.
    """
    if statistics.images == 1:
        return by_channel([math.nan] * len(statistics.histogram))
    independent = [
        (255 * channel.std) ** 2 / statistics.pixels_per_channel
        for channel in summarize(statistics).channels
    ]
    return by_channel(
        mean_and_error(statistics.image_pixels, sums_N)[1] ** 2 / variance if variance else math.nan
        for sums_N, variance in zip(statistics.image_sums.T, independent, strict=True)
    )


def mean_and_error(pixels_N: IntArray, sums_N: IntArray) -> tuple[float, float]:
    """The mean over pixels and its standard error (ddof = 0) when images are drawn, in levels.

    >>> import numpy as np
    >>> mean_and_error(np.array([1, 1, 1, 1]), np.array([0, 0, 2, 2]))
    (1.0, 0.5)
    """
    pixels = int(pixels_N.sum())
    mean = int(sums_N.sum()) / pixels
    off_N = sums_N - pixels_N * mean
    return mean, math.sqrt(math.fsum((off_N * off_N).tolist())) / pixels
