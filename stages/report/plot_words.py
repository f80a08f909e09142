"""What the plots show, in words and numbers: for those who do not see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stages.report.numbers import fixed, percent, significant
from stages.report.plots import Rows
from stages.report.shift_table import MEASURES
from stages.statistics.integers import SplitStatistics
from stages.statistics.summary import summarize


def level_words(statistics: Mapping[str, SplitStatistics]) -> str:
    """Mean and std of each channel in levels, and how much lies at both ends."""
    summaries = {split: summarize(of) for split, of in statistics.items()}
    sentences = []
    for c, channel in enumerate(statistics["train"].channel_names):
        parts = [
            f"{split} mean {fixed(255 * summary.channels[c].mean, 1)}, "
            f"std {fixed(255 * summary.channels[c].std, 1)}, "
            f"{percent(summary.histogram[c, 0] / summary.pixels_per_channel)} at 0 and "
            f"{percent(summary.histogram[c, -1] / summary.pixels_per_channel)} at 255"
            for split, summary in summaries.items()
        ]
        sentences.append(f"{channel}, in levels: {'; '.join(parts)}.")
    return _joined(sentences)


def cumulative_words(rows: Rows) -> str:
    """The two distances that the plot of the shares up to each level shows."""
    return _joined(
        f"{row['channel']}: the tallest gap is {significant(abs(row['gap']))}, at level "
        f"{row['level']}, up to which are {percent(row['train_up_to'])} of the train pixels and "
        f"{percent(row['test_up_to'])} of the test pixels; the area between is "
        f"{significant(row['area'])} levels."
        for row in rows
        if "area" in row
    )


def preset_words(rows: Rows) -> str:
    """Of each preset the numbers of all channels and splits together."""
    sentences = []
    for name in dict.fromkeys(row["preset"] for row in rows):
        of = [row for row in rows if row["preset"] == name]
        lowest, highest = min(row["min"] for row in of), max(row["max"] for row in of)
        means, stds = (
            " to ".join(dict.fromkeys(fixed(end(row[key] for row in of), 2) for end in (min, max)))
            for key in ("mean", "std")
        )
        sentences.append(
            f"{name}: values {fixed(lowest, 2)} to {fixed(highest, 2)}, means {means}, stds {stds}."
        )
    return _joined(sentences)


def measure_words(rows: Rows) -> str:
    """Of each measure every channel's value and interval."""
    return _joined(
        f"{MEASURES[measure].name} {MEASURES[measure].unit}".strip()
        + ": "
        + ", ".join(
            f"{row['channel']} {fixed(row['value'], 4)} "
            f"({fixed(row['low'], 4)} to {fixed(row['high'], 4)})"
            for row in rows
            if row["measure"] == measure
        )
        + "."
        for measure in dict.fromkeys(row["measure"] for row in rows)
    )


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(f"{sentence[:1].upper()}{sentence[1:]}" for sentence in sentences)
