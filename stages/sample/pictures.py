"""Single images of a split to look at, and what all of them are known by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.images.arrays import ImageFile, is_array, load_labels
from stages.images.decode import decode, prepare
from stages.images.index import Index, load_index
from stages.images.listing import content_of
from stages.images.shards import read_image
from stages.shared.location import Location
from stages.shared.params import Dataset
from stages.shared.preparation import Preparation

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ArrayPictures:
    """Those of `images.npy`."""

    folder: Path
    images: ImageFile

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Pixels:
        """The image (C, H, W)."""
        image: Pixels = self.images[number : number + 1][0]
        return image

    def digests(self) -> dict[str, str]:
        """SHA-256 of the pixels and the labels alone, without the header of their files."""
        contents = {"images": self.images[0 : len(self)].data}
        if (self.folder / "labels.npy").exists():
            contents["labels"] = load_labels(self.folder).data
        return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


@dataclass(frozen=True)
class FilePictures:
    """Those of a folder of image files or shards, after their preparation."""

    folder: Location
    index: Index
    preparation: Preparation

    def __len__(self) -> int:
        return len(self.index.names)

    def __getitem__(self, number: int) -> Pixels:
        """The image (C, H, W)."""
        name = self.index.names[number]
        data = read_image(self.folder, name)
        if content_of(data) != self.index.contents[number]:
            raise ValueError(
                f"{self.folder / name}: expected the image that was measured, found another one; "
                "run `dvc repro`"
            )
        image, _ = decode(data, self.preparation.max_pixels)
        pixels_HWC = np.atleast_3d(np.asarray(prepare(image, self.preparation)))
        return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1))

    def digests(self) -> dict[str, str]:
        """SHA-256 of the names and contents of all files, as the index has them."""
        files = list(zip(self.index.names, self.index.contents, strict=True))
        return {"files": hashlib.sha256(json.dumps(files).encode()).hexdigest()}


def open_pictures(split: str, dataset: Dataset) -> ArrayPictures | FilePictures:
    folder = dataset.folder(split)
    if is_array(folder):
        return ArrayPictures(folder, ImageFile.of_folder(folder))
    return FilePictures(folder, load_index(split), dataset.preparation)
