"""Whether the means of a class differ more between the splits than dealing images out explains.

N images of both splits, train before test; C channels, K classes, R deals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.compare.classes import LabelledSplit
from stages.compare.inference import p_values
from stages.compare.shift import Measure
from stages.statistics.summary import FloatArray

# In levels: gaps of a class that differ less than this between deals are equal up to rounding.
LEAST_SPREAD = 1e-3


class ClassGaps:
    """The gap of each class's mean, test minus train, in stds of that gap over all deals.

    The std is that of a ratio of means, drawn without replacement (Cochran, Sampling Techniques,
    1977, chapter 6). It follows from all images of the class, so it is the same in every deal. To
    compare the largest gap with the largest of each deal is then an exact test, for few images and
    for any distribution (the "max T" of Westfall and Young, 1993).
    """

    def __init__(self, train: LabelledSplit, test: LabelledSplit) -> None:
        statistics, labels = (train[0], test[0]), (train[1], test[1])
        self._channels = train[0].channel_names
        self._in_test_N = np.repeat([0, 1], [len(train[1]), len(test[1])])
        self._labels_K, self._classes_N = np.unique(np.concatenate(labels), return_inverse=True)
        # Pixels, then the sums of each channel (1 + C, N); sums of a class stay below 2^53.
        self._values = np.concatenate(
            [np.vstack([split.image_pixels, split.image_sums.T]) for split in statistics], axis=1
        ).astype(np.float64)
        self._total_K = self._by_class(np.arange(len(self._classes_N)))
        self._spread_CK = self._spread()

    def largest(self, dealt_RN: NDArray[np.integer[Any]]) -> FloatArray:
        """The largest gap of each deal, of either sign, in stds (R, 1)."""
        return np.array([[np.fmax.reduce(self._sizes(dealt_N), axis=None)] for dealt_N in dealt_RN])

    def most_unusual(
        self, largest_R1: FloatArray, name_of: Callable[[int], str]
    ) -> dict[str, Any] | None:
        """The class and channel of the largest gap, and the share of deals with one as large.

        Row 0 is the data itself. None if no class is in both splits.
        """
        if math.isnan(largest_R1[0, 0]):
            return None
        channel, label = np.unravel_index(
            np.nanargmax(self._sizes(self._in_test_N)), self._spread_CK.shape
        )
        _, p_value = p_values(largest_R1, Measure("distance", 0, math.inf))
        return {
            "class": name_of(int(self._labels_K[label])),
            "channel": self._channels[channel],
            "gap": float(self._gaps(self._in_test_N)[channel, label]),
            "deal_std": float(self._spread_CK[channel, label]),
            "p_value": p_value,
        }

    def _sizes(self, dealt_N: NDArray[np.integer[Any]]) -> FloatArray:
        sizes_CK: FloatArray = np.abs(self._gaps(dealt_N)) / self._spread_CK
        return sizes_CK

    def _gaps(self, dealt_N: NDArray[np.integer[Any]]) -> FloatArray:
        """In levels (C, K); NaN for a class that only one split has."""
        in_test_K = self._by_class(np.flatnonzero(dealt_N))
        in_train_K = self._total_K - in_test_K
        with np.errstate(invalid="ignore"):
            gaps_CK: FloatArray = in_test_K[1:] / in_test_K[0] - in_train_K[1:] / in_train_K[0]
        return gaps_CK

    def _by_class(self, images: NDArray[np.intp]) -> FloatArray:
        """The sums of the values of some images, by class (1 + C, K)."""
        classes, count = self._classes_N[images], len(self._labels_K)
        return np.stack(
            [np.bincount(classes, values_N[images], count) for values_N in self._values]
        )

    def _spread(self) -> FloatArray:
        images_K = np.bincount(self._classes_N)
        tests_K = np.bincount(self._classes_N, self._in_test_N)
        pixels_K, *sums_CK = self._total_K
        pixels_N, *sums_CN = self._values
        off_CN = sums_CN - (sums_CK / pixels_K)[:, self._classes_N] * pixels_N
        squares_CK = np.stack([np.bincount(self._classes_N, off_N**2) for off_N in off_CN])
        with np.errstate(divide="ignore", invalid="ignore"):
            of_a_mean = squares_CK / (images_K - 1) * images_K / tests_K / (images_K - tests_K)
        spread_CK: FloatArray = np.sqrt(of_a_mean) * images_K / pixels_K
        return np.maximum(spread_CK, LEAST_SPREAD)
