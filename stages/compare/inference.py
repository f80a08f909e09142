"""How certain a measure is: intervals and p-values from replicates.

R replicates, of which row 0 is the data itself; C channels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stages.compare.shift import Measure
from stages.statistics.summary import FloatArray

CONFIDENCE = 0.95

# Different deals often have the same measure, but floats that differ by rounding: by less than
# 1e-11 for sums of 256 terms up to 255. So values tie if they differ by at most this times the
# largest value, or times 1 if that is larger.
TIE = 1e-10


def interval(
    value_C: FloatArray, changes_RC: FloatArray, measure: Measure
) -> tuple[FloatArray, FloatArray]:
    """The symmetric bootstrap interval of a measure, low and high (C,), not studentized (Hall,
    1988).

    It reaches as far to each side as the change that 95 % of the replicates do not exceed; for a
    ratio, in logarithms. The usual percentiles would be too high for a distance: chance adds to it
    in the data, and once more in each replicate.

    >>> interval(np.array([3.0]), np.ones((100, 1)), Measure("difference", -255, 255))
    (array([2.]), array([4.]))
    """
    changes_RC = np.sort(changes_RC[1:], axis=0)
    replicates = len(changes_RC)
    radius_C = changes_RC[min(math.ceil(CONFIDENCE * (replicates + 1)), replicates) - 1]
    if measure.kind == "ratio":
        low_C, high_C = value_C * np.exp(-radius_C), value_C * np.exp(radius_C)
    else:
        low_C, high_C = value_C - radius_C, value_C + radius_C
    return np.maximum(low_C, measure.low), np.minimum(high_C, measure.high)


def p_values(dealt_RC: FloatArray, measure: Measure) -> tuple[FloatArray, float]:
    """The share of deals whose splits are at least as far apart as the real ones.

    One for each channel (C,), and one for the most unusual channel: the probability that any
    channel is as unusual (the "min P" of Westfall and Young, 1993, in which a noisy channel does
    not hide the others). The data itself counts as one of the deals, so the test is exact and no
    p-value is 0 (Phipson and Smyth, 2010).

    A difference or a ratio is judged by how far it is from the median of the deals. That median is
    not 0 (or 1) where some classes are more frequent in one split. A distance contains that mix of
    classes. Its p-value only asks whether the splits are farther apart than the mix makes them.

    >>> p_values(np.array([[9.0], [1.0], [2.0], [3.0]]), Measure("distance", 0, 255))
    (array([0.25]), 0.25)
    """
    apart_RC = dealt_RC
    if measure.kind != "distance":
        with np.errstate(divide="ignore", invalid="ignore"):
            signed_RC = np.log(dealt_RC) if measure.kind == "ratio" else dealt_RC
            apart_RC = np.abs(signed_RC - np.median(signed_RC, axis=0))
    # NaN, which is sorted last, counts as farthest apart.
    as_far_RC = np.stack([_as_far(apart_R) for apart_R in apart_RC.T], axis=1)
    rarest_R = as_far_RC.min(axis=1)
    return as_far_RC[0] / len(dealt_RC), float((rarest_R <= rarest_R[0]).mean())


def _as_far(apart_R: FloatArray) -> NDArray[np.intp]:
    """For each value, how many values are at least as large or tie with it."""
    tolerance = TIE * max(1, apart_R.max(where=np.isfinite(apart_R), initial=0))
    less_R: NDArray[np.intp] = np.searchsorted(np.sort(apart_R), apart_R - tolerance)
    return len(apart_R) - less_R
