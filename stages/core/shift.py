"""How far the test split's pixels are from the train split's, for many replicates at once.

R replicates, C channels, V = 256 levels. Every measure is of a channel, test minus train. Sums run
over the first axis, level after level, so that no machine's vector width shows in a result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stages.core.statistics import LEVELS, IntArray
from stages.core.summary import FloatArray

# The population stability index takes 16 bins of 16 levels. A bin that only one split leaves empty
# would make it infinite: a share below a pixel in ten thousand counts as that.
PSI_BIN_LEVELS = 16
PSI_FLOOR = 1e-4


@dataclass(frozen=True)
class Measure:
    """What values a measure can take; a distance is 0 where the splits are alike."""

    low: float
    high: float
    is_distance: bool = True


MEASURES = {
    "mean_levels": Measure(-255, 255, is_distance=False),
    "mean_stds": Measure(-math.inf, math.inf, is_distance=False),
    "std_ratio": Measure(0, math.inf, is_distance=False),
    "wasserstein_levels": Measure(0, 255),
    "wasserstein_stds": Measure(0, math.inf),
    "kolmogorov_smirnov": Measure(0, 1),
    "jensen_shannon_bits": Measure(0, 1),
    "psi": Measure(0, math.inf),
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

    Where all train pixels of a channel are the same, its measures in stds and its ratio of stds
    are infinite or NaN.
    """
    p_VRC, mean_RC, std_RC = _distribution(train_RCV)
    q_VRC, test_mean_RC, test_std_RC = _distribution(test_RCV)
    mean_levels = test_mean_RC - mean_RC
    apart_VRC = np.abs(np.cumsum(q_VRC, axis=0) - np.cumsum(p_VRC, axis=0))
    wasserstein_levels = apart_VRC.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "mean_levels": mean_levels,
            "mean_stds": mean_levels / std_RC,
            "std_ratio": test_std_RC / std_RC,
            "wasserstein_levels": wasserstein_levels,
            "wasserstein_stds": wasserstein_levels / std_RC,
            "kolmogorov_smirnov": apart_VRC.max(axis=0),
            "jensen_shannon_bits": _jensen_shannon_bits(p_VRC, q_VRC),
            "psi": _psi(p_VRC, q_VRC),
        }


def total_variation(train_CV: IntArray, test_CV: IntArray) -> FloatArray:
    """The largest difference in the share of any set of levels, (C,); 1 minus it is the overlap."""
    p_VRC, _, _ = _distribution(train_CV[None])
    q_VRC, _, _ = _distribution(test_CV[None])
    distance_C: FloatArray = np.abs(q_VRC - p_VRC).sum(axis=0)[0] / 2
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


def _jensen_shannon_bits(p_VRC: FloatArray, q_VRC: FloatArray) -> FloatArray:
    middle_VRC = (p_VRC + q_VRC) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
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
