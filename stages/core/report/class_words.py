"""The classes of both splits in words, with what chance alone gives the largest of many gaps."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from stages.core.report.numbers import fixed, signed

# So many standard errors to both sides hold 95 % of a normal distribution.
USUAL = 1.96


def class_words(shift: Mapping[str, Any]) -> list[str]:
    largest = shift["largest_class_gap"]["mean_levels"]
    if largest is None:
        return ["The splits have no class in common."]
    errors = {
        (name, channel): _in_errors(gap, of_class["mean_levels"]["gap_standard_error"][channel])
        for name, of_class in shift["classes"].items()
        for channel, gap in of_class["mean_levels"]["gap"].items()
        if gap is not None
    }
    comparisons = len(errors)
    classes = len({name for name, _ in errors})
    channels = comparisons // classes
    counted = (
        f"{classes} {'class' if classes == 1 else 'classes'} by "
        f"{channels} {'channel' if channels == 1 else 'channels'}"
    )
    beyond = sum(size is not None and size > USUAL for size in errors.values())
    size = errors[largest["class"], largest["channel"]]
    in_errors = "" if size is None else f", {fixed(size, 1)} standard errors"
    spread = shift["largest_class_gap"]["std_levels"]
    return [
        f"Of {comparisons} comparisons ({counted}) the largest gap of a mean is that of "
        f"{largest['class']} in {largest['channel']}: {signed(largest['gap'], 1)} levels"
        f"{in_errors}. The largest gap of a std is that of {spread['class']} in "
        f"{spread['channel']}: {signed(spread['gap'], 1)} levels.",
        f"The largest of many gaps is large by chance alone: of {comparisons} independent ones "
        f"without any shift, the largest exceeds {fixed(largest_by_chance(comparisons, 0.5), 1)} "
        f"standard errors half of the time and {fixed(largest_by_chance(comparisons, 0.05), 1)} "
        f"one time in twenty. Here {beyond} of {comparisons} exceed {USUAL}, which chance alone "
        f"makes about {fixed(0.05 * comparisons, 1)} do{_together(channels)}.",
    ]


def largest_by_chance(comparisons: int, probability: float) -> float:
    """What the largest of so many independent standard normal sizes exceeds so probably."""
    of_one = 1 - (1 - probability) ** (1 / comparisons)
    return NormalDist().inv_cdf(1 - of_one / 2)


def _together(channels: int) -> str:
    if channels == 1:
        return ""
    return (
        "; but the channels of a class brighten and darken together, so these are fewer than so "
        "many separate findings"
    )


def _in_errors(gap: float, standard_error: float | None) -> float | None:
    return abs(gap) / standard_error if standard_error else None
