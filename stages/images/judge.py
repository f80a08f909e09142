"""Decides what each file of a split is: an image, a shard, bad, or plainly no image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath

from PIL import Image

from stages.images.decode import DAMAGE
from stages.images.listing import SHARDS, File, Listing, identify, side_by_side, walk_and_note
from stages.images.shards import has_images
from stages.shared.location import Location, open_file

# Suffixes of images that Pillow does not know: from phones, drawings, medicine and cameras.
UNKNOWN_IMAGES = (
    *(".heic", ".heif", ".jxl", ".exr", ".svg", ".dcm", ".nii", ".nii.gz"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"),
)

START_BYTES = 16  # by which Pillow knows an image
TEXT = re.compile(rb"[\t\n\r\x20-\xff]*")

TABLE, IMAGE, NOTED = ".parquet", "an image, or bad", "noted"


def list_folder(folder: Location) -> Listing:
    """As `find_files`, with the digest of each file's content."""
    files = find_files(folder)
    if not isinstance(folder, Path):
        return files
    return Listing(folder, side_by_side(_identified, files))


def find_files(folder: Location) -> Listing:
    """The files below a folder, each judged without decoding an image.

    FileNotFoundError or ValueError if there is nothing to measure. OSError names a shard that
    cannot be read, as nobody knows which images are missing.
    """
    files = Listing(folder, side_by_side(_noted_by_content, walk_and_note(folder)))
    forms = {_form(file) for file in files} - {NOTED}
    if TABLE in forms and len(forms) > 1:
        files = Listing(folder, side_by_side(_noted_by_schema, files))
        forms = {_form(file) for file in files} - {NOTED}
    if not isinstance(folder, Path) and forms <= {IMAGE}:
        raise FileNotFoundError(
            f"{folder}: expected shards there ({', '.join(SHARDS)}), found none among "
            f"{len(files)} files; dataset.root and dataset.splits in params.yaml say where the "
            "images are, and image files are read from a local folder alone"
        )
    if not forms:
        raise ValueError(f"{folder}: a split without images; put image files or shards there")
    return files if forms == {IMAGE} else Listing(folder, _only_shards(files))


def _form(file: File) -> str:
    if file.noted:
        return NOTED
    return PurePosixPath(file.name).suffix.lower() if file.is_shard else IMAGE


def _noted_by_content(file: File) -> File:
    """The file, noted by its suffix if neither its name nor its content says it is an image."""
    if file.reason or file.noted or file.is_shard or file.name.lower().endswith(_suffixes()):
        return file
    if isinstance(file.path, Path) and _is_image(file.path):
        return file
    return replace(file, noted=PurePosixPath(file.name).suffix[1:].lower() or "no suffix")


@cache
def _suffixes() -> tuple[str, ...]:
    registered = Image.registered_extensions().items()  # also of formats that are only written
    return (*(suffix for suffix, name in registered if name in Image.OPEN), *UNKNOWN_IMAGES)


def _is_image(path: Path) -> bool:
    """Whether Pillow takes a file for an image by its first bytes; the rest may be damaged."""
    try:
        content = open_file(path)
    except OSError:
        return True  # perhaps it is: `identify` will say why it cannot be read
    with content:
        start = content.read(START_BYTES)
        padded = start.ljust(START_BYTES, b"\0")
        formats = [name for name, (_, is_one) in Image.OPEN.items() if is_one and is_one(padded)]
        if not formats or not TEXT.fullmatch(start):
            return bool(formats)
        # Two letters may be enough for Pillow: it takes "BMW" for a BMP, and "Python" for a PPM.
        try:
            Image.open(content, formats=formats)
        except DAMAGE:
            return False
        return True


def _noted_by_schema(file: File) -> File:
    """The file, noted if it is a Parquet file without images: a table about the images."""
    if file.reason or _form(file) != TABLE or has_images(file.path):
        return file
    return replace(file, content="", noted=TABLE[1:])


def _only_shards(files: Listing) -> Iterator[File]:
    """The files, with image files bad: they may be in the shards too, and would count twice."""
    example = next(file.name for file in files if file.is_shard)
    for file in files:
        if file.is_shard and file.reason:
            raise OSError(f"{file.path}: {file.reason}")
        if file.is_shard or file.noted:
            yield file
        else:
            yield replace(file, reason=f"no shard, but {example} is one: keep one kind of files")


def _identified(file: File) -> File:
    if file.reason or file.noted:
        return file
    try:
        return replace(file, content=identify(file.path))
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        if file.is_shard:
            raise OSError(f"{file.path}: {reason}") from error
        return replace(file, reason=reason)
