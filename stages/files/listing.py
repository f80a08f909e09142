"""Which files a split's folder holds: in the order of their names, each known by its content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

# What systems leave in folders besides hidden files.
DROPPINGS = ("Thumbs.db", "desktop.ini")

# Where DVC keeps contents: with its cache type `symlink`, every file is a link to there.
DVC_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")

# Reading waits for the disk, and hashing leaves Python's lock.
THREADS = 8
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class File:
    """A file of a split: `name` is its path within it, with slashes.

    It is known by `content`, the first half of its SHA-256 in hexadecimal digits; where it cannot
    be read there is none, and `reason` says why.
    """

    name: str
    path: Path
    content: str = ""
    reason: str = ""


def list_folder(folder: Path) -> list[File]:
    """The files below a folder, known by their content."""
    files = find_files(folder)
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(_identified, files))


def find_files(folder: Path) -> list[File]:
    """The files below a folder; FileNotFoundError or ValueError where there are none.

    Hidden files are no part of a dataset; every other file is.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no folder there; dataset.root and dataset.splits in params.yaml say where "
            "the images are, and `dvc checkout` brings back what DVC keeps"
        )
    found = sorted(_walk(folder, "", folder.resolve()), key=lambda file: file.name)
    if not found:
        raise ValueError(f"{folder}: a split without images; put image files there")
    return found


def content_of(data: bytes) -> str:
    """What a file is known by: half of a SHA-256 is enough to tell any two apart."""
    return _shortened(hashlib.sha256(data))


def _walk(folder: Path, prefix: str, split: Path) -> Iterator[File]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in DROPPINGS:
                continue
            # Only UTF-8 can be written into JSON.
            name = prefix + os.fsencode(entry.name).decode(errors="replace")
            path = Path(entry.path)
            if "\ufffd" in name:
                yield File(name, path, reason="its name is not valid UTF-8")
            elif entry.is_dir(follow_symlinks=False):
                yield from _walk(path, f"{name}/", split)
            elif entry.is_dir():
                yield File(name, path, reason=f"a link to the folder {path.resolve()}")
            elif entry.is_symlink() and not _within(path.resolve(), split):
                yield File(name, path, reason=f"a link out of the split, to {path.resolve()}")
            elif not entry.is_file():
                yield File(name, path, reason="no file: a link to nothing, a pipe or the like")
            else:
                yield File(name, path)


def _within(target: Path, split: Path) -> bool:
    return target.is_relative_to(split) or bool(DVC_OBJECT.search(target.as_posix()))


def _identified(file: File) -> File:
    if file.reason:
        return file
    try:
        sha256 = hashlib.sha256()
        with file.path.open("rb") as content:
            while chunk := content.read(CHUNK_BYTES):
                sha256.update(chunk)
    except OSError as error:
        return replace(file, reason=f"cannot be read: {error.strerror}")
    return replace(file, content=_shortened(sha256))


def _shortened(sha256: hashlib._Hash) -> str:
    return sha256.hexdigest()[:32]
