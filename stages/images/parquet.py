"""The images of Parquet files, as Hugging Face's `datasets` writes and notes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from stages.images.members import (
    MAX_IMAGE_BYTES,
    Place,
    Placed,
    class_of,
    member,
    parse_json,
    refused,
)
from stages.images.parquet_pages import CheckedFile

if TYPE_CHECKING:
    import pyarrow as pa

BUFFER_BYTES = 2**20  # of a column, read at once

# The types of columns that are read, as Arrow names them.
BINARY = ("binary", "large_binary", "binary_view", "fixed_size_binary")
LABELS = ("string", "large_string", "string_view", "boolean", "integer", "floating")

# What a row group may unpack to: so much, or so many times as much as the file, as encoded images
# hardly get smaller.
MAX_UNQUESTIONED_BYTES = 2**28
MAX_EXPANSION = 100


def read_parquet(file: IO[bytes], start: Place) -> Iterator[Placed]:
    """The images from a place on; ValueError where it is no Parquet file with images."""
    # Only here, as a process that reads no Parquet need not wait for it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pages = CheckedFile(file)
        parquet = pq.ParquetFile(pages, buffer_size=BUFFER_BYTES, pre_buffer=False)
        groups, size = parquet.metadata.num_row_groups, file.seek(0, os.SEEK_END)
        schema = parquet.schema_arrow
        features = _features(schema)
        image, column = _image_column(schema, features)
        label = _label_column(schema, features)
        names = _class_names(features, label)
        columns = [column] if label is None else [column, label]
        number = sum(parquet.metadata.row_group(group).num_rows for group in range(start.at))
        for group in range(start.at, groups):
            most = max(MAX_UNQUESTIONED_BYTES, MAX_EXPANSION * size)
            pages.expect(parquet.metadata, group, columns, most)
            end = number + parquet.metadata.row_group(group).num_rows
            place: Place | None = Place(group, round(group / groups, 2))
            # Rows one by one: a value that is large may be that of every row, and in the file once.
            for row in parquet.iter_batches(1, [group], columns, use_threads=False):
                data = row.column(image)[0].as_py()
                data = data["bytes"] if isinstance(data, dict) else data
                if data is None:
                    yield place, *refused(str(number), "no image in this row")
                elif len(data) > MAX_IMAGE_BYTES:
                    reason = f"{len(data)} bytes, more than {MAX_IMAGE_BYTES}"
                    yield place, *refused(str(number), reason)
                else:
                    text = class_of(row.column(label)[0].as_py(), names) if label else None
                    yield place, *member(str(number), text, data)
                place, number = None, number + 1
            if number != end:
                raise ValueError(f"expected {end} rows up to row group {group}, found {number}")
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def parquet_has_images(file: IO[bytes]) -> bool:
    """Whether a file has a column of images; ValueError where it is no Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.ParquetFile(file).schema_arrow
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    try:
        _image_column(schema, _features(schema))
    except ValueError:
        return False
    return True


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """What Hugging Face's `datasets` notes of the columns, by name."""
    note = parse_json((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = _noted(_noted(note, "info"), "features")
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def _noted(note: Any, key: str) -> dict[str, Any]:
    """A part of the note, which may be missing or null."""
    part = note.get(key) if isinstance(note, dict) else note
    if part is not None and not isinstance(part, dict):
        raise ValueError(
            f"expected the note of Hugging Face's `datasets` to have `{key}` with names and "
            f"values, found {part!r:.80}; write the file anew"
        )
    return part or {}


def _class_names(features: dict[str, dict[str, Any]], label: str | None) -> list[str] | None:
    names = features.get(label or "", {}).get("names")
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise ValueError(
            f"expected the note of Hugging Face's `datasets` to name the classes of `{label}` in "
            f"a list, found {names!r:.80}; write the file anew"
        )
    return names


def _image_column(schema: pa.Schema, features: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """The column of images, `image` or else the only one noted as such; and that of their bytes."""
    image = _column(schema, features, "image", "Image")
    for field in schema.field(image).flatten() if image else ():
        if field.name in (image, f"{image}.bytes") and _holds(field.type, BINARY):
            return str(image), field.name
    raise ValueError(
        "expected a column `image` of bytes, or of bytes and a path; found "
        f"{', '.join(f'{field.name}: {field.type}' for field in schema)}"
    )


def _label_column(schema: pa.Schema, features: dict[str, dict[str, Any]]) -> str | None:
    """The column of labels, `label` or else the only one noted as such, if it may have any."""
    label = _column(schema, features, "label", "ClassLabel")
    return label if label and _holds(schema.field(label).type, LABELS) else None


def _column(
    schema: pa.Schema, features: dict[str, dict[str, Any]], usual: str, kind: str
) -> str | None:
    noted = [name for name, feature in features.items() if feature.get("_type") == kind]
    name = noted[0] if len(noted) == 1 and usual not in schema.names else usual
    if schema.names.count(name) > 1:
        raise ValueError(f"{schema.names.count(name)} columns have the name `{name}`")
    return name if name in schema.names else None


def _holds(kind: pa.DataType, names: Sequence[str]) -> bool:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(getattr(types, f"is_{name}")(kind) for name in names)
