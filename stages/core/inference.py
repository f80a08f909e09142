"""How surely a measure is known: intervals and p-values from replicates.

R replicates after the data itself, which is row 0; C channels.
"""

from __future__ import annotations

import math

import numpy as np

from stages.core.shift import Measure
from stages.core.summary import FloatArray

CONFIDENCE = 0.95


def interval(drawn_RC: FloatArray, measure: Measure) -> tuple[FloatArray, FloatArray]:
    """The symmetric bootstrap interval of the measure, low and high (C,): Hall, 1988.

    As far to both sides as 95 % of the replicates are from the data. Drawing anew adds to a
    distance what chance had already added to it once, so the usual percentiles of the replicates
    may all lie above a small distance; this interval holds it, and 0 where chance explains it.
    """
    off_RC = np.sort(np.abs(drawn_RC[1:] - drawn_RC[0]), axis=0)
    radius_C = off_RC[min(math.ceil(CONFIDENCE * len(drawn_RC)), len(off_RC)) - 1]
    return (
        np.maximum(drawn_RC[0] - radius_C, measure.low),
        np.minimum(drawn_RC[0] + radius_C, measure.high),
    )


def p_values(dealt_RC: FloatArray, measure: Measure) -> tuple[FloatArray, float]:
    """How often dealing images out anew gives splits at least as far apart as they are.

    For each channel (C,), and for the channel that is farthest apart: the probability that any of
    them would be so far (Westfall and Young, 1993). The data itself counts as one of the deals, so
    the test is exact and no p-value is 0 (Phipson and Smyth, 2010).
    """
    apart_RC = dealt_RC
    if not measure.is_distance:
        # Ratios are compared by their logarithms: half is as far from 1 as double. What is
        # usual is the median: classes unequally frequent in the splits move it from alike.
        with np.errstate(divide="ignore"):
            signed_RC = np.log(dealt_RC) if measure.low == 0 else dealt_RC
        apart_RC = np.abs(signed_RC - np.median(signed_RC, axis=0))
    farthest_R = apart_RC.max(axis=1)
    return (apart_RC >= apart_RC[0]).mean(axis=0), float((farthest_R >= farthest_R[0]).mean())
