"""The images of a shard, one after the other: WebDataset's tar files, and Parquet files.

The bytes of an image are given as they are in the shard, still encoded. A shard that is not wholly
what it should be is an error, for then it is not known which images are missing.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from stages.files.listing import DROPPINGS, File, content_of, identify
from stages.files.location import Location, open_file

if TYPE_CHECKING:
    import pyarrow as pa

IMAGES = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff")

# At a URL: bytes of a request. A column of Parquet is in pieces, so much more would be for nothing.
BLOCK_BYTES = 2**23

# Of a Parquet file: images in memory at once, and bytes of a column read at once.
BATCH_ROWS = 16
BUFFER_BYTES = 2**20

UNLABELLED = -1  # as Hugging Face marks an image without a label


@dataclass(frozen=True)
class Member:
    """An image of a shard, or of a folder: `name` is that within it, `label` that of its class.

    It is known by `content`, a digest of its bytes; where it has none, `reason` says why.
    """

    name: str
    label: str | None
    content: str = ""
    reason: str = ""


# A member and its bytes.
Image = tuple[Member, bytes]


def read_shard(shard: File) -> Iterator[Image]:
    """The images in the shard's order, of which few are in memory at once.

    Raises OSError where it is no whole shard, and ValueError where it is no longer the one that was
    listed: what it gave until then is not to be kept.
    """
    try:
        yield from _read(shard.path)
    except OSError:
        _check_unchanged(shard)
        raise
    _check_unchanged(shard)


def read_image(folder: Location, name: str) -> bytes:
    """The bytes of one image of a split, by its name in the index: a file, or within a shard."""
    for parent in reversed(PurePosixPath(name).parents):
        shard = File(str(parent), folder)
        if shard.is_shard and shard.path.is_file():
            for member, data in _read(shard.path):
                if name == f"{shard.name}/{member.name}":
                    return data
            raise ValueError(f"{shard.path}: expected {name} there; run `dvc repro measure`")
    with _open(folder / name) as file:
        return file.read()


def has_images(path: Location) -> bool:
    """Whether a Parquet file has a column of images; OSError where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with _open(path) as file:
            schema = pq.ParquetFile(file).schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise OSError(f"{path}: cannot be read as a shard: {error}") from error
    try:
        _image_column(schema, _features(schema))
    except ValueError:
        return False
    return True


def _check_unchanged(shard: File) -> None:
    if identify(shard.path) != shard.content:
        raise ValueError(f"{shard.path}: changed while it was being read; run again")


def _read(path: Location) -> Iterator[Image]:
    read = _read_tar if path.name.lower().endswith(".tar") else _read_parquet
    failures: tuple[type[Exception], ...] = (tarfile.TarError, ValueError, OSError)
    if not isinstance(path, Path):
        failures = (Exception,)  # all that the errors of filesystems have in common
    try:
        with _open(path) as file:
            yield from read(file)
    except failures as error:
        raise OSError(f"{path}: cannot be read as a shard: {error}") from error


def _open(path: Location) -> IO[bytes]:
    if isinstance(path, Path):
        return open_file(path)
    opened: IO[bytes] = path.fs.open(path.path, "rb", block_size=BLOCK_BYTES)
    return opened


@dataclass(frozen=True)
class Part:
    """A file of a sample: they have in common their path up to the first dot of the name."""

    key: str
    name: str
    suffix: str  # what follows that dot
    data: bytes  # where it is an image or a label
    is_file: bool


def _read_tar(file: IO[bytes]) -> Iterator[Image]:
    with tarfile.open(fileobj=file, mode="r:") as tar:
        keys = set()
        for key, parts in groupby(_parts(tar), lambda part: part.key):
            if key in keys:
                raise ValueError(f"the files of sample {key!r} do not follow each other")
            keys.add(key)
            yield _image_of_sample(list(parts))
        # tarfile takes a damaged header for the end, and a missing end for one.
        file.seek(tar.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise ValueError(f"truncated or damaged after {tar.offset} bytes")


def _parts(tar: tarfile.TarFile) -> Iterator[Part]:
    for info in tar:
        path = PurePosixPath(info.name)
        if info.isdir() or path.name.startswith(".") or path.name in DROPPINGS:
            continue
        stem, _, suffix = path.name.partition(".")
        suffix = suffix.lower()
        content = tar.extractfile(info) if info.isreg() else None
        wanted = suffix in (*IMAGES, "cls", "json")
        yield Part(
            key=str(path.parent / stem),
            name=os.fsencode(str(path)).decode(errors="replace"),
            suffix=suffix,
            data=content.read() if content and wanted else b"",
            is_file=content is not None,
        )


def _image_of_sample(parts: list[Part]) -> Image:
    """The one image of a sample, and its label; what else it has, as a caption or a mask, is not.

    https://github.com/webdataset/webdataset#the-webdataset-format
    """
    images = [part for part in parts if part.suffix in IMAGES]
    first = (images or parts)[0]
    if "\ufffd" in first.name:
        return _refused(first.name, "its name is not valid UTF-8")
    if len(images) != 1:
        found = ", ".join(part.suffix or "no suffix" for part in images or parts)
        return _refused(first.name, f"{len(images)} images in a sample of a shard: {found}")
    if not first.is_file:
        return _refused(first.name, "neither a file nor a folder")
    try:
        labels = [label for part in parts if (label := _label_of_part(part)) is not None]
    except ValueError as error:
        return _refused(first.name, f"the label beside it cannot be read: {error}")
    return _member(first.name, labels[0] if labels else None, first.data)


def _label_of_part(part: Part) -> str | None:
    if part.suffix == "cls":
        return part.data.decode().strip()
    if part.suffix == "json":
        content = json.loads(part.data)
        if isinstance(content, dict):
            return _label(content.get("label", content.get("cls")))
    return None


def _read_parquet(file: IO[bytes]) -> Iterator[Image]:
    # Only here, as a process that reads no Parquet need not wait for it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
        schema = parquet.schema_arrow
        features = _features(schema)
        image, column = _image_column(schema, features)
        names = features.get("label", {}).get("names")
        batches = parquet.iter_batches(BATCH_ROWS, columns=[column, "label"], use_threads=False)
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows):
            data = row[image]["bytes"] if isinstance(row[image], dict) else row[image]
            if data is None:
                yield _refused(str(number), "no image in this row")
            else:
                yield _member(str(number), _label(row.get("label"), names), data)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _features(schema: pa.Schema) -> dict[str, Any]:
    """What Hugging Face's `datasets` notes of the columns, by name."""
    note = (schema.metadata or {}).get(b"huggingface")
    features = json.loads(note).get("info", {}).get("features", {}) if note else {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def _image_column(schema: pa.Schema, features: dict[str, Any]) -> tuple[str, str]:
    """The column of images, `image` or else the only one noted as such; and that of their bytes."""
    import pyarrow as pa

    noted = [name for name, feature in features.items() if feature.get("_type") == "Image"]
    image = noted[0] if len(noted) == 1 and "image" not in schema.names else "image"
    kinds = (pa.binary(), pa.large_binary())
    for field in schema.field(image).flatten() if image in schema.names else ():
        if field.name in (image, f"{image}.bytes") and field.type in kinds:
            return image, field.name
    raise ValueError(
        "expected a column `image` of bytes, or of bytes and a path; found "
        f"{', '.join(f'{field.name}: {field.type}' for field in schema)}"
    )


def _label(label: object, names: list[str] | None = None) -> str | None:
    """The name of a class, or its number where it has no name; other values are no class."""
    if label == UNLABELLED or not isinstance(label, int | str):
        return None
    if names and isinstance(label, int):
        if not 0 <= label < len(names):
            raise ValueError(f"the label {label}, where {len(names)} classes have names")
        return names[label]
    name = str(label)
    name.encode()  # fails for half a character, which JSON may hold but nothing can be written with
    return name


def _member(name: str, label: str | None, data: bytes) -> Image:
    return Member(name, label, content_of(data)), data


def _refused(name: str, reason: str) -> Image:
    return Member(name, None, reason=reason), b""
