"""A normalization as the weights of a Keras `Normalization` layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def keras_weights(mean: Sequence[float], std: Sequence[float]) -> dict[str, NDArray[Any]]:
    """What the layer's `load_own_variables` takes: its mean, variance and count, by position.

    They are in levels 0..255, so the layer takes uint8 images as they are. The count is always 0:
    Keras keeps it for files of older versions.

    >>> sorted(keras_weights([0.5], [0.25]))
    ['0', '1', '2']
    """
    return {
        "0": (255 * np.array(mean)).astype(np.float32),
        "1": ((255 * np.array(std)) ** 2).astype(np.float32),
        "2": np.array(0, dtype=np.int32),
    }
