"""What the plots show, in words and numbers, for readers who cannot see them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import groupby
from operator import itemgetter

from stages.report.numbers import fixed, percent, significant, span
from stages.report.plots import Rows
from stages.report.shift_table import MEASURES
from stages.shared.names import SPLITS, channel_names
from stages.statistics.summary import FloatArray, mean_and_std


def level_words(rows: Rows) -> str:
    """Mean and std of each channel in levels, and the shares at 0 and 255."""
    return _joined(
        f"{channel}, in levels: {'; '.join(_of_split(of, split) for split in SPLITS)}."
        for channel, of in _by(rows, "channel").items()
    )


def _of_split(rows: Rows, split: str) -> str:
    mean, square = (sum(row["level"] ** power * row[split] for row in rows) for power in (1, 2))
    std = math.sqrt(max(square - mean * mean, 0))
    lowest, highest = (percent(rows[end][split]) for end in (0, -1))
    return f"{split} mean {fixed(mean, 1)}, std {fixed(std, 1)}, {lowest} at 0, {highest} at 255"


def cumulative_words(rows: Rows) -> str:
    """The two distances that the plot of the shares up to each level shows."""
    return _joined(
        f"{row['channel']}: the tallest gap is {significant(abs(row['gap']))}, at level "
        f"{row['level']}: {percent(row['train_up_to'])} of the train pixels and "
        f"{percent(row['test_up_to'])} of the test pixels are at or below it. The area between is "
        f"{significant(row['area'])} levels."
        for row in rows
        if "area" in row
    )


def image_words(values_NC: Mapping[str, FloatArray]) -> str:
    """Mean and std over images, of each channel, in levels."""
    sentences = []
    for c, channel in enumerate(channel_names(values_NC["train"].shape[1])):
        parts = [
            f"{split} {' and '.join(fixed(of, 1) for of in mean_and_std(of_NC[:, c]))}"
            for split, of_NC in values_NC.items()
        ]
        sentences.append(f"{channel}, mean and std in levels: {', '.join(parts)}.")
    return _joined(sentences)


def preset_words(rows: Rows) -> str:
    """The numbers of each preset, over all channels and splits."""
    sentences = []
    for name, of in _by(rows, "preset").items():
        values, means, stds = (
            span((row[key] for row in of for key in keys), partial(fixed, decimals=2))
            for keys in (("min", "max"), ("mean",), ("std",))
        )
        sentences.append(f"{name}: values {values}, means {means}, stds {stds}.")
    return _joined(sentences)


def measure_words(rows: Rows) -> str:
    """The value and the interval of each measure, by channel."""
    sentences = []
    for measure, of in _by(rows, "measure").items():
        values = [
            f"{row['channel']} {fixed(row['value'], 4)} "
            f"({fixed(row['low'], 4)} to {fixed(row['high'], 4)})"
            for row in of
        ]
        name = f"{MEASURES[measure].name} {MEASURES[measure].unit}".strip()
        sentences.append(f"{name}: {', '.join(values)}.")
    return _joined(sentences)


def _by(rows: Rows, key: str) -> dict[str, Rows]:
    """Neighbouring rows with the same value of `key`, by that value."""
    return {name: list(of) for name, of in groupby(rows, key=itemgetter(key))}


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(f"{sentence[:1].upper()}{sentence[1:]}" for sentence in sentences)
