"""The measures of the shift as a table: each channel's value, interval and p-value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.report.numbers import fixed, probability


@dataclass(frozen=True)
class Described:
    """How a measure is shown: its unit and what it tells."""

    name: str
    unit: str
    meaning: str
    decimals: int


MEASURES = {
    "mean_levels": Described("Mean gap", "levels", "test mean minus train mean, of 0 to 255", 3),
    "mean_stds": Described("Mean gap", "stds", "the same, in stds of the train pixels", 4),
    "std_ratio": Described("Ratio of stds", "", "test std over train std, of all pixels", 4),
    "wasserstein_levels": Described(
        "Wasserstein distance", "levels", "how far an average pixel moves to undo the shift", 3
    ),
    "wasserstein_stds": Described(
        "Wasserstein distance", "stds", "the same, in stds of the train pixels", 4
    ),
    "kolmogorov_smirnov": Described(
        "Kolmogorov-Smirnov", "", "largest gap between the cumulative distributions", 4
    ),
    "jensen_shannon_bits": Described(
        "Jensen-Shannon", "bits", "divergence of the distributions, base 2", 6
    ),
    "psi": Described("Population stability index", "", "over 16 bins of 16 levels", 5),
    "total_variation": Described(
        "Total variation", "", "largest difference in the share of any set of levels", 4
    ),
    "overlap": Described("Overlap", "", "1 minus the total variation", 4),
    "image_mean_cohens_d": Described(
        "Brightness of images", "Cohen's d", "gap of the images' means, over their std", 4
    ),
    "image_std_cohens_d": Described(
        "Contrast of images", "Cohen's d", "gap of the images' stds, over their std", 4
    ),
}


@dataclass(frozen=True)
class Cell:
    value: str
    interval: str
    p_value: str


@dataclass(frozen=True)
class Row:
    measure: Described
    cells: list[Cell]
    p_value_any: str


def shift_table(shift: Mapping[str, Any]) -> list[Row]:
    """A row for each measure. Where it has no interval or p-value, that text is empty."""
    return [
        Row(
            described,
            [_cell(shift, measure, channel, described.decimals) for channel in shift[measure]],
            _p_value(shift, measure, "any_channel"),
        )
        for measure, described in MEASURES.items()
    ]


def _cell(shift: Mapping[str, Any], measure: str, channel: str, decimals: int) -> Cell:
    interval = ""
    if measure in shift["interval_95"]:
        ends = (shift["interval_95"][measure][end][channel] for end in ("low", "high"))
        interval = " to ".join(fixed(end, decimals) for end in ends)
    return Cell(
        value=fixed(shift[measure][channel], decimals),
        interval=interval,
        p_value=_p_value(shift, measure, channel),
    )


def _p_value(shift: Mapping[str, Any], measure: str, channel: str) -> str:
    return probability(shift["p_value"][measure][channel]) if measure in shift["p_value"] else ""
