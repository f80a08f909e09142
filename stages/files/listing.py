"""Which files a split's folder holds: in the order of their names, each known by its content."""

from __future__ import annotations

import hashlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stages.core.batches import batches
from stages.files.location import Location, readable_failures
from stages.files.rows import Rows

if TYPE_CHECKING:
    from upath import UPath

R = TypeVar("R")

# What systems leave in folders besides hidden files.
DROPPINGS = ("Thumbs.db", "desktop.ini")

# Files of many images: WebDataset's tar files, and Parquet files.
SHARDS = (".tar", ".parquet")

# Where DVC keeps contents: with its cache type `symlink`, every file is a link to there.
DVC_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")

# Several threads wait for the disk at once, each with a batch and another one that waits for it.
THREADS = 8
BATCH_FILES = 256
WAITING = 2
CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class File:
    """A file of a split: `name` is its path within the split's folder, with slashes.

    It is known by `content` (see `identify`); where it cannot be read there is none, and `reason`
    says why.
    """

    name: str
    folder: Location
    content: str = ""
    reason: str = ""

    @property
    def path(self) -> Location:
        # Not kept: the paths of a million files take most of a GB.
        return self.folder / self.name

    @property
    def is_shard(self) -> bool:
        return self.name.lower().endswith(SHARDS)


class Listing:
    """Files of a folder in the order of their names, on disk."""

    def __init__(self, folder: Location, files: Iterable[File]) -> None:
        self.folder = folder
        self._rows = Rows("name", "content", "reason")
        self._rows.extend(map(attrgetter("name", "content", "reason"), files))
        self._rows.sort("name")

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[File]:
        return self._files(self._rows)

    def contents(self) -> Iterator[File]:
        """The first file of each content; none of those that cannot be read."""
        return (file for file in self._files(self._rows.first_of_each("content")) if file.content)

    def _files(self, rows: Iterable[tuple[str, str, str]]) -> Iterator[File]:
        return (File(name, self.folder, content, reason) for name, content, reason in rows)


def list_folder(folder: Location) -> Listing:
    """The files below a folder, known by their content.

    OSError names a shard that cannot be read, as it is not known which images are missing.
    """
    if isinstance(folder, Path):
        found = side_by_side(_identified, find_files(folder))
    else:
        found = _list_url(folder)
    files = Listing(folder, found)
    shard = next((file for file in files if file.is_shard), None)
    return Listing(folder, _only_shards(files, shard.name)) if shard else files


def find_files(folder: Path) -> Iterator[File]:
    """The files below a folder; FileNotFoundError or ValueError where there are none.

    Hidden files are no part of a dataset; every other file is.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no folder there; dataset.root and dataset.splits in params.yaml say where "
            "the images are, and `dvc checkout` brings back what DVC keeps"
        )
    files = _walk(folder, folder, "")
    first = next(files, None)
    if first is None:
        raise ValueError(f"{folder}: a split without images; put image files or shards there")
    yield first
    yield from files


def side_by_side(work: Callable[[File], R], files: Iterable[File]) -> Iterator[R]:
    """The result of each file, in order, by threads: reading waits for the disk."""

    def of_each(batch: list[File]) -> list[R]:
        return [work(file) for file in batch]

    with ThreadPoolExecutor(THREADS) as pool:
        pending = deque[Future[list[R]]]()
        for batch in batches(files, BATCH_FILES):
            pending.append(pool.submit(of_each, batch))
            if len(pending) == WAITING * THREADS:
                yield from pending.popleft().result()
        for results in pending:
            yield from results.result()


def identify(path: Location) -> str:
    """What a file is known by: its content, or at a URL what the filesystem tells of that."""
    if not isinstance(path, Path):
        with readable_failures(path):
            path.fs.invalidate_cache(path.path)
            info = path.fs.info(path.path)
        return _identity(path, info)
    sha256 = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            sha256.update(chunk)
    return _shortened(sha256)


def content_of(data: bytes) -> str:
    """What bytes are known by: half of a SHA-256 is enough to tell any two apart."""
    return _shortened(hashlib.sha256(data))


def _list_url(folder: UPath) -> Iterator[File]:
    with readable_failures(folder):
        folder.fs.invalidate_cache(folder.path)
        infos = folder.fs.find(folder.path, detail=True)
    names = {path[len(folder.path) :].lstrip("/"): info for path, info in infos.items()}
    files = [
        File(name, folder)
        for name in names
        if not any(_is_hidden(part) for part in name.split("/"))
    ]
    if not any(file.is_shard for file in files):
        raise FileNotFoundError(
            f"{folder}: expected shards there ({', '.join(SHARDS)}), found none among "
            f"{len(files)} files; dataset.root and dataset.splits in params.yaml say where the "
            "images are, and image files are read from a local folder alone"
        )
    for file in files:
        content = _identity(file.path, names[file.name]) if file.is_shard else ""
        yield replace(file, content=content)


def _identity(path: Location, info: dict[str, Any]) -> str:
    tag = info.get("ETag") or info.get("etag")  # s3fs writes the one, gcsfs and adlfs the other
    if not tag:
        raise ValueError(
            f"{path}: expected an ETag, by which a change is noticed, found that this filesystem "
            "gives none; use s3://, or a local folder"
        )
    return content_of(f"{path} {tag} {info['size']}".encode())


def _only_shards(files: Iterable[File], example: str) -> Iterator[File]:
    """Images beside shards would as likely as not be counted twice."""
    for file in files:
        if not file.is_shard:
            yield replace(file, content="", reason=f"no shard, as {example} is")
        elif file.reason:
            raise OSError(f"{file.path}: {file.reason}")
        else:
            yield file


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in DROPPINGS


def _walk(split: Path, folder: Path, prefix: str) -> Iterator[File]:
    inside = split.resolve()
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            # Only UTF-8 can be written into JSON.
            name = prefix + os.fsencode(entry.name).decode(errors="replace")
            if "\ufffd" in name:
                yield File(name, split, reason="its name is not valid UTF-8")
            elif entry.is_dir(follow_symlinks=False):
                yield from _walk(split, folder / entry.name, f"{name}/")
            elif entry.is_dir():
                target = Path(entry.path).resolve()
                yield File(name, split, reason=f"a link to the folder {target}")
            elif entry.is_symlink() and not _within(Path(entry.path).resolve(), inside):
                target = Path(entry.path).resolve()
                yield File(name, split, reason=f"a link out of the split, to {target}")
            elif not entry.is_file():
                yield File(name, split, reason="no file: a link to nothing, a pipe or the like")
            else:
                yield File(name, split)


def _within(target: Path, split: Path) -> bool:
    return target.is_relative_to(split) or bool(DVC_OBJECT.search(target.as_posix()))


def _identified(file: File) -> File:
    if file.reason:
        return file
    try:
        return replace(file, content=identify(file.path))
    except OSError as error:
        return replace(file, reason=f"cannot be read: {error.strerror}")


def _shortened(sha256: hashlib._Hash) -> str:
    return sha256.hexdigest()[:32]
