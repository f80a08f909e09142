"""Thrift's compact protocol: read as it was written, and no struct that readers may differ in."""

from __future__ import annotations

import io

import pytest

from stages.images.thrift import read_struct
from tests.parquets import BINARY, I32, I64, STRUCT, TRUE, thrift, varint


@pytest.mark.parametrize(
    ("struct", "expected"),
    [
        (b"", "the end of the file"),
        (b"\x15", "the end of the file"),
        (b"\x18\x09abc", "the end of the file"),
        (b"\x15" + b"\xff" * 10, "a number of more than 64 bits"),
        (b"\x1c" * 20_000, "more than 8 structs within each other"),
        (b"\x15\0\x05\2\0\0", "field 1, twice or out of range"),
        (thrift(STRUCT, {65538: (I32, 9)}), "field 65538, twice or out of range"),  # 2 in 16 bits
        (b"\x18" + varint(2**31), "a value of Thrift's type 8 and size 2147483648"),
        (b"\x10", "a value of Thrift's type 0 and size None"),
    ],
)
def test_what_is_no_struct_of_thrift_is_an_error(struct: bytes, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        read_struct(io.BytesIO(struct))


def test_a_struct_is_read_as_it_was_written() -> None:
    inner = {1: (I32, -7), 2: (BINARY, b"skipped"), 300: (TRUE, None), 301: (I64, -(2**63))}
    struct = io.BytesIO(thrift(STRUCT, {1: (STRUCT, inner), 4: (I32, 2**31 - 1)}) + b"behind")
    skipped = inner | {2: (BINARY, None)}
    assert read_struct(struct) == {1: (STRUCT, skipped), 4: (I32, 2**31 - 1)}
    assert struct.read() == b"behind"
