"""The images of a split as arrays: `images.npy`, `labels.npy`, and `classes.json` with names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from stages.images.index import Index
from stages.shared.atomic import atomic_write
from stages.shared.location import Location
from stages.shared.names import CHANNELS
from stages.shared.npy import map_npy
from stages.shared.validated import read_validated

DATA = Path("data")
REMEDY = "run `dvc repro download`, or `dvc checkout` for images of your own"
OWN = "save your own like that, or run `dvc repro download` for a ready-made dataset"
NAMES = TypeAdapter(list[str])


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
        array = _mapped(path)
        channels = " or ".join(map(str, CHANNELS))
        contiguous = "" if array.flags.c_contiguous else ", not contiguous"
        if (
            array.dtype != np.uint8
            or array.ndim != 4
            or array.shape[1] not in CHANNELS
            or array.size == 0
            or not array.flags.c_contiguous
        ):
            raise ValueError(
                f"{path}: expected a C-contiguous uint8 array of shape (N, {channels}, H, W), N > 0"
                f", found {array.dtype!s:.80} {array.shape}{contiguous}; {OWN}"
            )
        return ImageFile(path, len(array))

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, images: slice) -> NDArray[np.uint8]:
        # Each slice has its own map, whose pages leave memory with it: only slices in use take any.
        # Copy-on-write, as torch wants a writable array.
        batch: NDArray[np.uint8] = _mapped(self.path, mode="c")[images]
        return batch


def _mapped(path: Path, mode: Literal["r", "c"] = "r") -> NDArray[Any]:
    try:
        return map_npy(path, mode)
    except ValueError as error:
        raise ValueError(f"{path}: not a whole .npy file ({error}); {REMEDY}") from error


def is_array(folder: Location) -> TypeGuard[Path]:
    """Whether a split's images are one array, and not files or shards."""
    return isinstance(folder, Path) and any(
        (folder / name).exists() for name in ("images.npy", "labels.npy")
    )


def index_arrays(folder: Path) -> Index:
    """The index of `images.npy`. Without `labels.npy` beside it, no image has a class."""
    images = ImageFile.of_folder(folder)
    classes, labels = load_classes(folder), [None] * len(images)
    if classes or (folder / "labels.npy").exists():
        labels_N = load_labels(folder).astype(np.int64)
        # A label without a name gets its number as its name.
        nameless = np.unique(labels_N[labels_N >= len(classes)])
        labels_N = np.where(
            labels_N < len(classes), labels_N, len(classes) + np.searchsorted(nameless, labels_N)
        )
        classes = [*classes, *map(str, nameless.tolist())]
        labels = labels_N.tolist()
    height, width = images[:1].shape[2:]
    return Index(
        classes=classes,
        labels=labels,
        names=[],
        contents=[],
        smallest=(height, width),
        largest=(height, width),
        converted={},
        quarantined=[],
        noted={},
    )


def load_labels(folder: Path) -> NDArray[np.integer[Any]]:
    """Read and check a split's labels (N,); ValueError or OSError say what is wrong with them."""
    path = folder / "labels.npy"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no labels there; {REMEDY}")
    labels_N = np.array(_mapped(path))
    images = len(ImageFile.of_folder(folder))
    if labels_N.dtype.kind not in "iu" or labels_N.shape != (images,):
        raise ValueError(
            f"{path}: expected an integer for each of {images} images, found "
            f"{labels_N.dtype!s:.80} {labels_N.shape}; {OWN}"
        )
    smallest, largest = int(labels_N.min()), int(labels_N.max())
    if smallest < 0 or largest >= 2**63:
        raise ValueError(
            f"{path}: expected labels from 0 to 2**63 - 1, found {smallest} to {largest}; {OWN}"
        )
    return labels_N


def load_classes(folder: Path) -> list[str]:
    """The names of the labels 0, 1, ...; empty if there is no `classes.json`."""
    path = folder / "classes.json"
    return read_validated(path, NAMES, f"expected a list of names; {OWN}") if path.exists() else []


def save_split(
    folder: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8], classes: Sequence[str]
) -> None:
    """Write a split's images (N, C, H, W), its labels (N,), and the names of the labels."""
    for name, array in ("images.npy", images), ("labels.npy", labels):
        with atomic_write(folder / name) as file:
            whole = np.ascontiguousarray(array)
            header = np.lib.format.header_data_from_array_1_0(whole)
            np.lib.format.write_array_header_1_0(file, header)
            file.write(whole.data)  # `write_array` hides the reason when the disk is full
    with atomic_write(folder / "classes.json") as file:
        file.write(f"{json.dumps(classes)}\n".encode())
