"""The presets side by side: their constants, and both splits after each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stages.report.numbers import fixed
from stages.shared.names import SPLITS

DECIMALS = 4

MEASURES = {
    "min": "the lowest value after it",
    "max": "the highest value after it",
    "mean": "of all pixels after it",
    "std": "of all pixels after it",
    "image_std_mean": "mean over images of each image's std",
    "image_std_std": "std over images of each image's std: how contrast varies",
    "image_mean_std": "std over images of each image's mean: how brightness varies",
}


@dataclass(frozen=True)
class Row:
    """A cell for each preset, or for each split of each preset; a cell has a text per channel."""

    name: str
    meaning: str
    cells: list[list[str]]
    by_split: bool


def preset_table(presets: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """`presets` has, by name, the content of `details.json`, and `normalization`."""
    constants = [
        Row(
            name,
            meaning,
            [_cell(of["normalization"][name]) for of in presets.values()],
            by_split=False,
        )
        for name, meaning in (("mean", "is subtracted"), ("std", "is then divided by"))
    ]
    measured = [
        Row(
            measure,
            meaning,
            [_cell(of[split][measure].values()) for of in presets.values() for split in SPLITS],
            by_split=True,
        )
        for measure, meaning in MEASURES.items()
    ]
    return constants + measured


def _cell(values: Iterable[float]) -> list[str]:
    return [fixed(value, DECIMALS) for value in values]
