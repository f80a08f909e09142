"""Arrays on disk: only what the contract allows is measured, and only slices are read."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from stages.download.ready_made.cifar10 import CLASSES
from stages.images.arrays import ImageFile, index_arrays, load_labels, save_split
from stages.shared import npy
from stages.shared.location import open_file
from tests.conftest import random_images

TRAIN = Path("data/cifar10/train")
IMAGES = TRAIN / "images.npy"
GOOD = random_images(5, seed=0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_split(TRAIN, GOOD, np.arange(5, dtype=np.uint8), CLASSES)


@pytest.mark.parametrize("channels", [1, 3])
def test_slices_are_those_of_the_array(channels: int) -> None:
    good = GOOD[:, :channels]
    save_split(TRAIN, good, np.arange(5, dtype=np.uint8), CLASSES)
    images = ImageFile.of_folder(TRAIN)
    assert len(images) == 5
    for part in (slice(0, 2), slice(2, 5), slice(4, 9)):
        np.testing.assert_array_equal(images[part], good[part])


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (GOOD.astype(np.float32), "float32 (5, 3, 8, 8)"),
        (GOOD.astype(np.int8), "int8 (5, 3, 8, 8)"),
        (GOOD[:, :2].copy(), "uint8 (5, 2, 8, 8)"),
        (GOOD.transpose(0, 2, 3, 1).copy(), "uint8 (5, 8, 8, 3)"),
        (GOOD[0], "uint8 (3, 8, 8)"),
        (GOOD[:0], "uint8 (0, 3, 8, 8)"),
        (GOOD[:, :, :0], "uint8 (5, 3, 0, 8)"),
        (np.asfortranarray(GOOD), "uint8 (5, 3, 8, 8), not contiguous"),
    ],
)
def test_other_arrays_are_refused(array: Any, found: str) -> None:
    np.save(IMAGES, array)
    with pytest.raises(ValueError, match="C-contiguous uint8 array") as error:
        ImageFile.of_folder(TRAIN)
    assert f"found {found}; save your own like that, or run" in str(error.value)


@pytest.mark.parametrize("bytes_kept", [0, 5, 60, 200, 960 + 127])
def test_a_truncated_file_is_refused(bytes_kept: int) -> None:
    IMAGES.write_bytes(IMAGES.read_bytes()[:bytes_kept])
    with pytest.raises(ValueError, match=r"not a whole \.npy file"):
        ImageFile.of_folder(TRAIN)


def test_any_changed_byte_of_the_header_is_noticed_or_harmless() -> None:
    good = IMAGES.read_bytes()
    for position in range(128):
        for bit in range(8):
            changed = bytes([good[position] ^ (1 << bit)])
            IMAGES.write_bytes(good[:position] + changed + good[position + 1 :])
            try:
                images = ImageFile.of_folder(TRAIN)
            except ValueError:
                continue
            np.testing.assert_array_equal(images[0:5], GOOD)


@pytest.mark.parametrize(
    ("descr", "shape"),
    [
        ("|u1", (10**12, 3)),
        ("|u1", (-1, 960)),
        ("|V0", (5,)),
        ("|S0", (5, 3, 8, 8)),
        ("|O", (120,)),
    ],
)
def test_a_header_is_not_believed(descr: str, shape: tuple[int, ...]) -> None:
    """Numpy would reserve terabytes, or divide by the size 0 of an item, which ends the process."""
    values = IMAGES.read_bytes()[128:]
    for name, load in ("images.npy", ImageFile.of_folder), ("labels.npy", load_labels):
        with (TRAIN / name).open("wb") as file:
            header = {"descr": descr, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            file.write(values)
        with pytest.raises(ValueError, match=rf"{name}: not a whole \.npy file"):
            load(TRAIN)
        save_split(TRAIN, GOOD, np.arange(5, dtype=np.uint8), CLASSES)


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i4", "<i8", ">i8", "u8"])
def test_labels_are_integers_of_any_type(dtype: str) -> None:
    np.save(TRAIN / "labels.npy", np.array([3, 0, 9, 3, 1], dtype=dtype))
    index = index_arrays(TRAIN)
    assert index.labels == [3, 0, 9, 3, 1]
    assert index.classes == list(CLASSES)


def test_a_label_without_a_name_is_a_class_named_by_its_number() -> None:
    labels = np.array([3, 70000, 10, 2**60, 70000])
    np.save(TRAIN / "labels.npy", labels)
    index = index_arrays(TRAIN)
    named = [index.classes[label] for label in index.labels if label is not None]
    assert named == ["cat", *map(str, labels[1:])]
    assert index.classes == [*CLASSES, "10", "70000", str(2**60)]
    (TRAIN / "classes.json").unlink()
    np.save(TRAIN / "labels.npy", np.arange(5) + 300)
    assert index_arrays(TRAIN).classes == ["300", "301", "302", "303", "304"]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.zeros(5), r"integer for each of 5 images, found float64 \(5,\)"),
        (np.zeros(5, bool), r"integer for each of 5 images, found bool \(5,\)"),
        (np.zeros(5, "m8[s]"), r"integer for each of 5 images, found timedelta64\[s\] \(5,\)"),
        (np.zeros((5, 1), int), r"integer for each of 5 images, found int64 \(5, 1\)"),
        (np.zeros(4, int), r"integer for each of 5 images, found int64 \(4,\)"),
        (np.array([0, 1, -1, 0, 0]), r"labels from 0 to 2\*\*63 - 1, found -1 to 1"),
        (np.full(5, 2**63, "u8"), r"labels from 0 to 2\*\*63 - 1, found 9223372036854775808 to"),
    ],
)
def test_other_labels_are_refused(labels: Any, found: str) -> None:
    np.save(TRAIN / "labels.npy", labels)
    with pytest.raises(ValueError, match=rf"labels.npy: expected (an )?{found}.*; save your own"):
        index_arrays(TRAIN)


def test_another_numpy_file_is_refused() -> None:
    with IMAGES.open("wb") as file:
        np.savez(file, GOOD)
    with pytest.raises(ValueError, match=r"not a whole \.npy file"):
        ImageFile.of_folder(TRAIN)


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match=r"test.images.npy: no images there; run `dvc"):
        ImageFile.of_folder(TRAIN.parent / "test")


def test_names_of_classes_in_a_pipe_are_refused() -> None:
    (TRAIN / "classes.json").unlink()
    os.mkfifo(TRAIN / "classes.json")
    with pytest.raises(OSError, match=r"no file: a pipe or the like: .*classes\.json"):
        index_arrays(TRAIN)


@contextmanager
def not_waited_for() -> Iterator[None]:
    """Fails after 5 seconds: opening a pipe as a file waits forever."""

    def give_up(*_: object) -> None:
        raise AssertionError("waits for a pipe")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_a_slice_is_refused_once_the_file_is_a_pipe() -> None:
    images = ImageFile.of_folder(TRAIN)
    IMAGES.unlink()
    os.mkfifo(IMAGES)
    with not_waited_for(), pytest.raises(OSError, match="no file: a pipe or the like"):
        images[0:5]


def test_the_file_that_was_checked_is_the_one_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe may have its name a moment later."""

    def open_and_swap(path: Path) -> BinaryIO:
        file = open_file(path)
        os.mkfifo("pipe")
        Path("pipe").replace(path)
        return file

    monkeypatch.setattr(npy, "open_file", open_and_swap)
    with not_waited_for():
        np.testing.assert_array_equal(npy.map_npy(IMAGES), GOOD)
