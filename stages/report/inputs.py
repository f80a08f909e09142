"""Everything that the report shows, read and checked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stages.check.verdict import check
from stages.shared.load_params import load_params
from stages.shared.names import SPLITS
from stages.shared.params import Params
from stages.shared.reports import (
    INVENTORY,
    PRESETS,
    QUARANTINE,
    SAMPLES,
    SHIFT,
    read_json,
)
from stages.statistics.files import STATISTICS, digests_of_statistics, load_splits
from stages.statistics.integers import SplitStatistics

Json = dict[str, Any]


@dataclass(frozen=True)
class PresetInputs:
    normalization: Json
    details: Json


@dataclass(frozen=True)
class Inputs:
    params: Params
    presets: dict[str, PresetInputs]
    shift: Json
    check: Json
    samples: Json
    inventory: Json
    quarantine: Json
    statistics: dict[str, SplitStatistics]


def load_inputs() -> Inputs:
    """Read and check all of it; ValueError or OSError say what is missing or damaged.

    The presets are those of `params.yaml`: the folder of a removed preset may still be there.
    """
    params = load_params()
    shift = read_json(SHIFT)
    inputs = Inputs(
        params=params,
        presets={
            name: PresetInputs(
                normalization=read_json(PRESETS / name / "normalization.json"),
                details=read_json(PRESETS / name / "details.json"),
            )
            for name in params.presets
        },
        shift=shift,
        check=check(shift, params.limits),
        samples=read_json(SAMPLES),
        inventory=read_json(INVENTORY),
        quarantine=read_json(QUARANTINE),
        statistics=load_splits(),
    )
    _check_statistics(inputs)
    return inputs


def _check_statistics(inputs: Inputs) -> None:
    """Raise ValueError if a report was not made from the statistics in `data/statistics`."""
    made_from = {
        SHIFT: inputs.shift["statistics"],
        SAMPLES: {split: inputs.samples[split]["sha256"].get("statistics") for split in SPLITS},
        **{
            PRESETS / name / "details.json": preset.details["statistics"]
            for name, preset in inputs.presets.items()
        },
    }
    statistics = digests_of_statistics()
    others = [str(path) for path, digests in made_from.items() if digests != statistics]
    channels = len(inputs.statistics["train"].channel_names)
    others += [
        str(PRESETS / name / "normalization.json")
        for name, preset in inputs.presets.items()
        if len(preset.normalization["mean"]) != channels
    ]
    # These two have no digest. They are made from the index, which `measure` writes too.
    if any(
        inputs.inventory[split]["images"] != inputs.statistics[split].images for split in SPLITS
    ):
        others += [str(INVENTORY), str(QUARANTINE)]
    if others:
        raise ValueError(
            f"{', '.join(others)}: made from other statistics than those in {STATISTICS}; run "
            "`dvc repro`"
        )
