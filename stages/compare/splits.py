"""How far the test split is from the train split, and how certain that is.

N images, C channels, V = 256 levels. Pixels of one image are alike, so chance acts on images: an
interval comes from drawing images anew, a p-value from dealing them out anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from stages.compare.class_gaps import ClassGaps
from stages.compare.classes import NO_CLASSES, LabelledSplit, Labels, compare_classes
from stages.compare.effects import design_effect, image_effects
from stages.compare.inference import interval, p_values
from stages.compare.replicates import replicate
from stages.compare.resample import Resampling
from stages.compare.reweigh import ImageCounts
from stages.compare.shift import (
    MEASURES,
    PSI_BIN_LEVELS,
    PSI_FLOOR,
    shift_changes,
    shift_measures,
    total_variation,
)
from stages.shared.names import SPLITS, by_channel
from stages.statistics.integers import SplitStatistics
from stages.statistics.summary import FloatArray

Measured = dict[str, FloatArray]

# A logarithm may differ between machines in the last of its 16 digits, and a sum in which such
# terms cancel in a few more. Ten digits are the same everywhere.
DIGITS = 10

# The most replicates that one pass makes, and the most bytes of their weights, so that more
# replicates take no more memory. Each pass reads the images once.
MAX_ROWS = 1024
MAX_WEIGHT_BYTES = 2**29

OTHER_IMAGES = "the statistics are of other images; run `dvc repro measure`"


@dataclass(frozen=True)
class Split:
    """A split to compare: its images' histograms, their labels (N,), and their statistics."""

    images: ImageCounts
    labels: Labels | None  # None where not every image has one
    statistics: SplitStatistics

    def __post_init__(self) -> None:
        labelled = self.statistics.images if self.labels is None else len(self.labels)
        if not len(self.images) == labelled == self.statistics.images:
            raise ValueError(OTHER_IMAGES)

    def in_strata(self, *, classes: bool) -> LabelledSplit:
        """The statistics, and the stratum of each image: its class, or the same for all."""
        if classes and self.labels is not None:
            return self.statistics, self.labels
        return self.statistics, np.zeros(self.statistics.images, dtype=np.uint8)


def compare(
    train: Split,
    test: Split,
    permutations: int,
    seed: int,
    device: torch.device,
    class_name: Callable[[int], str],
) -> dict[str, Any]:
    """The report of the shift, test minus train; None is a value that is not finite.

    Images are dealt and drawn within their classes, or among all images if a split has no classes.

    Raises ValueError if the statistics are of other images.
    """
    both = dict(zip(SPLITS, (train, test), strict=True))
    labelled = {name: split.labels is not None for name, split in both.items()}
    classes = all(labelled.values())
    in_train, in_test = (split.in_strata(classes=classes) for split in both.values())
    resampling = Resampling(in_train[1], in_test[1], seed)
    class_gaps = ClassGaps(in_train, in_test)
    dealt, changes = replicate_measures(train, test, resampling, class_gaps, permutations, device)
    distance_C = total_variation(train.statistics.histogram, test.statistics.histogram)
    report = {
        "images": {"train": train.statistics.images, "test": test.statistics.images},
        "constant_channels": {
            channel: level
            for channel, level in train.statistics.constant_channels.items()
            if test.statistics.constant_channels.get(channel) == level
        },
        **{name: by_channel(dealt[name][0]) for name in MEASURES},
        "total_variation": by_channel(distance_C),
        "overlap": by_channel(1 - distance_C),
        **infer(dealt, changes, resampling),
        "psi_bins": {"levels": PSI_BIN_LEVELS, "least_share": PSI_FLOOR},
        **image_effects(train.statistics, test.statistics),
        "design_effect": design_effect(train.statistics),
        # Not a list, which DVC would draw as a plot.
        "labelled": labelled,
        **(compare_classes(in_train, in_test, class_name) if classes else NO_CLASSES),
        "most_unusual_class_gap": class_gaps.most_unusual(dealt["class_gap"], class_name)
        if classes
        else None,
    }
    return {name: _rounded(value) for name, value in report.items()}


def replicate_measures(
    train: Split,
    test: Split,
    resampling: Resampling,
    class_gaps: ClassGaps,
    replicates: int,
    device: torch.device,
) -> tuple[Measured, Measured]:
    """The measures of splits whose images are dealt anew, and their changes if drawn anew.

    Each is (R, C) with the data itself in row 0. The first also have `class_gap` (R, 1), the
    largest gap of any class.
    """
    rows = min(MAX_ROWS, max(1, MAX_WEIGHT_BYTES // (2 * len(resampling))))
    dealt, changes = [], []
    for start in range(1, replicates + 1, rows):
        numbers = [0, *range(start, min(start + rows, replicates + 1))]
        weights_2RN = resampling.draw(numbers)
        made = replicate(train.images, test.images, weights_2RN, device)
        for split, drawn_RCV in (train, made.drawn_train), (test, made.drawn_test):
            if not np.array_equal(split.statistics.histogram, drawn_RCV[0]):
                raise ValueError(OTHER_IMAGES)
        gaps = {"class_gap": class_gaps.largest(weights_2RN[0])}
        dealt.append(shift_measures(made.dealt_train, made.dealt_test) | gaps)
        changes.append(shift_changes(made.drawn_train, made.drawn_test))
    return _joined(dealt), _joined(changes)


def _joined(passes: list[Measured]) -> Measured:
    first, *others = passes
    return {
        name: np.concatenate([values_RC, *(other[name][1:] for other in others)])
        for name, values_RC in first.items()
    }


def infer(dealt: Measured, changes: Measured, resampling: Resampling) -> dict[str, Any]:
    """Intervals and p-values; NaN if the images can be drawn or dealt in one way only."""
    intervals, ps = {}, {}
    for name, measure in MEASURES.items():
        unknown_C = np.full_like(dealt[name][0], np.nan)
        low_C, high_C = unknown_C, unknown_C
        if resampling.can_draw:
            low_C, high_C = interval(dealt[name][0], changes[name], measure)
        p_value_C, p_value_any = unknown_C, math.nan
        if resampling.can_deal:
            p_value_C, p_value_any = p_values(dealt[name], measure)
        intervals[name] = {"low": by_channel(low_C), "high": by_channel(high_C)}
        ps[name] = {**by_channel(p_value_C), "any_channel": p_value_any}
    return {"interval_95": intervals, "p_value": ps}


def _rounded(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _rounded(value) for name, value in content.items()}
    if isinstance(content, float):
        return float(f"{content:.{DIGITS}g}") if math.isfinite(content) else None
    return content
