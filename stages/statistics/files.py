"""The integer statistics of a split, as `<split>.npz`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stages.shared.names import SPLITS, channel_names
from stages.shared.npz import read_npz, write_npz
from stages.statistics.histograms import all_in_one_mode
from stages.statistics.integers import FIELDS, SplitStatistics

STATISTICS = Path("data/statistics")


def save_statistics(split: str, statistics: SplitStatistics) -> None:
    """Write `<split>.npz`: equal statistics give equal bytes on every machine."""
    write_npz(STATISTICS / f"{split}.npz", {name: getattr(statistics, name) for name in FIELDS})


def digest_of_statistics(split: str) -> str:
    return hashlib.sha256((STATISTICS / f"{split}.npz").read_bytes()).hexdigest()


def digests_of_statistics() -> dict[str, str]:
    """The SHA-256 of each split's statistics. A report notes them, to say what it was made from."""
    return {split: digest_of_statistics(split) for split in SPLITS}


def load_splits() -> dict[str, SplitStatistics]:
    """The statistics of both splits. Gray images count as RGB, unless both splits are gray.

    torchvision's `ImageFolder` loads files like that. `compare` refuses arrays whose channels
    differ.
    """
    train, test = all_in_one_mode([load_statistics(split) for split in SPLITS])
    return {"train": train, "test": test}


def load_statistics(split: str) -> SplitStatistics:
    """Read and check a split's statistics; ValueError or OSError says what is wrong."""
    path = STATISTICS / f"{split}.npz"
    remedy = f"run `dvc repro measure@{split}`"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no statistics there; {remedy}")
    try:
        statistics = SplitStatistics(**read_npz(path, FIELDS))
        channel_names(len(statistics.histogram))
    except ValueError as error:
        raise ValueError(f"{path}: damaged statistics ({error}); delete it and {remedy}") from error
    return statistics
