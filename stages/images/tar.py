"""Reads WebDataset's tar files: the one image of each sample, and its label.

https://github.com/webdataset/webdataset#the-webdataset-format
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import PurePosixPath
from typing import IO, cast

from stages.images.listing import is_hidden
from stages.images.members import (
    MAX_IMAGE_BYTES,
    EncodedImage,
    Place,
    Placed,
    class_of,
    member,
    parse_json,
    refused,
)

IMAGES = (
    *("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "pbm", "pgm", "ppm", "pnm"),
    *("jp2", "j2k", "avif", "tga"),
)
LABELS = ("cls", "json")
MAX_LABEL_BYTES = 2**24
CHUNK_BYTES = 2**20
NAMED = 5  # files of a sample that is refused


def read_tar(file: IO[bytes], start: Place) -> Iterator[Placed]:
    """The images from a place on; TarError or ValueError if the archive is damaged."""
    whole = _Whole(file)
    whole.seek(start.at)
    with tarfile.open(fileobj=cast("IO[bytes]", whole), mode="r:") as tar:
        keys = set(start.keys)
        for key, infos in groupby(_files(tar), _key):
            if key in keys:
                raise ValueError(f"the files of sample {key!r} do not follow each other")
            first = next(infos)
            # A global header applies to all that follows, so reading cannot begin after it.
            share = round(first.offset / whole.size, 2)
            place = None if tar.pax_headers else Place(first.offset, share, keys)
            yield place, *_image_of_sample(chain([first], infos), whole)  # noqa: B031
            keys.add(key)
        _check_end(file, tar.offset)


class _Whole:
    """A file that is not read beyond its end, though a header may claim any size."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tell = file.tell
        self.size = file.seek(0, os.SEEK_END)

    def seek(self, at: int) -> int:
        self._check(at)
        return self._file.seek(at)

    def read(self, count: int) -> bytes:
        self._check(self.tell() + count)
        return self._file.read(count)

    def _check(self, end: int) -> None:
        if not 0 <= end <= self.size:
            raise tarfile.ReadError(f"truncated or damaged: {self.size} bytes, expected {end}")


def _files(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members that are no folders, and neither hidden nor in a hidden folder."""
    for info in iter(tar.next, None):
        tar.members.clear()  # type: ignore[attr-defined]  # tarfile keeps them all
        if info.size < 0 or not info.offset < info.offset_data <= tar.offset:
            raise ValueError(f"a damaged header at byte {info.offset}")
        parts = PurePosixPath(info.name).parts
        if not info.isdir() and not any(is_hidden(part) for part in parts if part != ".."):
            yield info


def _key(info: tarfile.TarInfo) -> str:
    """What the files of a sample share: their path up to the first dot of the name."""
    path = PurePosixPath(info.name)
    return str(path.parent / path.name.partition(".")[0])


def _suffix(info: tarfile.TarInfo) -> str:
    return PurePosixPath(info.name).name.partition(".")[2].lower()


def _image_of_sample(infos: Iterable[tarfile.TarInfo], file: _Whole) -> EncodedImage:
    """The one image of a sample, and its label; captions, masks and the like are left out."""
    images, others = list[tarfile.TarInfo](), list[tarfile.TarInfo]()
    data, labels, reasons = b"", list[str | None](), list[str]()
    for info in infos:
        suffix = _suffix(info)
        (images if suffix in IMAGES else others).append(info)
        try:
            if images == [info]:
                data = _content(info, file, MAX_IMAGE_BYTES)
            elif suffix in LABELS:
                labels.append(_label(suffix, _content(info, file, MAX_LABEL_BYTES)))
        except ValueError as error:
            beside = "" if suffix in IMAGES else "the label beside it cannot be read: "
            reasons.append(f"{beside}{error}")
    found = images or others
    name = os.fsencode(str(PurePosixPath(found[0].name))).decode(errors="replace")
    if "\ufffd" in name:
        return refused(name, "its name is not valid UTF-8")
    if len(images) != 1:
        suffixes = [_suffix(info) or "no suffix" for info in found[:NAMED]]
        more = ["..."] if len(found) > NAMED else []
        return refused(
            name, f"{len(images)} images in a sample of a shard: {', '.join(suffixes + more)}"
        )
    if reasons:
        return refused(name, reasons[0])
    return member(name, next((label for label in labels if label is not None), None), data)


def _content(info: tarfile.TarInfo, file: _Whole, most: int) -> bytes:
    """The bytes of a member; ValueError if it is no plain file, or too large for memory."""
    if not info.isreg():
        raise ValueError("neither a file nor a folder")
    if info.issparse():
        raise ValueError(f"a sparse file of {info.size} bytes: write the shard without --sparse")
    if info.size > most:
        raise ValueError(f"{info.size} bytes, more than {most}")
    file.seek(info.offset_data)
    return file.read(info.size)


def _label(suffix: str, content: bytes) -> str | None:
    if suffix == "cls":
        return content.decode().strip()
    facts = parse_json(content)
    return class_of(facts.get("label", facts.get("cls"))) if isinstance(facts, dict) else None


def _check_end(file: IO[bytes], end: int) -> None:
    """ValueError if anything but zeros follows; a damaged header is an end to tarfile as well."""
    file.seek(end)
    at, rest = end, b""
    while not rest and (chunk := file.read(CHUNK_BYTES)):
        rest = chunk.lstrip(b"\0")
        at += len(chunk) - len(rest)
    if at < end + tarfile.BLOCKSIZE:
        raise ValueError(f"truncated or damaged after {end} bytes")
    if rest:
        raise ValueError(
            f"the archive ends at byte {end}, and from byte {at} on there is more, which tar would "
            "not read; join archives by `tar --concatenate`, or write the shard anew"
        )
