"""Rows of the plots. `dvc plots` and the page draw the shift and classes, the page also the rest.

C channels, V = 256 levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stages.report.class_words import common_classes
from stages.shared.names import BINS_PER_DOUBLING, LEVELS, SPLITS, channel_names
from stages.statistics.integers import SplitStatistics
from stages.statistics.summary import FloatArray

# Of a histogram over images.
BINS = 64

Rows = list[dict[str, Any]]

# The value of a measure for splits that are alike; 0 for the others.
ALIKE = {"std_ratio": 1.0}
# Measures whose sign says which split has more; the others are never below 0.
SIGNED = ("mean_levels", "mean_stds")


def shift_rows(shift: dict[str, Any]) -> Rows:
    """A row for each channel of each measure that has an interval."""
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


def limited(rows: Rows, limits: Mapping[str, Any]) -> Rows:
    """The rows of the shift with the lowest and highest value that the limits of `check` allow.

    An end without a limit has the value of splits that are alike.
    """
    return [
        {**row, "lowest": row["alike"], "highest": row["alike"]}
        | _allowed(row["measure"], limits.get(row["measure"], {}).get(row["channel"]))
        for row in rows
    ]


def _allowed(measure: str, checked: Mapping[str, Any] | None) -> dict[str, float]:
    if checked is None:
        return {}
    limit = checked["limit"]
    if measure in ALIKE:
        return {"lowest": 1 / limit, "highest": limit}
    return {"lowest": -limit, "highest": limit} if measure in SIGNED else {"highest": limit}


def class_rows(shift: dict[str, Any]) -> Rows:
    """A row for each class of both splits, channel and measure (mean, std): the gap in levels.

    `place` keeps the order of the classes, which is not always that of their names.
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


def level_rows(statistics: Mapping[str, SplitStatistics]) -> Rows:
    """A row for each channel and level: the share of a split's pixels at it, and up to it.

    `gap` is test minus train of the shares up to the level. Only the row of the tallest gap has
    `area`, the area between the two curves in levels.
    """
    shares_CV: dict[str, Any] = {}
    for split, of in statistics.items():
        shares_CV[split] = of.histogram / of.pixels_per_channel
        shares_CV[f"{split}_up_to"] = of.histogram.cumsum(axis=1) / of.pixels_per_channel
    shares_CV["gap"] = gaps_CV = shares_CV["test_up_to"] - shares_CV["train_up_to"]
    return [
        {"channel": name, "level": level}
        | {key: float(values_CV[c, level]) for key, values_CV in shares_CV.items()}
        | ({"area": float(np.abs(gaps_CV[c]).sum())} if level == tallest else {})
        for c, (name, tallest) in enumerate(
            zip(statistics["train"].channel_names, np.abs(gaps_CV).argmax(axis=1), strict=True)
        )
        for level in range(LEVELS)
    ]


def image_rows(values_NC: Mapping[str, FloatArray], top: int) -> Rows:
    """A row for each channel and bin: the share of each split's images with values in it.

    `values_NC` has, by split, a number from 0 to `top` for each image and channel. `level` is the
    middle of a bin.
    """
    shares = {
        split: [np.histogram(of_N, BINS, (0, top))[0] / len(of_N) for of_N in of_NC.T]
        for split, of_NC in values_NC.items()
    }
    return [
        {"channel": name, "level": (bin_ + 0.5) * top / BINS}
        | {split: float(of_C[c][bin_]) for split, of_C in shares.items()}
        for c, name in enumerate(channel_names(len(shares["train"])))
        for bin_ in range(BINS)
    ]


def size_rows(sizes: Mapping[str, Mapping[str, Any]], bins: str, channel: str) -> Rows:
    """A row for each bin of the images' `bins`, and two beyond, as for a channel of this name.

    `value` is the middle of a bin on its logarithmic scale, rounded as machines differ beyond that.
    """
    counts = {
        split: {int(number): images for number, images in of["files"][bins].items()}
        for split, of in sizes.items()
    }
    numbers = [number for of_split in counts.values() for number in of_split]
    return [
        {"channel": channel, "value": round(2 ** (number / BINS_PER_DOUBLING), 4)}
        | {split: of.get(number, 0) / sum(of.values()) for split, of in counts.items()}
        for number in range(min(numbers) - 2, max(numbers) + 3)
    ]


def preset_rows(details: Mapping[str, Mapping[str, Any]]) -> Rows:
    """A row for each preset, channel and split: the range, mean and std after the preset."""
    return [
        {
            "preset": name,
            "channel": channel,
            "split": split,
            **{measure: of[split][measure][channel] for measure in ("min", "max", "mean", "std")},
        }
        for name, of in details.items()
        for channel in of["train"]["mean"]
        for split in SPLITS
    ]
