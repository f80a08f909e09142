"""The sizes of a split's images in their files, as few numbers however many sizes there are.

S sizes: the height and width of each, and how many images have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.shared.names import BINS_PER_DOUBLING
from stages.shared.preparation import Preparation, Size

MOST_FREQUENT = 3  # so many sizes are named

# In the widest bin of aspect ratios is whatever is four times as wide as high, or wider.
WIDEST_BIN = 2 * BINS_PER_DOUBLING

Ints = NDArray[np.int64]


def sizes_of_files(
    file_sizes: Sequence[tuple[int, int, int]], preparation: Preparation
) -> dict[str, Any]:
    """What to know of the sizes (S, 3) before images are resized, and of what resizing does.

    >>> found = sizes_of_files([(30, 40, 5), (40, 30, 1)], Preparation(resize=32))
    >>> found["most_frequent"], found["enlarged"]
    ([[30, 40, 5], [40, 30, 1]], 6)
    """
    height_S, width_S, images_S = np.array(file_sizes, np.int64).T
    longer_S = np.maximum(height_S, width_S)
    by_pixels_S = np.lexsort([width_S, height_S, height_S * width_S])
    by_images_S = (-images_S).argsort(kind="stable")
    ratio_bins_S = _bins(width_S / height_S).clip(-WIDEST_BIN, WIDEST_BIN)
    changes = [_changes((height, width), preparation) for height, width, _ in file_sizes]
    changed_S, enlarged_S, padded_S = np.array(changes, np.bool_).T
    return {
        "sizes": len(file_sizes),
        "smallest": list(file_sizes[by_pixels_S[0]][:2]),
        "largest": list(file_sizes[by_pixels_S[-1]][:2]),
        "most_frequent": [list(file_sizes[n]) for n in by_images_S[:MOST_FREQUENT]],
        "longer_side": _quantiles(longer_S, images_S),
        "portrait": int(images_S[height_S > width_S].sum()),
        "landscape": int(images_S[height_S < width_S].sum()),
        "longer_side_bins": _counts(_bins(longer_S), images_S),
        "aspect_ratio_bins": _counts(ratio_bins_S, images_S),
        "changed": int(images_S[changed_S].sum()),
        "enlarged": int(images_S[enlarged_S].sum()),
        "padded": int(images_S[padded_S].sum()),
    }


def _bins(values_S: NDArray[Any]) -> Ints:
    """The number of each value's bin on a logarithmic scale; 1 is in the middle of bin 0."""
    bins_S: Ints = np.rint(BINS_PER_DOUBLING * np.log2(values_S)).astype(np.int64)
    return bins_S


def _counts(bins_S: Ints, images_S: Ints) -> dict[str, int]:
    return {str(k): int(images_S[bins_S == k].sum()) for k in np.unique(bins_S)}


def _quantiles(values_S: Ints, images_S: Ints) -> list[int]:
    """The value that 5, 50 and 95 % of the images do not exceed."""
    order = values_S.argsort()
    up_to_S = images_S[order].cumsum()
    at = np.searchsorted(100 * up_to_S, np.array([5, 50, 95]) * up_to_S[-1])
    return [int(value) for value in values_S[order][at]]


def _changes(size: Size, preparation: Preparation) -> tuple[bool, bool, bool]:
    """Whether the size changes, resizing makes a side longer, and cropping does, by black."""
    steps = preparation.sizes(size)
    longer = [
        any(to > of for of, to in zip(before, after, strict=True))
        for before, after in pairwise(steps)
    ]
    cropped = preparation.crop is not None and longer.pop()
    return steps[-1] != size, any(longer), cropped
