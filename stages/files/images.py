"""The images of a split as arrays: `images.npy`, `labels.npy`, and `classes.json` with names."""

from __future__ import annotations

import json
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from stages.core.statistics import CHANNELS
from stages.files.atomic import atomic_write
from stages.files.index import ALL, Index
from stages.files.location import Location

DATA = Path("data")
REMEDY = "run `dvc repro download`, or `dvc checkout` for images of your own"

# What numpy raises for a header with a changed byte, depending on which.
DAMAGE = (ValueError, EOFError, TypeError, SyntaxError, tokenize.TokenError)


@dataclass(frozen=True)
class ImageFile:
    """Images on disk, read in slices: `images[start:stop]` is a uint8 array (n, C, H, W)."""

    path: Path
    images: int

    @staticmethod
    def of_folder(folder: Path) -> ImageFile:
        """Open and check a split's images; ValueError or OSError say what is wrong with them."""
        path = folder / "images.npy"
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no images there; {REMEDY}")
        try:
            array = np.lib.format.open_memmap(path, mode="r")
            size, expected_size = path.stat().st_size, array.offset + array.nbytes
            if size != expected_size:
                raise ValueError(f"{size} bytes instead of {expected_size}")
        except DAMAGE as error:
            raise ValueError(f"{path}: not a whole .npy file ({error}); {REMEDY}") from error
        channels = " or ".join(map(str, CHANNELS))
        expected = f"a C-contiguous uint8 array of shape (N, {channels}, H, W), N > 0"
        found = (
            f"{array.dtype} {array.shape}{'' if array.flags.c_contiguous else ', not contiguous'}"
        )
        if (
            array.dtype != np.uint8
            or array.ndim != 4
            or array.shape[1] not in CHANNELS
            or array.size == 0
            or not array.flags.c_contiguous
        ):
            raise ValueError(f"{path}: expected {expected}, found {found}; {REMEDY}")
        return ImageFile(path, len(array))

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, images: slice) -> NDArray[np.uint8]:
        # A new map for each slice: its pages leave memory with it, so that reading a file never
        # holds more of it than the slices in use. Copy-on-write, as torch wants a writable array.
        batch: NDArray[np.uint8] = np.lib.format.open_memmap(self.path, mode="c")[images]
        return batch


def is_array(folder: Location) -> TypeGuard[Path]:
    """Whether a split's images are one array, and not files or shards."""
    return isinstance(folder, Path) and any(
        (folder / name).exists() for name in ("images.npy", "labels.npy")
    )


def index_arrays(folder: Path) -> Index:
    """What the images of `images.npy` are: of one class where no labels are beside them."""
    images = ImageFile.of_folder(folder)
    classes, labels = load_classes(folder), np.zeros(len(images), dtype=np.uint8)
    if classes or (folder / "labels.npy").exists():
        labels = load_labels(folder)
        # A label without a name is named by its number.
        classes = [*classes, *map(str, range(len(classes), int(labels.max()) + 1))]
    else:
        classes = [ALL]
    height, width = images[:1].shape[2:]
    return Index(
        classes=classes,
        labels=labels.tolist(),
        names=[],
        contents=[],
        smallest=(height, width),
        largest=(height, width),
        converted={},
        quarantined=[],
        noted={},
    )


def load_labels(folder: Path) -> NDArray[np.uint8]:
    """Read and check a split's labels (N,); ValueError or OSError say what is wrong with them."""
    path = folder / "labels.npy"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no labels there; {REMEDY}")
    try:
        labels: NDArray[np.uint8] = np.load(path)
    except DAMAGE as error:
        raise ValueError(f"{path}: not a whole .npy file ({error}); {REMEDY}") from error
    images = len(ImageFile.of_folder(folder))
    if labels.dtype != np.uint8 or labels.shape != (images,):
        raise ValueError(
            f"{path}: expected uint8 labels of {images} images, found {labels.dtype} "
            f"{labels.shape}; {REMEDY}"
        )
    return labels


def load_classes(folder: Path) -> list[str]:
    """The names of the labels 0, 1, ...; none where there is no `classes.json`."""
    path = folder / "classes.json"
    if not path.is_file():
        return []
    try:
        names = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error}); {REMEDY}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path}: expected a list of names, found {names!r:.80}; {REMEDY}")
    return names


def save_split(
    folder: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8], classes: Sequence[str]
) -> None:
    """Write a split's images (N, C, H, W) and labels (N,), C-contiguous, and the labels' names."""
    for name, array in ("images.npy", images), ("labels.npy", labels):
        with atomic_write(folder / name) as file:
            whole = np.ascontiguousarray(array)
            header = np.lib.format.header_data_from_array_1_0(whole)
            np.lib.format.write_array_header_1_0(file, header)
            file.write(whole.data)  # `write_array` hides the reason when the disk is full
    with atomic_write(folder / "classes.json") as file:
        file.write(f"{json.dumps(classes)}\n".encode())
