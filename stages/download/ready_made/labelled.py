"""The form in which every ready-made dataset is read.

N images, C channels, H x W pixels, in the official order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledImages:
    """A split: images (N, C, H, W) and labels (N,), both uint8 and C-contiguous."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class LabelledSplits:
    """The splits `train` and `test`, and the names of the labels 0, 1, ..."""

    splits: dict[str, LabelledImages]
    classes: Sequence[str]
