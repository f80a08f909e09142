"""Parquet's delta encodings, whose lengths pyarrow unpacks at once."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.parquets import (
    DATA,
    DATA_V2,
    DELTA_LENGTHS,
    DELTA_PREFIXES,
    I32,
    I64,
    Fields,
    packed,
    page,
    varint,
    write,
    zigzag,
)
from tests.shards import contents, digests, members

BLOCK = 2**30  # values, of which each is as the one before


def lengths(count: int) -> bytes:
    """Zeros as DELTA_BINARY_PACKED, in blocks of four minis with no bits."""
    head = varint(BLOCK) + varint(4) + varint(count) + zigzag(0)
    return head + (zigzag(0) + bytes(4)) * -(-(count - 1) // BLOCK)


def empty_value(path: Path, encoding: int, data: bytes, kind: int = DATA) -> Path:
    """A page with one empty value, or which says so."""
    body = page(packed(data, "zstd"), len(data), 1, kind, encoding)
    return write(path, [body], 1, "zstd")


def test_lengths_written_by_hand_are_read(tmp_path: Path) -> None:
    for encoding, data in [(DELTA_LENGTHS, lengths(1)), (DELTA_PREFIXES, lengths(1) * 2)]:
        path = empty_value(tmp_path / "0.parquet", encoding, data)
        assert pq.read_table(path).column("image").to_pylist() == [b""]
        assert contents(path) == digests([b""])


@pytest.mark.parametrize("kind", [DATA, DATA_V2])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (DELTA_LENGTHS, lengths(2**31 - 1)),
        (DELTA_PREFIXES, lengths(2**31 - 1)),
        (DELTA_PREFIXES, lengths(1) + lengths(2**31 - 1)),
        (DELTA_PREFIXES, lengths(2 * BLOCK // 64) + lengths(2**31 - 1)),
    ],
    ids=["lengths", "prefixes", "suffixes", "suffixes after many"],
)
def test_more_lengths_than_fit_are_refused_before_they_are_unpacked(
    tmp_path: Path, kind: int, encoding: int, data: bytes
) -> None:
    pool, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    path = empty_value(tmp_path / "0.parquet", encoding, data, kind)
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(OSError, match="expected a page at byte 4, found 2147483647 lengths"):
            members(path)
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 2**24


@pytest.mark.parametrize("nested", [False, True])
def test_delta_encodings_are_read(tmp_path: Path, *, nested: bool) -> None:
    rng = random.Random(0)  # noqa: S311
    values = [rng.randbytes(rng.randrange(999)) for _ in range(30)] + [b"same" * 99, b""] * 5
    images = pa.array([{"bytes": it} if nested else it for it in values])
    options = itertools.product(
        ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
        ["none", "snappy", "gzip", "brotli", "lz4", "zstd"],
        ["1.0", "2.0"],
        [True, False],
    )
    for encoding, codec, version, nullable in options:
        schema = pa.schema([pa.field("image", images.type, nullable or nested)])
        pq.write_table(
            pa.table([images], schema),
            tmp_path / "0.parquet",
            compression=codec,
            data_page_version=version,
            data_page_size=3000,
            use_dictionary=False,
            column_encoding={"image.bytes" if nested else "image": encoding},
        )
        assert contents(tmp_path / "0.parquet") == digests(values), (encoding, codec, version)


def test_a_page_without_values_is_read(tmp_path: Path) -> None:
    for codec, version in itertools.product(["none", "zstd"], ["1.0", "2.0"]):
        options = {"compression": codec, "data_page_version": version, "use_dictionary": False}
        encoding = {"image": "DELTA_BYTE_ARRAY"}
        nothing = pa.table({"image": pa.array([None] * 3, pa.binary())})
        pq.write_table(nothing, tmp_path / "0.parquet", column_encoding=encoding, **options)
        assert contents(tmp_path / "0.parquet") == [""] * 3


@pytest.mark.parametrize(
    ("data", "codec", "found"),
    [
        (b"\1", None, "the end of the file"),
        (varint(128) + varint(0) + varint(9) + zigzag(0), None, "9 lengths in blocks of 128 in 0"),
        (lengths(1), 5, "delta encoding with an old LZ4"),
    ],
    ids=["cut off", "no minis", "old LZ4"],
)
def test_lengths_that_cannot_be_read_are_an_error(
    tmp_path: Path, data: bytes, codec: int | None, found: str
) -> None:
    fields: Fields = {} if codec is None else {4: (I32, codec)}
    pages = [page(data, len(data), 1, encoding=DELTA_LENGTHS)]
    path = write(tmp_path / "0.parquet", pages, 1, fields=fields | {5: (I64, 1)})
    with pytest.raises(OSError, match=f"expected a page at byte 4, found {found}; "):
        members(path)
