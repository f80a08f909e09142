"""Histograms of both splits as chance might have made them.

N images of both splits, C channels, V = 256 levels; R replicates, row 0 the data itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stages.compare.reweigh import ImageCounts, weighted_histograms
from stages.statistics.integers import IntArray


@dataclass(frozen=True)
class Replicates:
    """Histograms (R, C, V) of the splits after images were dealt out, or drawn, anew."""

    dealt_train: IntArray
    dealt_test: IntArray
    drawn_train: IntArray
    drawn_test: IntArray


def replicate(
    train: ImageCounts, test: ImageCounts, weights_2RN: NDArray[np.uint8], device: torch.device
) -> Replicates:
    """The replicates whose weights a `Resampling` drew, the data itself first."""
    dealt_from_train, drawn_train = weighted_histograms(
        train, weights_2RN[..., : len(train)], device
    )
    dealt_from_test, drawn_test = weighted_histograms(test, weights_2RN[..., len(train) :], device)
    dealt_test = dealt_from_train + dealt_from_test
    return Replicates(
        dealt_train=drawn_train[0] + drawn_test[0] - dealt_test,
        dealt_test=dealt_test,
        drawn_train=drawn_train,
        drawn_test=drawn_test,
    )
