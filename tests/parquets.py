"""Parquet files byte by byte: what their headers say is up to the test.

As the Parquet format defines them (parquet.thrift), written with Thrift's compact protocol.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

TRUE, I32, I64, BINARY, LIST, STRUCT = 1, 5, 6, 8, 9, 12

# enum PageType, and of enum Encoding
DATA, DICTIONARY, DATA_V2 = 0, 2, 3
PLAIN, RLE, DELTA_LENGTHS, DELTA_PREFIXES, RLE_DICTIONARY = 0, 3, 6, 7, 8
BYTE_ARRAY = 6
CODECS = {None: 0, "snappy": 1, "gzip": 2, "brotli": 4, "zstd": 6}

# The fields of a struct by their numbers, each with its type.
Fields = dict[int, tuple[int, Any]]


def varint(number: int) -> bytes:
    head = b""
    while number > 127:
        head, number = head + bytes([number & 127 | 128]), number >> 7
    return head + bytes([number])


def zigzag(number: int) -> bytes:
    return varint(number * 2 if number >= 0 else -number * 2 - 1)


def thrift(kind: int, value: Any) -> bytes:
    """A value in the compact protocol; a list is (type, values)."""
    if kind == TRUE:
        return b""
    if kind == STRUCT:
        fields = (bytes([of]) + zigzag(at) + thrift(of, it) for at, (of, it) in value.items())
        return b"".join(fields) + b"\0"
    if kind == LIST:
        of, values = value
        return bytes([0xF0 | of]) + varint(len(values)) + b"".join(thrift(of, it) for it in values)
    return varint(len(value)) + value if kind == BINARY else zigzag(value)


def page(body: bytes, unpacked: int, values: int, kind: int = DATA, encoding: int = PLAIN) -> bytes:
    """A page with its header, which says that so many bytes and values are in it."""
    part = {
        DATA: {1: (I32, values), 2: (I32, encoding), 3: (I32, RLE), 4: (I32, RLE)},
        DICTIONARY: {1: (I32, values), 2: (I32, encoding)},
        DATA_V2: {1: (I32, values), 2: (I32, 0), 3: (I32, values), 4: (I32, encoding)}
        | {5: (I32, 0), 6: (I32, 0), 7: (TRUE, None)},
    }[kind]
    field = {DATA: 5, DICTIONARY: 7, DATA_V2: 8}[kind]
    header = {1: (I32, kind), 2: (I32, unpacked), 3: (I32, len(body)), field: (STRUCT, part)}
    return thrift(STRUCT, header) + body


def packed(data: bytes, codec: str | None) -> bytes:
    return data if codec is None else pa.compress(data, codec, asbytes=True)


def plain(values: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def write(
    path: Path,
    pages: Sequence[bytes],
    rows: int,
    codec: str | None = None,
    created_by: bytes = b"by hand",
    fields: Fields | None = None,
) -> Path:
    """A file of one row group with one column `image` of bytes without nulls.

    Its footer says that it unpacks to no more than it is. `fields` are others of ColumnMetaData.
    """
    chunk = b"".join(pages)
    column: Fields = {
        1: (I32, BYTE_ARRAY),
        2: (LIST, (I32, [PLAIN, RLE])),
        3: (LIST, (BINARY, [b"image"])),
        4: (I32, CODECS[codec]),
        5: (I64, rows),
        6: (I64, len(chunk)),
        7: (I64, len(chunk)),
        9: (I64, 4),
    } | (fields or {})
    chunks = [{2: (I64, 4), 3: (STRUCT, column)}]
    group = {1: (LIST, (STRUCT, chunks)), 2: (I64, len(chunk)), 3: (I64, rows)}
    schema = [
        {4: (BINARY, b"schema"), 5: (I32, 1)},
        {1: (I32, BYTE_ARRAY), 3: (I32, 0), 4: (BINARY, b"image")},
    ]
    footer = {
        1: (I32, 1),
        2: (LIST, (STRUCT, schema)),
        3: (I64, rows),
        4: (LIST, (STRUCT, [group])),
        6: (BINARY, created_by),
    }
    about = thrift(STRUCT, footer)
    path.write_bytes(b"PAR1" + chunk + about + struct.pack("<I", len(about)) + b"PAR1")
    return path
