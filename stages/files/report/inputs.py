"""Everything that the report is about, read before a word of it is written."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.report.shift_table import MEASURES
from stages.core.statistics import SPLITS, SplitStatistics
from stages.files.images import ImageFile, load_labels
from stages.files.params import Params, load_params
from stages.files.report.digests import Digests, digests
from stages.files.reports import CHECK, PRESETS, PUBLISHED, SHIFT, read_json, read_rows
from stages.files.statistics import load_statistics

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


@dataclass(frozen=True, eq=False)
class SplitInputs:
    images: ImageFile
    labels: NDArray[np.uint8]  # (N,)
    statistics: SplitStatistics
    digests: Future[Digests]  # they take as long as all the rest, so they come when they are ready


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
    splits: dict[str, SplitInputs]


def load_inputs() -> Inputs:
    """Read and check all of it; ValueError or OSError say what is missing or damaged.

    The presets are those of `params.yaml`: the folder of one that was removed may still be there.
    """
    params = load_params()
    pool = ThreadPoolExecutor(len(SPLITS))
    digesting = {split: pool.submit(digests, split) for split in SPLITS}
    pool.shutdown(wait=False)
    return Inputs(
        params=params,
        published=read_json(PUBLISHED / "normalization.json", "mean", "std"),
        presets={name: _load_preset(name) for name in params.presets},
        shift=read_json(SHIFT, *SHIFT_KEYS),
        check=read_json(CHECK, "passed", "limits"),
        splits={split: _load_split(split, digesting[split]) for split in SPLITS},
    )


def _load_split(split: str, digesting: Future[Digests]) -> SplitInputs:
    images, statistics = ImageFile.of_split(split), load_statistics(split)
    if len(images) != statistics.images:
        raise ValueError(
            f"the statistics of the {split} split are of {statistics.images} images, not of the "
            f"{len(images)} that are there; run `dvc repro measure`"
        )
    return SplitInputs(images, load_labels(split), statistics, digesting)


def _load_preset(name: str) -> PresetInputs:
    folder = PRESETS / name
    return PresetInputs(
        normalization=read_json(folder / "normalization.json", "mean", "std"),
        details=read_json(folder / "details.json", *SPLITS),
        distribution=read_rows(folder / "distribution.json"),
    )
