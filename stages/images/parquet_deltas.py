"""How many lengths a page in one of Parquet's delta encodings has, which no header says.

The encodings: apache/parquet-format, Encodings.md. Lengths come before the bytes of all values, and
pyarrow unpacks them at once, 4 bytes each: 169 bytes in a file may be 2 billion of them.
"""

from __future__ import annotations

import io
from typing import IO

from stages.images.thrift import read_varint

DELTAS = LENGTHS, PREFIXES = 6, 7  # DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY
LENGTH_BYTES = 4


def count_lengths(values: bytes, encoding: int, most: int) -> int:
    """Of a page's values without their levels; ValueError where malformed or more than `most`."""
    file = io.BytesIO(values)
    if not values:
        return 0
    count = _skip_lengths(file, most)
    return count if encoding == LENGTHS else count + _skip_lengths(file, most)


def unpack(page: bytes, size: int, codec: str) -> bytes:
    """The content of a page or a part of it, which has this size; `codec` is that of a column."""
    import pyarrow as pa

    if codec == "UNCOMPRESSED" or not page:
        return page
    if codec == "UNKNOWN":  # LZ4 as Hadoop writes it
        raise ValueError("delta encoding with an old LZ4")
    name = {"LZ4": "lz4_raw"}.get(codec, codec.lower())
    unpacked: bytes = pa.decompress(page, size, name, asbytes=True)
    return unpacked


def _skip_lengths(file: IO[bytes], most: int) -> int:
    """Their number, from DELTA_BINARY_PACKED: blocks of some minis, in each a width for all."""
    block, minis, count, _ = (read_varint(file) for _ in range(4))
    if not 0 < minis <= block < 2**31 or count > most:
        raise ValueError(f"{count} lengths in blocks of {block} in {minis}")
    left = count - 1
    while left > 0:
        read_varint(file)  # the least difference
        for width in file.read(minis):
            if left > 0:
                file.seek(width * (block // minis) // 8, 1)
                left -= block // minis
    return count
