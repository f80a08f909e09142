"""Splits of shards: their statistics, the names of their images, and what the store keeps."""

from __future__ import annotations

import hashlib
import sqlite3
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.images.index import Index
from stages.images.judge import list_folder
from stages.images.listing import File
from stages.measure.collect import collect
from stages.measure.file_split import measure_missing
from stages.measure.processes import in_processes
from stages.measure.store import Store
from stages.measure.work import MAX_IMAGES, Measured, Task, measure_task
from stages.sample.pictures import FilePictures
from stages.shared.location import locate
from stages.shared.preparation import Preparation
from stages.statistics.integers import FIELDS, SplitStatistics
from tests.shards import (
    CLASSES,
    WRITE,
    Photo,
    listed,
    members,
    parquet_of,
    tar_of,
    write_folder,
    write_parquet,
    write_photos,
    write_split,
    write_tar,
)

PHOTO, OTHER = write_photos(2)
FORMS = ["tar", "parquet"]


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def measured(folder: Path, *, quarantine: bool = False) -> tuple[SplitStatistics, Index]:
    """As `measure` does, in one process."""
    files = list_folder(folder)
    with Store.open("tests") as store:
        for file in files:
            if file.content:
                found = measure_task(Task([file], Preparation()))
                store.add(found.images.items(), found.shards.items())
        return collect(files, store, Preparation(), quarantine=quarantine)


def test_all_forms_have_the_statistics_of_the_decoded_images(tmp_path: Path) -> None:
    photos = write_photos(33)
    for form in ("folder", *FORMS):
        write_split(tmp_path / form, form, photos)
    folder, _ = measured(tmp_path / "folder")
    pixels = [photo.pixels().reshape(-1, 3).astype(np.int64) for photo in photos]
    assert folder.image_pixels.tolist() == [len(of) for of in pixels]
    assert (folder.image_sums == [of.sum(axis=0) for of in pixels]).all()
    assert (folder.image_sums_of_squares == [(of**2).sum(axis=0) for of in pixels]).all()
    for channel, levels in enumerate(np.concatenate(pixels).T):
        assert (folder.histogram[channel] == np.bincount(levels, minlength=256)).all()
    for form in FORMS:
        statistics, index = measured(tmp_path / form)
        for field in FIELDS:
            assert (getattr(statistics, field) == getattr(folder, field)).all()
        assert list(index.contents) == [hashlib.sha256(p.data).hexdigest()[:32] for p in photos]
        assert [index.classes[label] for label in index.labels if label is not None] == [
            str(photo.label) if form == "tar" else CLASSES[photo.label] for photo in photos
        ]


def test_images_are_named_by_their_shard_and_their_place_in_it(tmp_path: Path) -> None:
    photos = write_photos(12)
    write_tar(tmp_path / "split" / "b.tar", photos[:2])
    write_parquet(tmp_path / "split" / "a" / "c.parquet", photos[2:])
    _, index = measured(tmp_path / "split")
    rows = [f"a/c.parquet/{row}" for row in range(10)]
    assert list(index.names) == [*rows, "b.tar/0000.png", "b.tar/0001.jpg"]


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_is_the_image_of_its_name(tmp_path: Path, form: str) -> None:
    photos = write_photos(23)
    write_split(tmp_path / "split" / "no shard.tar", form, photos)
    _, index = measured(tmp_path / "split")
    pictures = FilePictures(tmp_path / "split", index, Preparation())
    assert len(pictures) == len(photos)
    for number, photo in enumerate(photos):
        assert (pictures[number] == photo.pixels().transpose(2, 0, 1)).all()


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", [PHOTO])
    _, index = measured(tmp_path)
    write_tar(tmp_path / "0.tar", [Photo("another", "png", PHOTO.data, 0)])
    with pytest.raises(ValueError, match=r"0\.tar: expected 0\.tar/0000\.png there; run"):
        FilePictures(tmp_path, index, Preparation())[0]


@pytest.mark.parametrize("form", ["folder", *FORMS])
def test_another_image_of_the_same_name_is_not_shown(tmp_path: Path, form: str) -> None:
    write_split(tmp_path / "split", form, [PHOTO])
    _, index = measured(tmp_path / "split")
    write_split(tmp_path / "split", form, [Photo(PHOTO.key, PHOTO.suffix, OTHER.data, 0)])
    with pytest.raises(ValueError, match="expected the image that was measured, found another one"):
        FilePictures(tmp_path / "split", index, Preparation())[0]


def test_a_missing_label_is_none(tmp_path: Path) -> None:
    table = pa.table({"image": [PHOTO.data] * 2, "label": [1, None]})
    pq.write_table(table, tmp_path / "0.parquet")
    _, index = measured(tmp_path)
    assert (index.classes, list(index.labels), index.unlabelled) == (["1"], [0, None], 1)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ([1, None, 2, None], "2 of 4 images have no label, first 0.parquet/1: "),
        ([-1] * 4, "4 of 4 images have no label, first 0.parquet/0: "),
        ([0, 0, 0, 0], ""),
    ],
    ids=["some", "none", "all"],
)
def test_images_without_a_label_are_counted_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], label: list[int | None], said: str
) -> None:
    parquet_of(tmp_path / "0.parquet", {"image": [PHOTO.data] * 4, "label": label})
    measured(tmp_path)
    printed = capsys.readouterr().err
    assert printed.startswith(said)
    assert bool(printed) == bool(said)


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_name_is_printed_without_control_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    name = "\x1b[31m\x9b2J\x07.png"
    if form == "tar":
        tar_of(tmp_path / "0.tar", {name: PHOTO.data})
    else:
        (tmp_path / name).write_bytes(PHOTO.data)
    measured(tmp_path)
    printed = capsys.readouterr().err
    assert "1 of 1 images have no label, first " in printed
    assert "\\x1b[31m\\x9b2J\\x07.png: so this split" in printed
    assert printed.replace("\n", "").isprintable()


def in_parts(shard: Path) -> list[Measured]:
    """The results of the tasks in which a shard is measured."""
    found, task = [], Task([listed(shard)], Preparation())
    while True:
        found.append(measure_task(task))
        if found[-1].rest is None:
            return found
        task = found[-1].rest


@pytest.mark.parametrize(("form", "parts"), [("tar", [3, 3, 1]), ("parquet", [4, 3])])
def test_the_parts_of_a_shard_are_the_whole(
    tmp_path: Path, form: str, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_photos(7)
    WRITE[form](tmp_path / f"0.{form}", photos)
    if form == "parquet":  # reading can go on only at a row group, here of two rows
        table = pq.read_table(tmp_path / "0.parquet")
        pq.write_table(table, tmp_path / "0.parquet", row_group_size=2)
    expected = members(tmp_path / f"0.{form}")
    assert [of.content for of in expected] == [
        hashlib.sha256(photo.data).hexdigest()[:32] for photo in photos
    ]
    monkeypatch.setattr("stages.measure.work.MAX_IMAGES", 3)
    found = in_parts(tmp_path / f"0.{form}")
    lists = [images for part in found for images in part.shards.values()]
    assert [len(images) for images in lists] == parts
    assert [len(part.images) for part in found] == parts
    assert [image for images in lists for image in images] == expected
    shares = [part.share for part in found]
    assert sum(shares) == pytest.approx(1)
    # The shares follow the number of images within a tenth, as the files differ in size.
    assert shares == pytest.approx([len(images) / len(photos) for images in lists], abs=0.1)


def test_a_sample_in_two_parts_of_a_shard_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.measure.work.MAX_IMAGES", 2)
    files = {f"{n}.png": PHOTO.data for n in range(5)} | {"0.cls": b"1"}
    with pytest.raises(OSError, match="the files of sample '0' do not follow each other"):
        in_parts(tar_of(tmp_path / "0.tar", files))


def test_a_shard_with_a_global_header_is_one_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.measure.work.MAX_IMAGES", 1)
    with tarfile.open(tmp_path / "0.tar", "w", pax_headers={"comment": "by git archive"}) as tar:
        for name in ("a.png", "b.png"):
            tar.addfile(tarfile.TarInfo(name))
    assert [len(part.images) for part in in_parts(tmp_path / "0.tar")] == [1]


def test_processes_go_on_with_a_shard_of_many_images(tmp_path: Path) -> None:
    images = 2 * MAX_IMAGES + 1
    files = {f"{n}.png": PHOTO.data if n % 2 else OTHER.data for n in range(images)}
    tar_of(tmp_path / "0.tar", files)
    write_tar(tmp_path / "1.tar", [PHOTO])
    shards = list_folder(tmp_path)
    with Store.open("tests") as store:
        measure_missing("train", shards, Preparation(), store, in_processes)
        statistics, index = collect(shards, store, Preparation(), quarantine=False)
    assert [*index.names] == [*(f"0.tar/{name}" for name in files), "1.tar/0000.png"]
    pixels = [len(photo.pixels().reshape(-1, 3)) for photo in (OTHER, PHOTO)]
    expected = [*(pixels[n % 2] for n in range(images)), pixels[1]]
    assert statistics.image_pixels.tolist() == expected


def test_a_task_is_called_by_what_it_reads(tmp_path: Path) -> None:
    files = [File(f"{number}.tar", tmp_path) for number in range(3)]
    assert str(Task(files[:1], Preparation())) == f"{tmp_path}/0.tar"
    assert str(Task(files, Preparation())) == f"3 files from {tmp_path}/0.tar to {tmp_path}/2.tar"


@pytest.mark.parametrize("form", FORMS)
def test_a_bad_image_of_a_shard_is_named_and_stops_or_is_put_into_quarantine(
    tmp_path: Path, form: str
) -> None:
    good = write_photos(4)
    bad = Photo("0004", "png", good[0].data[:50], 0)
    write_split(tmp_path / "with", form, [*good, bad])
    write_split(tmp_path / "without", form, good)
    name = f"0.{form}/{'0004.png' if form == 'tar' else 4}"
    with pytest.raises(ValueError, match=rf"1 of 5 files .*\n  {name}: damaged: "):
        measured(tmp_path / "with")
    statistics, index = measured(tmp_path / "with", quarantine=True)
    expected, _ = measured(tmp_path / "without")
    assert all((getattr(statistics, of) == getattr(expected, of)).all() for of in FIELDS)
    assert [entry.name for entry in index.quarantined] == [name]


def test_images_beside_shards_are_not_measured(tmp_path: Path) -> None:
    folder = tmp_path / "split"
    write_tar(folder / "0.tar", [PHOTO])
    write_folder(folder, [OTHER])
    with pytest.raises(ValueError, match=r"1 of 2 .*\n  0001\.jpg: no shard, but 0\.tar is one"):
        measured(folder)
    _, index = measured(folder, quarantine=True)
    assert list(index.names) == ["0.tar/0000.png"]


@pytest.mark.parametrize("form", ["tar", "folder"])
def test_what_is_no_image_is_noted(tmp_path: Path, form: str) -> None:
    """What WebDataset, Spark and DALI leave beside shards, and a table about the images."""
    folder = tmp_path / "split"
    write_split(folder, form, [PHOTO, OTHER])
    for name in ("_SUCCESS", "nshards.txt", "sub/0.idx"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"v1.0 2\n" if name.endswith("idx") else b"")
    pq.write_table(pa.table({"file": ["0000.png"], "label": [1]}), folder / "metadata.parquet")
    statistics, index = measured(folder)
    assert statistics.images == 2
    assert index.noted == {
        "idx": ["sub/0.idx"],
        "no suffix": ["_SUCCESS"],
        "parquet": ["metadata.parquet"],
        "txt": ["nshards.txt"],
    }


def test_a_damaged_parquet_file_beside_shards_is_an_error(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", [PHOTO])
    (tmp_path / "1.parquet").write_bytes(b"cut off")
    with pytest.raises(OSError, match=r"1\.parquet: cannot be read as a shard"):
        list_folder(tmp_path)


def test_a_shard_that_is_not_there_is_an_error_also_with_quarantine(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", [PHOTO])
    (tmp_path / "1.tar").symlink_to(tmp_path / "gone.tar")
    with pytest.raises(OSError, match=r"1\.tar: a link to nothing"):
        measured(tmp_path, quarantine=True)


def test_a_filesystem_without_etags_is_refused() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/photos/train/0.tar", b"")
    with pytest.raises(ValueError, match=r"memory://.*0\.tar: expected an ETag"):
        list_folder(locate("memory://photos", "train"))


@pytest.mark.parametrize("name", ["images.npy", "photo.png"])
def test_an_array_or_an_image_file_at_a_url_is_refused(name: str) -> None:
    fsspec.filesystem("memory").pipe_file(f"/{name}/train/{name}", b"")
    with pytest.raises(FileNotFoundError, match=r"memory://.*expected shards .*none among 1 files"):
        list_folder(locate(f"memory://{name}", "train"))


def test_a_shard_is_known_only_with_the_records_of_all_its_images(tmp_path: Path) -> None:
    write_tar(tmp_path / "split" / "0.tar", [PHOTO, OTHER])
    measured(tmp_path / "split")
    [shard] = list_folder(tmp_path / "split")
    with Store.open("tests") as store:
        assert not any(store.lacks_shards([shard.content]))
    with sqlite3.connect(tmp_path / "cache" / "normstats" / "measured.sqlite") as database:
        database.execute("DELETE FROM images WHERE key = (SELECT max(key) FROM images)")
    database.close()
    with Store.open("tests") as store:
        assert all(store.lacks_shards([shard.content]))
    with Store.open("another version") as store:
        assert all(store.lacks_shards([shard.content]))
