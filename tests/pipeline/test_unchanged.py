"""A split that changes while it is measured is refused, whatever changes and whenever."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.images.judge import find_files
from stages.images.listing import check_unchanged
from stages.measure import array_split as arrays
from stages.measure.file_split import measure_folder
from stages.shared.params import Dataset, Measure, Splits
from tests.shards import write_photos, write_split

PHOTOS = write_photos(3)


def rewrite(path: Path) -> None:
    """Other bytes, of the same length."""
    path.write_bytes(bytes(path.stat().st_size))


def replace_with_its_times(path: Path) -> None:
    """As `rsync --times` does: another file of the same size and time."""
    other, before = path.with_name("other"), path.stat()
    other.write_bytes(bytes(before.st_size))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def put_a_pipe_there(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def add(path: Path) -> None:
    path.with_name(f"{path.name}.0").touch()


CHANGES = [rewrite, replace_with_its_times, put_a_pipe_there, add, Path.unlink]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("form", "name"), [("folder", "0001.jpg"), ("tar", "0.tar")])
def test_a_file_that_changes_after_it_was_read_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    name: str,
    change: Callable[[Path], object],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "photos" / "train"
    write_split(folder, form, PHOTOS)

    def engine(work: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Any]:
        yield from map(work, tasks)
        change(folder / name)

    splits = Splits(train="train", test="test")
    dataset = Dataset(root=str(folder.parent), splits=splits, download=[])
    with pytest.raises(ValueError, match=rf"{name}.*: added, removed or replaced .*; run again"):
        measure_folder("train", dataset, engine)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
def test_arrays_that_change_after_they_were_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    np.save(tmp_path / "images.npy", np.zeros((2, 3, 4, 4), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros(2, np.uint8))
    measure_images = arrays.measure_images

    def measure_and_replace(*arguments: Any) -> Any:
        measured = measure_images(*arguments)
        rewrite(tmp_path / name)
        return measured

    monkeypatch.setattr(arrays, "measure_images", measure_and_replace)
    with pytest.raises(ValueError, match=rf"{name}: added, removed or replaced"):
        arrays.measure_arrays("train", tmp_path, Measure(device="cpu"))


def test_reading_and_hidden_files_change_nothing_but_files_in_a_linked_folder_do(
    tmp_path: Path,
) -> None:
    write_split(tmp_path, "folder", PHOTOS)
    (tmp_path / "link").symlink_to(tmp_path.parent / "a folder")
    (tmp_path.parent / "a folder").mkdir()
    files = find_files(tmp_path)
    for path in tmp_path.glob("*.*"):
        path.read_bytes()
    (tmp_path / ".DS_Store").touch()
    check_unchanged(files)
    (tmp_path.parent / "a folder" / "new.png").touch()
    with pytest.raises(ValueError, match=r"link/new\.png: added"):
        check_unchanged(files)
