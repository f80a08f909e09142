"""The classes of both splits in words: the largest gaps, and whether chance explains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.report.numbers import fixed, percent, signed
from stages.report.shift_words import FEW, without_labels
from stages.shared.names import SPLITS

# So many classes are named of those that one split lacks.
NAMED = 10


def common_classes(shift: Mapping[str, Any]) -> dict[str, Any]:
    """The classes that both splits have, with a standard error where both have `FEW` images.

    1.96 of those of fewer images hold too little: by simulation of normal images, chance makes 6 %
    of the gaps larger with 20 images in each split, 16 % with 6 in one and 2 in the other.
    """
    common = {name: of for name, of in shift["classes"].items() if all(of["images"].values())}
    return {
        name: of_class
        if min(of_class["images"].values()) >= FEW
        else of_class
        | {
            "mean_levels": of_class["mean_levels"]
            | {"gap_standard_error": dict.fromkeys(of_class["mean_levels"]["gap"])}
        }
        for name, of_class in common.items()
    }


def class_words(shift: Mapping[str, Any]) -> list[str]:
    if not all(shift["labelled"].values()):
        return [f"{without_labels(shift)}, so there are no classes to compare."]
    common = common_classes(shift)
    if not common:
        return ["The splits have no class in common.", *_of_one_split(shift)]
    mean, std = (shift["largest_class_gap"][of] for of in ("mean_levels", "std_levels"))
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
        f"Of {counted} the largest gap of a mean is that of {_gap(mean)}. The largest gap of a std "
        f"is that of {_gap(std)}.",
        "The largest of many gaps is large by chance alone. The most unusual gap of a mean is that "
        f"of {_gap(unusual)}, {in_stds} times the std that dealing out the images of this class "
        f"anew gives it. Of the deals {percent(unusual['p_value'])} have, in some class and "
        "channel, a gap that is as unusual there.",
        *_of_one_split(shift),
    ]


def _gap(of: Mapping[str, Any]) -> str:
    return f"{of['class']} in {of['channel']}: {signed(of['gap'], 1)} levels"


def _of_one_split(shift: Mapping[str, Any]) -> list[str]:
    """A sentence for each split that has classes of its own."""
    lacking = {
        split: [name for name, of in shift["classes"].items() if not of["images"][other]]
        for split, other in zip(SPLITS, reversed(SPLITS), strict=True)
    }
    return [
        f"Only the {split} split has {_listed(names)}." for split, names in lacking.items() if names
    ]


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    *others, last = [*names[:NAMED], f"{more} more classes"] if more > 0 else names
    return f"{', '.join(others)} and {last}" if others else last
