"""Reads the images of a shard, a tar file of WebDataset or a Parquet file, one by one.

The images stay encoded. A damaged shard is an error, as nobody knows which images are missing.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from stages.images.listing import File, identify
from stages.images.magic import FIRST_BYTES, named_content
from stages.images.members import START, EncodedImage, Place, Placed
from stages.images.parquet import parquet_has_images, read_parquet
from stages.images.tar import read_tar
from stages.shared.location import Location, open_file

# Bytes of one request to a URL. A Parquet column is in pieces: more bytes would be of no use.
BLOCK_BYTES = 2**23

# The next block is fetched while the images of the last one are decoded.
READ_AHEAD = {"cache_type": "background", "cache_options": {"maxblocks": 4}}


def read_shard(shard: File) -> Iterator[EncodedImage]:
    """The images in the shard's order; few are in memory at once.

    Raises OSError if the shard is damaged, and ValueError if it changed since it was listed. The
    images before an error must not be kept.
    """
    return ((member, data) for _, member, data in read_from(shard, START))


def read_from(shard: File, start: Place) -> Iterator[Placed]:
    """As `read_shard`, from a place on, and with the places where reading can go on."""
    try:
        yield from _read(shard.path, start)
    except OSError:
        _check_unchanged(shard)
        raise
    _check_unchanged(shard)


def read_image(folder: Location, name: str) -> bytes:
    """The bytes of an image by its name in the index: of a file, or of a member of a shard."""
    for parent in reversed(PurePosixPath(name).parents):
        shard = File(str(parent), folder)
        if shard.is_shard and shard.path.is_file():
            for _, member, data in _read(shard.path):
                if name == f"{shard.name}/{member.name}":
                    return data
            raise ValueError(f"{shard.path}: expected {name} there; run `dvc repro measure`")
    with _open(folder / name) as file:
        return file.read()


def has_images(path: Location) -> bool:
    """Whether a Parquet file has a column of images; OSError if it cannot be read."""
    try:
        with _open(path) as file:
            return parquet_has_images(file)
    except (ValueError, OSError) as error:
        raise OSError(f"{path}: cannot be read as a shard: {error}") from error


def _check_unchanged(shard: File) -> None:
    if identify(shard.path) != shard.content:
        raise ValueError(f"{shard.path}: changed while it was being read; run again")


def _read(path: Location, start: Place = START) -> Iterator[Placed]:
    read = read_tar if path.name.lower().endswith(".tar") else read_parquet
    # RecursionError: tarfile follows headers that each announce a header.
    failures: tuple[type[Exception], ...] = (tarfile.TarError, ValueError, OSError, RecursionError)
    if not isinstance(path, Path):
        failures = (Exception,)  # the only class that errors of all filesystems share
    try:
        with _open(path) as file:
            try:
                yield from read(file, start)
            except failures:
                _refuse_others(file)
                raise
    except failures as error:
        raise OSError(f"{path}: cannot be read as a shard: {error}") from error


def _refuse_others(file: IO[bytes]) -> None:
    """ValueError if the content is known to be of another kind than the name says."""
    file.seek(0)
    if content := named_content(file.read(FIRST_BYTES)):
        raise ValueError(f"it is {content}") from None


def _open(path: Location) -> IO[bytes]:
    if isinstance(path, Path):
        return open_file(path)
    opened: IO[bytes] = path.fs.open(path.path, "rb", block_size=BLOCK_BYTES, **READ_AHEAD)
    return opened
