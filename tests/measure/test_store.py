"""What was measured is found again by content, or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from stages.images.decode import MeasuredImage, NotAnImageError
from stages.images.decoder import decoder
from stages.images.index import save_index
from stages.images.listing import content_of
from stages.images.members import Member
from stages.measure.file_split import measure_folder
from stages.measure.store import DamagedStoreError, Store, to_record
from stages.shared.params import Dataset, Splits
from stages.statistics.files import save_statistics
from tests.shards import write_photos, write_split


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "normstats" / "measured.sqlite"


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


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
        kept.counts[:, 7] = side * side  # too many for 16 bits
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


def test_a_record_is_not_known_to_another_version() -> None:
    with Store.open("v") as store:
        store.add([("a", to_record(image()))])
    with Store.open("w") as store:
        assert list(store.lacks("a")) == [True]


def test_a_record_without_limits_holds_for_the_default_limit() -> None:
    line = b'{"size": [1, 2], "converted": [], "dtype": "<u2"}\n'
    with Store.open("v") as store:
        store.add([("a", line + bytes(512)), ("b", b'{"reason": "damaged"}\n')])
        assert list(store.lacks("ab")) == [False, False]
        found, reason = store.get("ab")
    assert isinstance(found, MeasuredImage)
    assert (found.size, found.counts.shape, str(reason)) == ((1, 2), (1, 256), "damaged")
    for another in 178_956_969, 178_956_971:
        with Store.open("v", another) as store:
            assert list(store.lacks("ab")) == [True, True]


@pytest.mark.parametrize("resize", [None, 5])
def test_what_was_kept_before_sizes_in_files_were_is_measured_again_where_it_was_resized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resize: int | None
) -> None:
    """Then records had the size after it alone."""
    monkeypatch.chdir(tmp_path)
    [photo] = write_photos(1)
    write_split(tmp_path / "photos" / "train", "folder", [photo])
    with Store.open(f"{decoder()}, resize {resize}, crop None") as store:
        store.add([(content_of(photo.data), to_record(image(side=5)))])
    splits = Splits(train="train", test="test")
    dataset = Dataset(root=str(tmp_path / "photos"), splits=splits, download=[], resize=resize)
    _, index = measure_folder("train", dataset, lambda work, tasks: map(work, tasks))
    height, width, _ = photo.pixels().shape
    [found] = index.file_sizes
    assert list(found) == ([5, 5, 1] if resize is None else [height, width, 1])


def test_a_batch_is_kept_whole_or_not_at_all() -> None:
    with Store.open("v") as store:
        with pytest.raises(TypeError):
            store.add([("a", to_record(image())), ("b", None)])  # type: ignore[list-item]
        assert list(store.lacks("a")) == [True]


@pytest.mark.parametrize(
    "damage",
    [
        # One count goes to another level: the number of pixels stays the same.
        "record = substr(record, 1, 60) || x'0100ff00' || substr(record, 65)",
        "record = substr(record, 2)",
        "record = 'a text'",
        "record = 7",
        "digest = zeroblob(16)",
        "key = zeroblob(16)",
    ],
)
@pytest.mark.parametrize("table", ["images", "shards"])
def test_a_damaged_record_is_not_known(path: Path, table: str, damage: str) -> None:
    with Store.open("v") as store:
        store.add([("a", to_record(image()))], [("s", [Member("1.png", None, "a")])])
        assert not any(store.lacks("a"))
        assert not any(store.lacks_shards("s"))
    edit(path, f"UPDATE {table} SET {damage}")  # noqa: S608
    with Store.open("v") as store:
        assert all(store.lacks_shards("s"))
        assert all(store.lacks("a")) == (table == "images")
        with pytest.raises(ValueError, match=r"was not measured, or is no longer kept; run `dvc"):
            list(store.get("a")) if table == "images" else store.members("s")


def test_the_record_of_another_image_is_not_taken(path: Path) -> None:
    with Store.open("v") as store:
        store.add([("a", to_record(image()))])
        store.add([("b", to_record(image(side=7)))])
    last = "SELECT record, digest FROM images ORDER BY rowid DESC LIMIT 1"
    edit(path, f"UPDATE images SET (record, digest) = ({last})")  # noqa: S608
    with Store.open("v") as store:
        assert list(store.lacks("ab")) == [True, False]


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + bytes(4000)])
def test_a_store_that_cannot_be_read_is_removed_and_named(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with (
        pytest.raises(DamagedStoreError, match=r"measured\.sqlite: removed, as it cannot be read"),
        Store.open("v"),
    ):
        pass
    with Store.open("v") as store:
        assert all(store.lacks("a"))


def test_a_store_of_another_schema_is_removed(path: Path) -> None:
    path.parent.mkdir()
    edit(path, "CREATE TABLE images (key BLOB PRIMARY KEY, facts TEXT, counts BLOB)")
    with pytest.raises(DamagedStoreError, match="it has other tables"), Store.open("v"):
        pass


def measured(folder: Path) -> bytes:
    """The files of statistics and of the index, as `measure` writes them."""
    splits = Splits(train="train", test="test")
    dataset = Dataset(root=str(folder), splits=splits, download=[])
    statistics, index = measure_folder("train", dataset, lambda work, tasks: map(work, tasks))
    save_statistics("train", statistics)
    save_index("train", index)
    return b"".join(
        Path(f"data/{of}").read_bytes() for of in ("statistics/train.npz", "index/train.json")
    )


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_damaged_store_changes_no_result(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """All that is damaged is measured again in the same run."""
    monkeypatch.chdir(tmp_path)
    write_split(tmp_path / "photos" / "train", form, write_photos(10))
    expected, rng = measured(tmp_path / "photos"), np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(12):
        damaged, start, length = bytearray(whole), rng.integers(len(whole)), rng.choice([1, 64])
        damaged[start : start + length] = rng.bytes(length)
        path.write_bytes(damaged)
        assert measured(tmp_path / "photos") == expected
    edit(path, "UPDATE images SET record = zeroblob(1600)")
    assert measured(tmp_path / "photos") == expected


def test_an_error_of_the_store_is_printed_without_control_characters(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_split(tmp_path / "photos" / "train", "folder", write_photos(2))
    expected = measured(tmp_path / "photos")
    edit(
        path,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_master SET name = char(27) || '[31m', sql = 'no SQL'",
    )
    capsys.readouterr()
    assert measured(tmp_path / "photos") == expected
    said = capsys.readouterr().err
    assert "measured.sqlite: removed, as it cannot be read" in said
    assert "\x1b[31m" not in said
    assert "\\x1b[31m" in said
