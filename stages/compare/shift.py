"""How far the test split's pixels are from the train split's, for many replicates at once.

R replicates, C channels, V = 256 levels. Every measure is of one channel, test minus train. Sums
run over the first axis, level after level, so a machine's vector width cannot change a result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stages.shared.names import LEVELS
from stages.statistics.integers import IntArray
from stages.statistics.summary import FloatArray

# The population stability index takes 16 bins of 16 levels. A bin that is empty in one split would
# make it infinite, so a share below one pixel in ten thousand counts as that.
PSI_BIN_LEVELS = 16
PSI_FLOOR = 1e-4


@dataclass(frozen=True)
class Measure:
    """The kind of a measure, and the values that it can take.

    Equal splits have a difference or distance of 0, and a ratio of 1.
    """

    kind: Literal["difference", "ratio", "distance"]
    low: float
    high: float


MEASURES = {
    "mean_levels": Measure("difference", -255, 255),
    "mean_stds": Measure("difference", -math.inf, math.inf),
    "std_ratio": Measure("ratio", 0, math.inf),
    "wasserstein_levels": Measure("distance", 0, 255),
    "wasserstein_stds": Measure("distance", 0, math.inf),
    "kolmogorov_smirnov": Measure("distance", 0, 1),
    "jensen_shannon_bits": Measure("distance", 0, 1),
    "psi": Measure("distance", 0, math.inf),
}


def shift_measures(train_RCV: IntArray, test_RCV: IntArray) -> dict[str, FloatArray]:
    """Each of `MEASURES` (R, C) between the histograms of two splits.

    - `mean_levels`: difference of the means, in pixel levels 0..255
    - `mean_stds`: the same, in stds of the train pixels
    - `std_ratio`: test std over train std, of all pixels, ddof = 0
    - `wasserstein_levels`: first Wasserstein distance, in pixel levels: the area between the
      distribution functions (Vallender, 1974)
    - `wasserstein_stds`: the same, in stds of the train pixels
    - `kolmogorov_smirnov`: largest distance of the distribution functions
    - `jensen_shannon_bits`: Jensen-Shannon divergence, base 2 (Lin, 1991)
    - `psi`: population stability index: sum over bins of (q - p) ln(q / p) (Siddiqi, 2006)

    If all train pixels of a channel have one level, its measures in stds and its ratio of stds are
    infinite or NaN, unless all test pixels have that level too: then there is no shift.

    >>> black, white = np.eye(256, dtype=int)[[[[0]], [[255]]]]
    >>> shift_measures(black, white)["wasserstein_levels"].tolist()
    [[255.0]]
    """
    p_VRC, mean_RC, std_RC = _distribution(train_RCV)
    q_VRC, test_mean_RC, test_std_RC = _distribution(test_RCV)
    mean_levels = test_mean_RC - mean_RC
    apart_VRC = np.abs(_difference_of_cdfs(p_VRC, q_VRC))
    wasserstein_levels = apart_VRC.sum(axis=0)
    unit_RC = _unit(std_RC, apart_VRC)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "mean_levels": mean_levels,
            "mean_stds": mean_levels / unit_RC,
            "std_ratio": np.where(unit_RC == std_RC, test_std_RC / std_RC, 1.0),
            "wasserstein_levels": wasserstein_levels,
            "wasserstein_stds": wasserstein_levels / unit_RC,
            "kolmogorov_smirnov": apart_VRC.max(axis=0),
            "jensen_shannon_bits": _jensen_shannon_bits(p_VRC, q_VRC),
            "psi": _psi(p_VRC, q_VRC),
        }


def shift_changes(train_RCV: IntArray, test_RCV: IntArray) -> dict[str, FloatArray]:
    """How far each of `MEASURES` (R, C) is from its value in row 0; for a ratio, in logarithms.

    The Wasserstein and Kolmogorov-Smirnov distances are norms of the difference of two
    distribution functions. Their change here is the norm of that difference's change. The change
    of the norm itself is never larger and would show too little uncertainty: for equal splits, a
    norm can only grow.

    >>> black, white = np.eye(256, dtype=int)[[[[0]], [[255]]]]
    >>> both = np.concatenate([black, white])
    >>> shift_changes(black, both)["mean_levels"].tolist()
    [[0.0], [255.0]]
    """
    measures = shift_measures(train_RCV, test_RCV)
    p_VRC, _, std_RC = _distribution(train_RCV)
    q_VRC, _, _ = _distribution(test_RCV)
    apart_VRC = _difference_of_cdfs(p_VRC, q_VRC)
    changed_VRC = np.abs(apart_VRC - apart_VRC[:, :1])
    with np.errstate(divide="ignore", invalid="ignore"):
        in_stds_VRC = apart_VRC / _unit(std_RC, apart_VRC)
        changes = {name: np.abs(values_RC - values_RC[0]) for name, values_RC in measures.items()}
        return changes | {
            "std_ratio": np.abs(np.log(measures["std_ratio"] / measures["std_ratio"][0])),
            "wasserstein_levels": changed_VRC.sum(axis=0),
            "wasserstein_stds": np.abs(in_stds_VRC - in_stds_VRC[:, :1]).sum(axis=0),
            "kolmogorov_smirnov": changed_VRC.max(axis=0),
        }


def total_variation(train_CV: IntArray, test_CV: IntArray) -> FloatArray:
    """The largest difference in the share of any set of levels, (C,): 0 to 1, 1 - overlap.

    >>> total_variation(np.eye(256, dtype=int)[:1], np.eye(256, dtype=int)[-1:]).tolist()
    [1.0]
    """
    p_VRC, _, _ = _distribution(train_CV[None])
    q_VRC, _, _ = _distribution(test_CV[None])
    # Rounding may carry a sum of shares beyond 1.
    distance_C: FloatArray = np.minimum(np.abs(q_VRC - p_VRC).sum(axis=0)[0] / 2, 1)
    return distance_C


def _distribution(counts_RCV: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The share of each level (V, R, C), the mean and the std (R, C), in pixel levels."""
    counts_VRC = np.ascontiguousarray(np.moveaxis(counts_RCV, -1, 0))
    levels_V11 = np.arange(LEVELS).reshape(-1, 1, 1)
    pixels_RC = counts_VRC.sum(axis=0)
    share_VRC = counts_VRC / pixels_RC
    mean_RC = (counts_VRC * levels_V11).sum(axis=0) / pixels_RC
    std_RC = np.sqrt((share_VRC * (levels_V11 - mean_RC) ** 2).sum(axis=0))
    return share_VRC, mean_RC, std_RC


def _difference_of_cdfs(p_VRC: FloatArray, q_VRC: FloatArray) -> FloatArray:
    return np.cumsum(q_VRC, axis=0) - np.cumsum(p_VRC, axis=0)


def _unit(std_RC: FloatArray, apart_VRC: FloatArray) -> FloatArray:
    """The std, or 1 where there is neither spread nor a difference: 0 of any unit is 0."""
    unit_RC: FloatArray = np.where((std_RC == 0) & ~apart_VRC.any(axis=0), 1.0, std_RC)
    return unit_RC


def _jensen_shannon_bits(p_VRC: FloatArray, q_VRC: FloatArray) -> FloatArray:
    middle_VRC = (p_VRC + q_VRC) / 2
    # A level that a split doesn't have adds nothing to its part.
    terms_VRC = [
        np.where(share_VRC > 0, share_VRC * np.log2(share_VRC / middle_VRC), 0)
        for share_VRC in (p_VRC, q_VRC)
    ]
    divergence_RC: FloatArray = np.maximum((terms_VRC[0] + terms_VRC[1]).sum(axis=0) / 2, 0)
    return divergence_RC


def _psi(p_VRC: FloatArray, q_VRC: FloatArray) -> FloatArray:
    starts = np.arange(0, LEVELS, PSI_BIN_LEVELS)
    p_BRC, q_BRC = (
        np.maximum(np.add.reduceat(share_VRC, starts, axis=0), PSI_FLOOR)
        for share_VRC in (p_VRC, q_VRC)
    )
    index_RC: FloatArray = ((q_BRC - p_BRC) * np.log(q_BRC / p_BRC)).sum(axis=0)
    return index_RC
