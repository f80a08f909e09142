"""Everything that the report is about, read before a word of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stages.core.report.shift_table import MEASURES
from stages.core.statistics import SPLITS, SplitStatistics
from stages.files.params import Params, load_params
from stages.files.reports import (
    CHECK,
    INVENTORY,
    PRESETS,
    PUBLISHED,
    QUARANTINE,
    SAMPLES,
    SHIFT,
    read_json,
    read_rows,
)
from stages.files.statistics import load_splits

Json = dict[str, Any]

SHIFT_KEYS = (
    "images",
    "interval_95",
    "p_value",
    "design_effect",
    "class_mix",
    "classes",
    "largest_class_gap",
    *MEASURES,
)


@dataclass(frozen=True)
class PresetInputs:
    normalization: Json
    details: Json
    distribution: list[Json]


@dataclass(frozen=True)
class Inputs:
    params: Params
    published: Json
    presets: dict[str, PresetInputs]
    shift: Json
    check: Json
    samples: Json
    inventory: Json
    quarantine: Json
    statistics: dict[str, SplitStatistics]


def load_inputs() -> Inputs:
    """Read and check all of it; ValueError or OSError say what is missing or damaged.

    The presets are those of `params.yaml`: the folder of one that was removed may still be there.
    """
    params = load_params()
    inputs = Inputs(
        params=params,
        published=read_json(PUBLISHED / "normalization.json", "mean", "std"),
        presets={name: _load_preset(name) for name in params.presets},
        shift=read_json(SHIFT, *SHIFT_KEYS),
        check=read_json(CHECK, "passed", "limits"),
        samples=read_json(SAMPLES, *SPLITS),
        inventory=read_json(INVENTORY, *SPLITS),
        quarantine=read_json(QUARANTINE, *SPLITS),
        statistics=load_splits(),
    )
    _check_channels(inputs)
    return inputs


def _check_channels(inputs: Inputs) -> None:
    """Raise ValueError where a report is still of images with other channels."""
    measured = inputs.statistics["train"].channel_names
    means = {SHIFT: inputs.shift["mean_levels"]} | {
        PRESETS / name / "details.json": preset.details["train"]["mean"]
        for name, preset in inputs.presets.items()
    }
    for path, by_channel in means.items():
        if tuple(by_channel) != measured:
            raise ValueError(
                f"{path}: expected the channels of the statistics, {', '.join(measured)}, found "
                f"{', '.join(by_channel)}; run `dvc repro`"
            )
    constants = {PUBLISHED: inputs.published} | {
        PRESETS / name: preset.normalization for name, preset in inputs.presets.items()
    }
    for folder, normalization in constants.items():
        if len(normalization["mean"]) != len(measured):
            raise ValueError(
                f"{folder / 'normalization.json'}: expected numbers of {', '.join(measured)}, "
                f"found {len(normalization['mean'])}; run `dvc repro`"
            )


def _load_preset(name: str) -> PresetInputs:
    folder = PRESETS / name
    return PresetInputs(
        normalization=read_json(folder / "normalization.json", "mean", "std"),
        details=read_json(folder / "details.json", *SPLITS),
        distribution=read_rows(folder / "distribution.json"),
    )
