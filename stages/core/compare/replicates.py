"""Histograms of both splits as chance might have made them.

N images of both splits, C channels, V = 256 levels; R replicates after the data itself, row 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from stages.core.compare.resample import Resampling
from stages.core.compare.reweigh import weighted_histograms
from stages.core.measure import ImageBatches
from stages.core.statistics import IntArray

# So many bytes of replicates are drawn at once. For more, the images are read once more.
MAX_WEIGHT_BYTES = 2**27


@dataclass(frozen=True)
class Replicates:
    """Histograms (R + 1, C, V) of the splits after images were dealt out, or drawn, anew."""

    dealt_train: IntArray
    dealt_test: IntArray
    drawn_train: IntArray
    drawn_test: IntArray


def replicate(
    train: ImageBatches,
    test: ImageBatches,
    resampling: Resampling,
    replicates: int,
    device: torch.device,
) -> Replicates:
    """Deal and draw the images of both splits `replicates` times."""
    rows = max(1, MAX_WEIGHT_BYTES // (2 * len(resampling)))
    parts: list[tuple[IntArray, IntArray]] = []
    for start in range(0, replicates + 1, rows):
        weights_2RN = resampling.draw(range(start, min(start + rows, replicates + 1)))
        from_train_2RCV = weighted_histograms(train, weights_2RN[..., : len(train)], device)
        from_test_2RCV = weighted_histograms(test, weights_2RN[..., len(train) :], device)
        parts.append((from_train_2RCV, from_test_2RCV))
    (dealt_from_train, drawn_train), (dealt_from_test, drawn_test) = (
        np.concatenate(passes, axis=1) for passes in zip(*parts, strict=True)
    )
    dealt_test = dealt_from_train + dealt_from_test
    return Replicates(
        dealt_train=drawn_train[0] + drawn_test[0] - dealt_test,  # row 0 has each image once
        dealt_test=dealt_test,
        drawn_train=drawn_train,
        drawn_test=drawn_test,
    )
