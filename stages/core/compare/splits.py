"""Whether the test split is like the train split: how far apart they are, and how surely.

N images, C channels, V = 256 levels. Pixels of one image are alike, so chance enters by images
alone: an interval comes from drawing images anew, a p-value from dealing them out anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from stages.core.compare.classes import Labels, compare_classes
from stages.core.compare.effects import design_effect, image_effects
from stages.core.compare.inference import interval, p_values
from stages.core.compare.replicates import Replicates, replicate
from stages.core.compare.resample import Resampling
from stages.core.compare.shift import (
    MEASURES,
    PSI_BIN_LEVELS,
    PSI_FLOOR,
    shift_changes,
    shift_measures,
    total_variation,
)
from stages.core.measure import ImageBatches
from stages.core.statistics import SplitStatistics, by_channel

# A logarithm may differ between machines in the last of its 16 digits, and a sum in which such
# terms cancel in a few more. What is left is the same everywhere.
DIGITS = 10


@dataclass(frozen=True)
class Split:
    """A split to compare: its images, the label of each (N,), and their statistics."""

    images: ImageBatches
    labels: Labels
    statistics: SplitStatistics


def compare(
    train: Split,
    test: Split,
    permutations: int,
    seed: int,
    device: torch.device,
    class_name: Callable[[int], str],
) -> dict[str, Any]:
    """The report of the shift, test minus train; None stands for what has no finite value.

    Raises ValueError where the histograms of the statistics are not those of the images.
    """
    resampling = Resampling(train.labels, test.labels, seed)
    replicates = replicate(train.images, test.images, resampling, permutations, device)
    for split, histogram_CV in (
        (train, replicates.drawn_train[0]),
        (test, replicates.drawn_test[0]),
    ):
        if not np.array_equal(split.statistics.histogram, histogram_CV):
            raise ValueError("the statistics are not those of the images; run `dvc repro measure`")
    report = {
        "images": {"train": train.statistics.images, "test": test.statistics.images},
        **measures(replicates, resampling),
        **image_effects(train.statistics, test.statistics),
        "design_effect": design_effect(train.statistics),
        **compare_classes(
            (train.statistics, train.labels), (test.statistics, test.labels), class_name
        ),
    }
    return {name: _rounded(value) for name, value in report.items()}


def measures(replicates: Replicates, resampling: Resampling) -> dict[str, Any]:
    """What is measured between the splits' pixels, with intervals and p-values.

    NaN for an interval or p-value where images cannot be drawn or dealt but as they are.
    """
    changes = shift_changes(replicates.drawn_train, replicates.drawn_test)
    dealt = shift_measures(replicates.dealt_train, replicates.dealt_test)
    distance_C = total_variation(replicates.drawn_train[0], replicates.drawn_test[0])
    unknown_C = np.full(len(distance_C), np.nan)
    intervals, ps = {}, {}
    for name, measure in MEASURES.items():
        low_C, high_C = unknown_C, unknown_C
        if resampling.can_draw:
            low_C, high_C = interval(dealt[name][0], changes[name], measure)
        p_value_C, p_value_any = unknown_C, math.nan
        if resampling.can_deal:
            p_value_C, p_value_any = p_values(dealt[name], measure)
        intervals[name] = {"low": by_channel(low_C), "high": by_channel(high_C)}
        ps[name] = {**by_channel(p_value_C), "any_channel": p_value_any}
    return {
        **{name: by_channel(values_RC[0]) for name, values_RC in dealt.items()},
        "total_variation": by_channel(distance_C),
        "overlap": by_channel(1 - distance_C),
        "interval_95": intervals,
        "p_value": ps,
        "psi_bins": {"levels": PSI_BIN_LEVELS, "least_share": PSI_FLOOR},
    }


def _rounded(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _rounded(value) for name, value in content.items()}
    if isinstance(content, float):
        return float(f"{content:.{DIGITS}g}") if math.isfinite(content) else None
    return content
