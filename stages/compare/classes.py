"""The classes of both splits side by side, in pixel levels 0..255.

N images, C channels. Each split is given as its statistics and its labels (N,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.compare.effects import mean_and_error
from stages.shared.names import SPLITS, by_channel
from stages.statistics.integers import IntArray, SplitStatistics

Labels = NDArray[np.integer[Any]]
LabelledSplit = tuple[SplitStatistics, Labels]

# What is reported if an image has no label.
NO_CLASSES: dict[str, Any] = {
    "class_mix": None,
    "classes": {},
    "largest_class_gap": {"mean_levels": None, "std_levels": None},
}


@dataclass(frozen=True)
class _Images:
    """The images of a class in a split: their pixels, sums and sums of squares."""

    pixels: IntArray  # (N,)
    sums: IntArray  # (C, N)
    squares: IntArray  # (C, N)


@dataclass(frozen=True)
class _Channel:
    """A channel's pixels in the images of a class; NaN without images."""

    mean: float
    mean_error: float  # standard error with ddof = 1; NaN for one image
    std: float


def compare_classes(
    train: LabelledSplit, test: LabelledSplit, name_of: Callable[[int], str]
) -> dict[str, Any]:
    """Mean and std over the pixels of each class, by split, and the classes farthest apart.

    `class_mix` is the share of the images that would have to change class to make the classes
    equally frequent in both splits. `gap` is test minus train, NaN for a class that only one split
    has. The standard error of a mean gap takes images as independent, not pixels.
    """
    labels = np.union1d(train[1], test[1])
    of_train, of_test = _by_class(*train, labels), _by_class(*test, labels)
    classes = {
        name_of(label): _compare_class(*of_both)
        for label, *of_both in zip(labels.tolist(), of_train, of_test, strict=True)
    }
    return {
        "class_mix": {"total_variation": _shares_apart(classes)},
        "classes": classes,
        "largest_class_gap": {
            measure: _largest_gap(classes, measure) for measure in ("mean_levels", "std_levels")
        },
    }


def _by_class(statistics: SplitStatistics, labels_N: Labels, classes: Labels) -> list[_Images]:
    """The images of each class. One sort is much faster than a search for each class."""
    order_N = np.argsort(labels_N, kind="stable")
    starts = np.searchsorted(labels_N[order_N], classes[1:])
    pixels = np.split(statistics.image_pixels[order_N], starts)
    sums = np.split(statistics.image_sums[order_N].T, starts, axis=1)
    squares = np.split(statistics.image_sums_of_squares[order_N].T, starts, axis=1)
    return [_Images(*of_class) for of_class in zip(pixels, sums, squares, strict=True)]


def _shares_apart(classes: dict[str, Any]) -> float:
    counts = [of_class["images"] for of_class in classes.values()]
    train, test = (sum(images[split] for images in counts) for split in SPLITS)
    apart = (Fraction(images["train"], train) - Fraction(images["test"], test) for images in counts)
    return float(sum(map(abs, apart)) / 2)


def _largest_gap(classes: dict[str, Any], measure: str) -> dict[str, Any] | None:
    gaps = [
        {"class": name, "channel": channel}
        | {key: by[channel] for key, by in of_class[measure].items() if key not in SPLITS}
        for name, of_class in classes.items()
        for channel in of_class[measure]["gap"]
    ]
    known = [gap for gap in gaps if not math.isnan(gap["gap"])]
    return max(known, key=lambda gap: abs(gap["gap"]), default=None)


def _compare_class(train: _Images, test: _Images) -> dict[str, Any]:
    in_train, in_test = _channels(train), _channels(test)
    pairs = list(zip(in_train, in_test, strict=True))
    return {
        "images": {"train": len(train.pixels), "test": len(test.pixels)},
        "mean_levels": {
            "train": by_channel(channel.mean for channel in in_train),
            "test": by_channel(channel.mean for channel in in_test),
            "gap": by_channel(other.mean - one.mean for one, other in pairs),
            "gap_standard_error": by_channel(
                math.hypot(one.mean_error, other.mean_error) for one, other in pairs
            ),
        },
        "std_levels": {
            "train": by_channel(channel.std for channel in in_train),
            "test": by_channel(channel.std for channel in in_test),
            "gap": by_channel(other.std - one.std for one, other in pairs),
        },
    }


def _channels(images: _Images) -> list[_Channel]:
    return [
        _channel(images.pixels, sums_N, squares_N)
        for sums_N, squares_N in zip(images.sums, images.squares, strict=True)
    ]


def _channel(pixels_N: IntArray, sums_N: IntArray, squares_N: IntArray) -> _Channel:
    images = len(pixels_N)
    if images == 0:
        return _Channel(math.nan, math.nan, math.nan)
    # Python's integers: pixels * sum(x^2) may exceed int64.
    pixels, total, squares = (int(values_N.sum()) for values_N in (pixels_N, sums_N, squares_N))
    mean, error = mean_and_error(pixels_N, sums_N)
    return _Channel(
        mean=mean,
        mean_error=error * math.sqrt(images / (images - 1)) if images > 1 else math.nan,
        std=math.sqrt(pixels * squares - total * total) / pixels,
    )
