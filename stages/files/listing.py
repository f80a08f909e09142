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
    """The files below a folder; FileNotFoundError or ValueError where there are none.

    Hidden files are no part of a dataset; every other file is.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no folder there; dataset.root and dataset.splits in params.yaml say where "
            "the images are, and `dvc checkout` brings back what DVC keeps"
        )
    found = sorted(_walk(folder, ""), key=lambda file: file.name)
    if not found:
        raise ValueError(f"{folder}: a split without images; put image files there")
    inside = folder.resolve()
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda file: _identified(file, inside), found))


def content_of(data: bytes) -> str:
    """What a file is known by: half of a SHA-256 is enough to tell any two apart."""
    return _shortened(hashlib.sha256(data))


def _walk(folder: Path, prefix: str) -> Iterator[File]:
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
                yield from _walk(path, f"{name}/")
            elif entry.is_dir():
                yield File(name, path, reason=f"a link to the folder {path.resolve()}")
            else:
                yield File(name, path)


def _identified(file: File, inside: Path) -> File:
    if file.reason:
        return file
    target = file.path.resolve()
    if not (target.is_relative_to(inside) or DVC_OBJECT.search(target.as_posix())):
        return replace(file, reason=f"a link out of the split, to {target}")
    if target.exists() and not target.is_file():
        return replace(file, reason="neither a file nor a folder")
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
