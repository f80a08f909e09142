"""The parts of a split are on disk, so that a million files need little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from stages.images.decode import MeasuredImage
from stages.images.index import load_index, save_index
from stages.images.listing import File, Listing
from stages.measure.collect import collect
from stages.measure.store import Store, to_record
from stages.statistics.files import save_statistics

FEW, MANY = 5_000, 25_000
CONTENT = "a" * 32
STATISTICS_BYTES = 7 * 8  # of an image in colour: its pixels, and two sums of each channel


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def peak(images: int) -> int:
    """The most bytes of memory that listing images, and saving what is collected, takes."""
    files = (
        File(f"class {n // 100:03}/{n:030}.png", Path("photos"), CONTENT) for n in range(images)
    )
    tracemalloc.start()
    listing = Listing(Path("photos"), files)
    _, listed = tracemalloc.get_traced_memory()
    with Store.open("tests") as store:
        statistics, index = collect(listing, store, quarantine=False)
    tracemalloc.reset_peak()  # the block in work would hide all else
    save_statistics("train", statistics)
    save_index("train", index)
    _, saved = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return max(listed, saved)


def test_a_further_file_takes_little_more_memory_than_its_statistics() -> None:
    record = to_record(MeasuredImage(np.ones((3, 256), dtype=np.int64), (16, 16), []))
    with Store.open("tests") as store:
        store.add([(CONTENT, record)])
    few, many = peak(FEW), peak(MANY)
    assert (many - few) / (MANY - FEW) < 1.5 * STATISTICS_BYTES
    assert load_index("train").names[-1] == f"class {MANY // 100 - 1:03}/{MANY - 1:030}.png"
