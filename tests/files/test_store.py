"""What was measured is found again by content, or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from stages.files.decode import MeasuredImage, NotAnImageError
from stages.files.store import Store, to_record


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "normstats" / "measured.sqlite"


def image(channels: int = 3, side: int = 40) -> MeasuredImage:
    rng = np.random.default_rng(0)
    counts = [
        np.bincount(rng.integers(0, 256, side * side), minlength=256) for _ in range(channels)
    ]
    return MeasuredImage(np.stack(counts), (side, side), ["palette"])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [1, 40, 300])
def test_what_is_kept_is_found_by_another_process(channels: int, side: int) -> None:
    kept = image(channels, side)
    if side == 300:
        kept.counts[:] = 0
        kept.counts[:, 7] = side * side  # more than 16 bits hold
    with Store.open("v") as store:
        store.add([("a", to_record(kept)), ("b", to_record(NotAnImageError("why")))])
    with Store.open("v") as store:
        assert list(store.lacks("abca")) == [False, False, True, False]
        found, reason, again = store.get("aba")
    assert isinstance(found, MeasuredImage)
    assert np.array_equal(found.counts, kept.counts)
    assert (found.size, found.converted) == (kept.size, kept.converted)
    assert isinstance(again, MeasuredImage)
    assert np.array_equal(again.counts, kept.counts)
    assert isinstance(reason, NotAnImageError)
    assert str(reason) == "why"


def test_another_preparation_or_decoder_knows_nothing_of_it() -> None:
    with Store.open("v") as store:
        store.add([("a", to_record(image()))])
    with Store.open("w") as store:
        assert list(store.lacks("a")) == [True]


def test_a_batch_is_kept_whole_or_not_at_all() -> None:
    with Store.open("v") as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.add([("a", to_record(image())), ("b", (None, None))])  # type: ignore[list-item]
        assert list(store.lacks("a")) == [True]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE images SET counts = zeroblob(1536)",
        "UPDATE images SET counts = substr(counts, 2)",
        "UPDATE images SET facts = 'x'",
        "UPDATE images SET facts = '{}'",
    ],
)
def test_a_damaged_record_is_measured_again_by_the_next_run(path: Path, damage: str) -> None:
    with Store.open("v") as store:
        store.add([("a", to_record(image()))])
    with sqlite3.connect(path) as database:
        database.execute(damage)
    database.close()
    with Store.open("v") as store:
        with pytest.raises(ValueError, match=r"damaged record .*; run again"):
            list(store.get("a"))
        assert list(store.lacks("a")) == [True]


def test_a_damaged_store_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with (
        pytest.raises(ValueError, match=r"measured\.sqlite: damaged .* delete it"),
        Store.open("v"),
    ):
        pass
