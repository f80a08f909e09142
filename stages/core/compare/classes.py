"""The classes of both splits side by side, in pixel levels 0..255.

N images, C channels, K classes. Each split is given as its statistics and its labels (N,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.compare.effects import mean_and_error
from stages.core.statistics import SPLITS, SplitStatistics, by_channel

Labels = NDArray[np.integer[Any]]
LabelledSplit = tuple[SplitStatistics, Labels]


@dataclass(frozen=True)
class _Channel:
    """A channel's pixels in the images of a class: NaN without images."""

    mean: float
    mean_error: float  # standard error with ddof = 1: NaN for one image too
    std: float


def compare_classes(
    train: LabelledSplit, test: LabelledSplit, name_of: Callable[[int], str]
) -> dict[str, Any]:
    """Mean and std over the pixels of each class, by split, and the classes farthest apart.

    `class_mix` is the part of the images that would have to change class for equal shares.
    `gap` is test minus train, NaN for a class that only one split has. The standard error of a
    mean gap takes images as independent, not pixels.
    """
    labels = np.union1d(train[1], test[1]).tolist()
    classes = {name_of(label): _compare_class(train, test, label) for label in labels}
    return {
        "class_mix": {"total_variation": _shares_apart(classes)},
        "classes": classes,
        "largest_class_gap": {
            measure: _largest_gap(classes, measure) for measure in ("mean_levels", "std_levels")
        },
    }


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


def _compare_class(train: LabelledSplit, test: LabelledSplit, label: int) -> dict[str, Any]:
    parts = {
        split: [
            _channel_of_class(statistics, labels == label, channel)
            for channel in range(len(statistics.histogram))
        ]
        for split, (statistics, labels) in zip(SPLITS, (train, test), strict=True)
    }
    pairs = list(zip(parts["train"], parts["test"], strict=True))
    return {
        "images": {"train": int((train[1] == label).sum()), "test": int((test[1] == label).sum())},
        "mean_levels": {
            **{split: by_channel(of.mean for of in part) for split, part in parts.items()},
            "gap": by_channel(in_test.mean - in_train.mean for in_train, in_test in pairs),
            "gap_standard_error": by_channel(
                math.hypot(in_train.mean_error, in_test.mean_error) for in_train, in_test in pairs
            ),
        },
        "std_levels": {
            **{split: by_channel(of.std for of in part) for split, part in parts.items()},
            "gap": by_channel(in_test.std - in_train.std for in_train, in_test in pairs),
        },
    }


def _channel_of_class(
    statistics: SplitStatistics, chosen_N: NDArray[np.bool_], channel: int
) -> _Channel:
    images = int(chosen_N.sum())
    if images == 0:
        return _Channel(math.nan, math.nan, math.nan)
    pixels_N = statistics.image_pixels[chosen_N]
    sums_N = statistics.image_sums[chosen_N, channel]
    squares = int(statistics.image_sums_of_squares[chosen_N, channel].sum())
    pixels, total = int(pixels_N.sum()), int(sums_N.sum())
    mean, error = mean_and_error(pixels_N, sums_N)
    return _Channel(
        mean=mean,
        mean_error=error * math.sqrt(images / (images - 1)) if images > 1 else math.nan,
        std=math.sqrt(pixels * squares - total * total) / pixels,
    )
