"""Histograms of both splits as chance might have made them.

N images of both splits, C channels, V = 256 levels; R replicates, row 0 the data itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from stages.core.compare.resample import Resampling
from stages.core.compare.reweigh import ImageCounts, weighted_histograms
from stages.core.statistics import IntArray


@dataclass(frozen=True)
class Replicates:
    """Histograms (R, C, V) of the splits after images were dealt out, or drawn, anew."""

    dealt_train: IntArray
    dealt_test: IntArray
    drawn_train: IntArray
    drawn_test: IntArray


def replicate(
    train: ImageCounts,
    test: ImageCounts,
    resampling: Resampling,
    numbers: Sequence[int],
    device: torch.device,
) -> Replicates:
    """The replicates of these numbers, of which the first is 0: the data itself."""
    weights_2RN = resampling.draw(numbers)
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
