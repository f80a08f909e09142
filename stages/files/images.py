"""The images of a split, as `images.npy` and `labels.npy`."""

from __future__ import annotations

import tokenize
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.core.statistics import CHANNELS
from stages.files.atomic import atomic_write

CIFAR10 = Path("data/cifar10")
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

# What numpy raises for a header with a changed byte, depending on which.
DAMAGE = (ValueError, EOFError, TypeError, SyntaxError, tokenize.TokenError)


@dataclass(frozen=True)
class ImageFile:
    """Images on disk, read in slices: `images[start:stop]` is a uint8 array (n, C, H, W)."""

    path: Path
    images: int

    @staticmethod
    def of_split(split: str) -> ImageFile:
        """Open and check a split's images; ValueError or OSError say what is wrong with them."""
        path = CIFAR10 / split / "images.npy"
        remedy = "run `dvc repro download`"
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no images there; {remedy}")
        try:
            array = np.lib.format.open_memmap(path, mode="r")
            size, expected_size = path.stat().st_size, array.offset + array.nbytes
            if size != expected_size:
                raise ValueError(f"{size} bytes instead of {expected_size}")
        except DAMAGE as error:
            raise ValueError(f"{path}: not a whole .npy file ({error}); {remedy}") from error
        expected = f"a C-contiguous uint8 array of shape (N, {len(CHANNELS)}, H, W), N > 0"
        found = (
            f"{array.dtype} {array.shape}{'' if array.flags.c_contiguous else ', not contiguous'}"
        )
        if (
            array.dtype != np.uint8
            or array.ndim != 4
            or array.shape[1] != len(CHANNELS)
            or array.size == 0
            or not array.flags.c_contiguous
        ):
            raise ValueError(f"{path}: expected {expected}, found {found}; {remedy}")
        return ImageFile(path, len(array))

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, images: slice) -> NDArray[np.uint8]:
        # A new map for each slice: its pages leave memory with it, so that reading a file never
        # holds more of it than the slices in use. Copy-on-write, as torch wants a writable array.
        batch: NDArray[np.uint8] = np.lib.format.open_memmap(self.path, mode="c")[images]
        return batch


def load_labels(split: str) -> NDArray[np.uint8]:
    """Read and check a split's labels (N,); ValueError or OSError say what is wrong with them."""
    path = CIFAR10 / split / "labels.npy"
    remedy = "run `dvc repro download`"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no labels there; {remedy}")
    try:
        labels: NDArray[np.uint8] = np.load(path)
    except DAMAGE as error:
        raise ValueError(f"{path}: not a whole .npy file ({error}); {remedy}") from error
    images = len(ImageFile.of_split(split))
    if labels.dtype != np.uint8 or labels.shape != (images,):
        raise ValueError(
            f"{path}: expected uint8 labels of {images} images, found {labels.dtype} "
            f"{labels.shape}; {remedy}"
        )
    return labels


def class_name(label: int) -> str:
    """The name of a label; its number where CIFAR-10 has no such class."""
    return CLASSES[label] if label < len(CLASSES) else str(label)


def save_split(split: str, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    """Write a split's images (N, C, H, W) and labels (N,), C-contiguous."""
    for name, array in ("images.npy", images), ("labels.npy", labels):
        with atomic_write(CIFAR10 / split / name) as file:
            whole = np.ascontiguousarray(array)
            header = np.lib.format.header_data_from_array_1_0(whole)
            np.lib.format.write_array_header_1_0(file, header)
            file.write(whole.data)  # `write_array` hides the reason when the disk is full
