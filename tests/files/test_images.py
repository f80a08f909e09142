"""Image files: only what the contract allows is measured, and only slices of it are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.files.images import ImageFile, save_split
from stages.files.ready_made.cifar10 import CLASSES
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
    assert f"found {found}; run `dvc repro download`" in str(error.value)


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


def test_another_numpy_file_is_refused() -> None:
    with IMAGES.open("wb") as file:
        np.savez(file, GOOD)
    with pytest.raises(ValueError, match=r"not a whole \.npy file"):
        ImageFile.of_folder(TRAIN)


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match=r"test.images.npy: no images there; run `dvc"):
        ImageFile.of_folder(TRAIN.parent / "test")
