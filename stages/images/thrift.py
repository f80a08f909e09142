"""Thrift's compact protocol, as far as the headers of Parquet's pages need it.

The protocol: apache/thrift, doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from typing import IO, Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 12
SIZES = {TRUE: 0, FALSE: 0, BYTE: 1, DOUBLE: 8}  # in bytes

MAX_DEPTH = 8  # of structs within structs; a page's header has 3

# The type and the value of each field, by its number.
Struct = dict[int, tuple[int, Any]]


def read_struct(file: IO[bytes], depth: int = 1) -> Struct:
    """The struct that begins here: integers and structs; None for what is skipped.

    Raises ValueError where it is malformed. Lists, sets and maps are so too.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} structs within each other")
    fields: Struct = {}
    number = 0
    while head := _byte(file):
        number = number + (head >> 4) if head >> 4 else _integer(file)
        if number in fields or not 0 < number < 2**15:  # what a reader takes for it is not known
            raise ValueError(f"field {number}, twice or out of range")
        fields[number] = head & 15, _value(file, head & 15, depth)
    return fields


def read_varint(file: IO[bytes]) -> int:
    """Seven bits of each byte, the lowest first; the eighth says that more follow."""
    number = 0
    for shift in range(0, 64, 7):
        byte = _byte(file)
        number |= (byte & 127) << shift
        if byte < 128:
            return number
    raise ValueError("a number of more than 64 bits")


def _value(file: IO[bytes], kind: int, depth: int) -> Any:
    if kind in (I16, I32, I64):
        return _integer(file)
    if kind == STRUCT:
        return read_struct(file, depth + 1)
    size = read_varint(file) if kind == BINARY else SIZES.get(kind)
    if size is None or size >= 2**31:
        raise ValueError(f"a value of Thrift's type {kind} and size {size}")
    file.seek(size, 1)
    return None


def _integer(file: IO[bytes]) -> int:
    number = read_varint(file)  # 0, -1, 1, -2, ...
    return number >> 1 ^ -(number & 1)


def _byte(file: IO[bytes]) -> int:
    byte = file.read(1)
    if not byte:
        raise ValueError("the end of the file")
    return byte[0]
