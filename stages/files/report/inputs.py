"""Everything that the report is about, read before a word of it is written."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.report.shift_table import MEASURES
from stages.core.statistics import SPLITS, SplitStatistics
from stages.files.images import ImageFile, load_labels
from stages.files.params import Params, load_params
from stages.files.report.digests import Digests, digests
from stages.files.reports import CHECK, PRESETS, PUBLISHED, SHIFT, read_json
from stages.files.statistics import load_statistics

Json = dict[str, Any]

SHIFT_KEYS = (
    "images",
    "interval_95",
    "p_value",
    "design_effect",
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
        published=_load(PUBLISHED / "normalization.json", "mean", "std"),
        presets={name: _load_preset(name) for name in params.presets},
        shift=_load(SHIFT, *SHIFT_KEYS),
        check=_load(CHECK, "passed", "limits"),
        splits={
            split: SplitInputs(
                images=ImageFile.of_split(split),
                labels=load_labels(split),
                statistics=load_statistics(split),
                digests=digesting[split],
            )
            for split in SPLITS
        },
    )


def _load_preset(name: str) -> PresetInputs:
    folder = PRESETS / name
    return PresetInputs(
        normalization=_load(folder / "normalization.json", "mean", "std"),
        details=_load(folder / "details.json", *SPLITS),
        distribution=read_json(folder / "distribution.json"),
    )


def _load(path: Path, *keys: str) -> Json:
    """Read a report that has at least these keys."""
    content = read_json(path)
    if not isinstance(content, dict) or not content.keys() >= set(keys):
        raise ValueError(
            f"{path}: expected the keys {', '.join(keys)}; delete it and run `dvc repro`"
        )
    return content
