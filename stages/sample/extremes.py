"""The images at the ends of a split: the darkest, brightest, flattest and most contrasted.

N images, C channels of P pixels each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stages.statistics.integers import SplitStatistics
from stages.statistics.summary import image_spreads

# So many pictures are shown of each end.
OF_EACH_END = 4


@dataclass(frozen=True)
class Extreme:
    """An image of the split by its index, and what it is the extreme of, in levels 0..255."""

    name: str
    index: int
    brightness: float  # mean of all its values
    contrast: float  # root of the mean over channels of the variance of their values


def extremes(statistics: SplitStatistics) -> list[Extreme]:
    """A few images of each end, the most extreme first; of images that are equally so, the first.

    Brightness is the sum of the values, contrast the sum over channels of P * sum(x^2) - sum(x)^2:
    integers, which float64 holds for images of up to 400,000 pixels, so that no rounding chooses.

    >>> from stages.statistics.histograms import statistics_of_counts
    >>> black_and_white = statistics_of_counts(np.eye(256, dtype=int)[[[0], [255]]])
    >>> [extreme.index for extreme in extremes(black_and_white)]
    [0, 1, 1, 0, 0, 1, 0, 1]
    """
    pixels_N, sums_NC = statistics.image_pixels, statistics.image_sums
    channels = sums_NC.shape[1]
    brightness_N = sums_NC.sum(axis=1) / (channels * pixels_N)
    contrast_N = image_spreads(statistics).sum(axis=1) / (channels * pixels_N * pixels_N)
    ordered = {
        "darkest": brightness_N,
        "brightest": -brightness_N,
        "flattest": contrast_N,
        "most contrasted": -contrast_N,
    }
    return [
        Extreme(name, int(index), float(brightness_N[index]), float(np.sqrt(contrast_N[index])))
        for name, by_N in ordered.items()
        for index in by_N.argsort(kind="stable")[:OF_EACH_END]
    ]
