"""The same images in every form that is read, written with the libraries that people use."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset
from numpy.typing import NDArray
from PIL import Image

from stages.images.listing import File, identify
from stages.images.members import Member
from stages.images.shards import read_shard

SUFFIXES = ("png", "jpg", "webp", "bmp", "tif")
CLASSES = ["cat", "dog", "owl"]


@dataclass(frozen=True)
class Photo:
    """An image file: its name (`<key>.<suffix>`), its bytes and the number of its class."""

    key: str
    suffix: str
    data: bytes
    label: int

    @property
    def name(self) -> str:
        return f"{self.key}.{self.suffix}"

    def pixels(self) -> NDArray[np.uint8]:
        """What `ImageFolder` would read: (H, W, C)."""
        return np.asarray(Image.open(io.BytesIO(self.data)).convert("RGB"))


def write_photos(count: int, seed: int = 0) -> list[Photo]:
    """Random images of any size from 1 to 40, in five formats and three classes."""
    rng = np.random.default_rng(seed)
    photos = []
    for number in range(count):
        height, width = rng.integers(1, 41, 2)
        suffix, file = SUFFIXES[number % len(SUFFIXES)], io.BytesIO()
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file, Image.registered_extensions()[f".{suffix}"])
        photos.append(Photo(f"{number:04}", suffix, file.getvalue(), int(rng.integers(3))))
    return photos


def write_folder(folder: Path, photos: Sequence[Photo]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        (folder / photo.name).write_bytes(photo.data)


def write_tar(path: Path, photos: Sequence[Photo]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with webdataset.TarWriter(str(path), encoder=False) as tar:
        for photo in photos:
            label = str(photo.label).encode()
            tar.write({"__key__": photo.key, photo.suffix: photo.data, "cls": label})


def write_parquet(path: Path, photos: Sequence[Photo]) -> None:
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as ImageFeature

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "image": [{"bytes": photo.data, "path": photo.name} for photo in photos],
        "label": [photo.label for photo in photos],
    }
    features = Features({"image": ImageFeature(), "label": ClassLabel(names=CLASSES)})
    Dataset.from_dict(columns, features).to_parquet(path)


WRITE = {"tar": write_tar, "parquet": write_parquet}


def write_split(folder: Path, form: str, photos: Sequence[Photo], size: int = 10) -> None:
    """Image files in a folder, or shards of `size` images each: `0.tar`, `1.tar`, ..."""
    if form == "folder":
        write_folder(folder, photos)
        return
    for number, start in enumerate(range(0, len(photos), size)):
        WRITE[form](folder / f"{number}.{form}", photos[start : start + size])


def tar_of(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def parquet_of(path: Path, columns: Mapping[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def listed(path: Path) -> File:
    return File(path.name, path.parent, identify(path))


def members(path: Path) -> list[Member]:
    """The images that are read from a shard."""
    return [member for member, _ in read_shard(listed(path))]


def contents(path: Path) -> list[str]:
    """What the images of a shard are known by; nothing for one that is refused."""
    return [member.content for member in members(path)]


def digests(values: Sequence[bytes]) -> list[str]:
    return [hashlib.sha256(value).hexdigest()[:32] for value in values]


def with_header(content: bytes, at: int, change: dict[int, bytes]) -> bytes:
    """A tar file with changed bytes in the header at byte `at`, and a checksum that fits."""
    header = bytearray(content[at : at + tarfile.BLOCKSIZE])
    for offset, data in change.items():
        header[offset : offset + len(data)] = data
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return content[:at] + bytes(header) + content[at + tarfile.BLOCKSIZE :]
