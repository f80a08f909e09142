"""The integer statistics of a split, as `<split>.npz`."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from stages.core.statistics import CHANNELS, FIELDS, SplitStatistics
from stages.files.npz import write_npz

STATISTICS = Path("data/statistics")

# What Python's zip library raises for a changed byte, depending on which.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


def save_statistics(split: str, statistics: SplitStatistics) -> None:
    """Write the arrays, equal ones as equal bytes on every machine."""
    write_npz(STATISTICS / f"{split}.npz", {name: getattr(statistics, name) for name in FIELDS})


def load_statistics(split: str) -> SplitStatistics:
    """Read and check a split's statistics; ValueError or OSError say what is wrong with them."""
    path = STATISTICS / f"{split}.npz"
    remedy = f"run `dvc repro measure@{split}`"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no statistics there; {remedy}")
    content = io.BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(content) as archive:
            # `read` checks the CRC of an array before numpy sees a byte of it.
            entries = {name: archive.read(f"{name}.npy") for name in FIELDS}
        arrays = {
            name: np.lib.format.read_array(io.BytesIO(entry), allow_pickle=False)
            for name, entry in entries.items()
        }
        statistics = SplitStatistics(**arrays)
        if len(statistics.histogram) != len(CHANNELS):
            raise ValueError(f"{len(statistics.histogram)} channels instead of {len(CHANNELS)}")
    except DAMAGE as error:
        raise ValueError(f"{path}: damaged statistics ({error}); delete it and {remedy}") from error
    return statistics
