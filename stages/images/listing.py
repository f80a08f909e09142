"""Lists the files below a split's folder in the order of their names, and identifies each."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import zip_longest
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stages.images.rows import Rows
from stages.shared.batches import batches
from stages.shared.location import Location, open_file, readable_url_errors

if TYPE_CHECKING:
    from upath import UPath

R = TypeVar("R")

# Files that Windows leaves in folders.
DROPPINGS = ("Thumbs.db", "desktop.ini")

# Files of many images: WebDataset's tar files, and Parquet files.
SHARDS = (".tar", ".parquet")

# The kind of a noted link to a folder. Its files are in the split, but DVC does not look there.
LINKED = "linked folder"

# Threads that wait for the disk at once, and the batches of each: one in work, one waiting.
THREADS = 8
BATCH_FILES = 256
WAITING = 2
CHUNK_BYTES = 2**20
DIGITS = 32  # half of a SHA-256, which is enough to tell any two contents apart


@dataclass(frozen=True, slots=True)
class File:
    """A file of a split: `name` is its path within the split's folder, with slashes.

    `content` identifies it (see `identify`). A file without it either cannot be measured, and
    `reason` says why, or is plainly no image, and `noted` says of what kind it is.
    """

    name: str
    folder: Location
    content: str = ""
    reason: str = ""
    noted: str = ""
    state: str = ""  # differs once the file has changed; known without reading it

    @property
    def path(self) -> Location:
        # Not kept: the paths of a million files take most of a GB.
        return self.folder / self.name

    @property
    def is_shard(self) -> bool:
        return not self.noted and self.name.lower().endswith(SHARDS)


OF_FILE = ("name", "content", "reason", "noted", "state")


class Listing:
    """Files of a folder in the order of their names, on disk."""

    def __init__(self, folder: Location, files: Iterable[File]) -> None:
        self.folder = folder
        self._rows = Rows(*OF_FILE)
        self._rows.extend(map(attrgetter(*OF_FILE), files))
        self._rows.sort("name")

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[File]:
        return self._files(self._rows)

    def contents(self) -> Iterator[File]:
        """The first file of each content; files without one are left out."""
        return (file for file in self._files(self._rows.first_of_each("content")) if file.content)

    def noted(self) -> dict[str, list[str]]:
        """The names of the noted files, by their kind."""
        names = defaultdict(list)
        for file in self:
            if file.noted:
                names[file.noted].append(file.name)
        return dict(sorted(names.items()))

    def _files(self, rows: Iterable[tuple[str, ...]]) -> Iterator[File]:
        return (File(name, self.folder, *others) for name, *others in rows)


def walk(folder: Location) -> Iterator[File]:
    """The files below a folder, in any order; FileNotFoundError if there is no folder.

    Hidden files are left out. Links are followed, as in torchvision's `ImageFolder`. What is
    neither a file nor a folder has a reason.
    """
    return (file for file in walk_and_note(folder) if not file.noted)


def walk_and_note(folder: Location) -> Iterator[File]:
    """As `walk`, but a link to a folder is listed too, as noted, besides the files in it."""
    if not isinstance(folder, Path):
        return _walk_url(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: no folder there; dataset.root and dataset.splits in params.yaml say where "
            "the images are, and `dvc checkout` brings back what DVC keeps"
        )
    return _walk(folder)


def check_unchanged(files: Listing) -> None:
    """ValueError names a file that was added, removed or replaced since these were listed."""
    listed = (file for file in files if file.noted != LINKED)
    for before, after in zip_longest(listed, Listing(files.folder, walk(files.folder))):
        if before and after and (before.name, before.state) == (after.name, after.state):
            continue
        changed = min((file for file in (before, after) if file), key=attrgetter("name"))
        raise ValueError(
            f"{changed.path}: added, removed or replaced while its split was read; run again"
        )


def side_by_side(work: Callable[[File], R], files: Iterable[File]) -> Iterator[R]:
    """The result for each file, in order, from threads: the work mostly waits for the disk."""
    with ThreadPoolExecutor(THREADS) as pool:
        pending = deque[Future[list[R]]]()
        for batch in batches(files, BATCH_FILES):
            pending.append(pool.submit(lambda some: [work(file) for file in some], batch))
            if len(pending) == WAITING * THREADS:
                yield from pending.popleft().result()
        for results in pending:
            yield from results.result()


def identify(path: Location) -> str:
    """The digest of a file's content, or at a URL of the URL, the ETag and the size."""
    if not isinstance(path, Path):
        with readable_url_errors(path):
            path.fs.invalidate_cache(path.path)
            info = path.fs.info(path.path)
        return _identity(path, info)
    sha256 = hashlib.sha256()
    with open_file(path) as content:
        while chunk := content.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()[:DIGITS]


def content_of(data: bytes) -> str:
    """The digest that identifies these bytes."""
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def _walk_url(folder: UPath) -> Iterator[File]:
    with readable_url_errors(folder):
        folder.fs.invalidate_cache(folder.path)
        infos = folder.fs.find(folder.path, detail=True)
    for path, info in infos.items():
        name = path[len(folder.path) :].lstrip("/")
        # Some tools mark a folder of a bucket by an empty object.
        is_marker = (not name or name.endswith("/")) and not info["size"]
        if is_marker or any(is_hidden(part) for part in name.split("/")):
            continue
        file = File(name, folder)
        content = _identity(file.path, info) if file.is_shard else ""
        yield replace(file, content=content, state=content)


def _identity(path: Location, info: dict[str, Any]) -> str:
    tag = info.get("ETag") or info.get("etag")  # s3fs spells it `ETag`, gcsfs and adlfs `etag`
    if not tag:
        raise ValueError(
            f"{path}: expected an ETag, which changes with the file, but this filesystem has none; "
            "use s3:// or a local folder"
        )
    return content_of(f"{path} {tag} {info['size']}".encode())


def is_hidden(name: str) -> bool:
    return name.startswith(".") or name in DROPPINGS


def _walk(split: Path) -> Iterator[File]:
    folders, is_kept = [("", [_inode(split.stat())])], _is_kept(split)
    while folders:
        prefix, above = folders.pop()
        with os.scandir(split / prefix) as entries:
            for entry in entries:
                if is_hidden(entry.name):
                    continue
                name = prefix + os.fsencode(entry.name).decode(errors="replace")
                try:
                    found = _followed(entry, above, is_kept=is_kept)
                except ValueError as error:
                    yield File(name, split, reason=str(error))
                    continue
                if stat.S_ISREG(found.st_mode):
                    state = f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"
                    yield File(name, split, state=state)
                    continue
                folders.append((f"{name}/", [*above, _inode(found)]))
                if entry.is_symlink():
                    yield File(name, split, noted=LINKED)


def _followed(
    entry: os.DirEntry[str], above: Sequence[tuple[int, int]], *, is_kept: bool
) -> os.stat_result:
    """The state of a file or of a folder to walk; ValueError says why it is neither."""
    try:
        entry.name.encode()  # only UTF-8 can be written into JSON
        found = entry.stat()
    except UnicodeEncodeError as error:
        raise ValueError("its name is not valid UTF-8") from error
    except OSError as error:
        raise ValueError(f"a link to nothing: {error.strerror}") from error
    if stat.S_ISREG(found.st_mode):
        return found
    if not stat.S_ISDIR(found.st_mode):
        raise ValueError("no file: a pipe or the like")
    if _inode(found) in above:
        raise ValueError("a link to a folder that contains it: following it would never end")
    if is_kept and entry.is_symlink():
        raise ValueError("a link to a folder, which DVC does not keep; put the folder there")
    return found


def _inode(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _is_kept(split: Path) -> bool:
    """Whether DVC keeps the folder or one above it, for others to pull."""
    return any(Path(f"{folder}.dvc").is_file() for folder in (split, *split.parents))
