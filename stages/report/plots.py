"""Rows of the plots of the shift, for `dvc plots` and the report."""

from __future__ import annotations

from typing import Any

from stages.report.class_words import common_classes

Rows = list[dict[str, Any]]

# What a measure is where both splits are alike; the distances are 0.
ALIKE = {"std_ratio": 1.0}


def shift_rows(shift: dict[str, Any]) -> Rows:
    """A row for each measure that has an interval, and channel."""
    return [
        {
            "measure": measure,
            "channel": channel,
            "value": shift[measure][channel],
            "low": interval["low"][channel],
            "high": interval["high"][channel],
            "p_value": shift["p_value"][measure][channel],
            "alike": ALIKE.get(measure, 0.0),
        }
        for measure, interval in shift["interval_95"].items()
        for channel in shift[measure]
    ]


def class_rows(shift: dict[str, Any]) -> Rows:
    """A row for each class of both splits, channel and measure (mean, std): the gap in levels.

    `place` is where the class stands among the others, which no sorting by name would keep.
    """
    return [
        {
            "class": name,
            "place": place,
            "channel": channel,
            "measure": measure,
            "gap": of_class[key]["gap"][channel],
            "standard_error": of_class[key].get("gap_standard_error", {}).get(channel),
        }
        for measure, key in (("mean", "mean_levels"), ("std", "std_levels"))
        for channel in shift["mean_levels"]
        for place, (name, of_class) in enumerate(common_classes(shift).items())
    ]
