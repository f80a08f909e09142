"""The classes of both splits in words: the largest gaps, and whether chance explains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.report.numbers import fixed, percent, signed
from stages.report.shift_words import FEW, without_labels
from stages.shared.names import SPLITS

# At most this many of the classes that one split lacks are named.
NAMED = 10


def common_classes(shift: Mapping[str, Any]) -> dict[str, Any]:
    """The classes that both splits have, with a standard error where both have `FEW` images.

    With fewer images, 1.96 standard errors are too little. In a simulation of normal images, chance
    exceeds them in 6 % of the gaps with 20 images in each split, and in 16 % of the gaps with 6
    images in one and 2 in the other.
    """
    common = {}
    for name, of_class in shift["classes"].items():
        fewest, means = min(of_class["images"].values()), of_class["mean_levels"]
        if 0 < fewest < FEW:
            means = {**means, "gap_standard_error": dict.fromkeys(means["gap"])}
        if fewest:
            common[name] = {**of_class, "mean_levels": means}
    return common


def class_words(shift: Mapping[str, Any]) -> list[str]:
    if not all(shift["labelled"].values()):
        return [f"{without_labels(shift)}, so there are no classes to compare."]
    common = common_classes(shift)
    if not common:
        return ["The splits have no class in common.", *_of_one_split(shift)]
    mean, std = (shift["largest_class_gap"][key] for key in ("mean_levels", "std_levels"))
    unusual = shift["most_unusual_class_gap"]
    channels = len(shift["mean_levels"])
    comparisons = len(common) * channels
    counted = (
        f"{comparisons} {'comparison' if comparisons == 1 else 'comparisons'} "
        f"({len(common)} {'class' if len(common) == 1 else 'classes'} by "
        f"{channels} {'channel' if channels == 1 else 'channels'})"
    )
    in_stds = fixed(abs(unusual["gap"]) / unusual["deal_std"], 1)
    return [
        f"In {counted}, the largest gap of a mean is {_gap(mean)}. The largest gap of a std is "
        f"{_gap(std)}.",
        "The largest of many gaps is large by chance alone. The most unusual gap of a mean is "
        f"{_gap(unusual)}. It is {in_stds} times the std of this gap over the shuffles. A gap as "
        f"unusual, in some class and channel, occurs in {percent(unusual['p_value'])} of them.",
        *_of_one_split(shift),
    ]


def _gap(gap: Mapping[str, Any]) -> str:
    return f"{signed(gap['gap'], 1)} levels, of {gap['class']} in {gap['channel']}"


def _of_one_split(shift: Mapping[str, Any]) -> list[str]:
    """A sentence for each split with classes that the other lacks."""
    own = {
        split: [name for name, of in shift["classes"].items() if not of["images"][other]]
        for split, other in zip(SPLITS, reversed(SPLITS), strict=True)
    }
    return [
        f"Only the {split} split has {_listed(names)}." for split, names in own.items() if names
    ]


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    *others, last = [*names[:NAMED], f"{more} more classes"] if more > 0 else names
    return f"{', '.join(others)} and {last}" if others else last
