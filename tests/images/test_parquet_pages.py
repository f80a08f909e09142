"""Parquet files whose pages unpack to more than their footers say, or whose headers are broken."""

from __future__ import annotations

import itertools
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parquets import (
    BINARY,
    DATA,
    DATA_V2,
    DICTIONARY,
    I32,
    I64,
    LIST,
    RLE_DICTIONARY,
    STRUCT,
    Fields,
    packed,
    page,
    plain,
    thrift,
    write,
)
from tests.shards import contents, digests, members, parquet_of

MEBI = 2**20
INDICES = b"\1\2\0"  # one index of one bit, 0


def pages_of(values: Sequence[bytes], kind: int = DATA) -> list[bytes]:
    """One for each value."""
    return [page(packed(plain([it]), "zstd"), len(it) + 4, 1, kind) for it in values]


@pytest.mark.parametrize("kind", [DATA, DATA_V2])
def test_pages_written_by_hand_are_read(tmp_path: Path, kind: int) -> None:
    path = write(tmp_path / "0.parquet", pages_of([b"a", b"bc"], kind), 2, "zstd")
    assert pq.read_table(path).column("image").to_pylist() == [b"a", b"bc"]
    assert contents(path) == digests([b"a", b"bc"])


def test_every_writers_pages_are_read(tmp_path: Path) -> None:
    rng = random.Random(0)  # noqa: S311
    values = [rng.randbytes(rng.randrange(9000)) for _ in range(40)] + [b"", b"same" * 999] * 5
    images = {
        "flat": pa.array(values),
        "struct": pa.array([{"path": "a.png", "bytes": value} for value in values]),
    }
    other = pa.array([b"x" * 1000] * len(values))
    codecs = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]
    options = itertools.product(images, codecs, ["1.0", "2.0"], [True, False], [1000, MEBI])
    for image, codec, version, dictionary, size in options:
        pq.write_table(
            pa.table({"other": other, "image": images[image], "label": range(len(values))}),
            tmp_path / "0.parquet",
            compression=codec,
            data_page_version=version,
            use_dictionary=dictionary,
            data_page_size=size,
            write_page_index=dictionary,
            row_group_size=37,
        )
        assert contents(tmp_path / "0.parquet") == digests(values), (image, codec, version)


@pytest.mark.parametrize(
    ("created_by", "fields"),
    [
        (b"", {11: (I64, 0)}),
        (b"", {11: (I64, 4)}),
        (b"", {11: (I64, 2**40)}),
        # PARQUET-816: its size left out the header of the dictionary.
        (b"parquet-mr version 1.2.8", {7: (I64, 40)}),
    ],
    ids=["no dictionary is 0", "no dictionary is the first page", "far", "parquet-mr 1.2.8"],
)
def test_places_that_pyarrow_puts_up_with_are_read(
    tmp_path: Path, created_by: bytes, fields: Fields
) -> None:
    pages = pages_of([b"a", b"bc"])
    assert sum(map(len, pages)) > 40
    path = write(tmp_path / "0.parquet", pages, 2, "zstd", created_by, fields=fields)
    assert pq.read_table(path).column("image").to_pylist() == [b"a", b"bc"]
    assert contents(path) == digests([b"a", b"bc"])


@pytest.mark.parametrize("kind", [1, 9], ids=["index", "unknown"])
def test_pages_of_other_kinds_are_skipped(tmp_path: Path, kind: int) -> None:
    other = thrift(STRUCT, {1: (I32, kind), 2: (I32, 3), 3: (I32, 3), 6: (STRUCT, {})}) + b"xyz"
    first, second = pages_of([b"a", b"bc"])
    path = write(tmp_path / "0.parquet", [first, other, second], 2, "zstd")
    assert contents(path) == digests([b"a", b"bc"])


def test_bytes_behind_the_last_value_are_not_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "0.parquet", [*pages_of([b"a"]), b"\xff" * 50], 1, "zstd")
    assert contents(path) == digests([b"a"])


def test_a_column_of_fewer_values_than_rows_is_an_error(tmp_path: Path) -> None:
    pages = pages_of([b"a", b"bc"])
    path = write(tmp_path / "0.parquet", pages, 2, "zstd", fields={5: (I64, 1)})
    with pytest.raises(OSError, match="expected 2 rows up to row group 0, found 1"):
        members(path)


def a_large_page(path: Path) -> Path:
    data = plain([bytes(2**30)])
    return write(path, [page(packed(data, "zstd"), len(data), 1)], 1, "zstd")


def a_page_that_says_so(path: Path) -> Path:
    return write(path, [page(packed(bytes(9), "snappy"), 2**31 - 1, 1, DATA_V2)], 1, "snappy")


def many_pages(path: Path) -> Path:
    data = plain([bytes(2**26)])
    return write(path, [page(packed(data, "zstd"), len(data), 1)] * 99, 99, "zstd")


def a_dictionary(path: Path, size: int = 2**30) -> Path:
    keys = page(packed(bytes(size), "zstd"), size, size // 4, DICTIONARY)
    data = page(packed(INDICES, "zstd"), len(INDICES), 1, encoding=RLE_DICTIONARY)
    return write(path, [keys, data], 1, "zstd")


def an_honest_dictionary(path: Path) -> Path:
    return a_dictionary(path, 2**27)


def values_of_one_size(path: Path) -> Path:
    nothing = pa.array([None], pa.binary(2**29))
    return parquet_of(path, {"image": nothing}, store_schema=False)


LIES = [a_large_page, a_page_that_says_so, many_pages, a_dictionary, an_honest_dictionary]
LIES += [values_of_one_size]

# Prints what is said of each file, and the bytes by which memory grew at most meanwhile.
MEASURE = """
import json, sys
from pathlib import Path
import pyarrow.parquet
from stages.images.listing import File, identify
from stages.images.shards import read_shard
def peak():
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
for path in map(Path, sys.argv[1:]):
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from now on
    before = peak()
    try:
        said = f"{len(list(read_shard(File(path.name, path.parent, identify(path)))))} images"
    except OSError as error:
        said = str(error)
    print(json.dumps([said, peak() - before]))
"""


def test_small_files_that_unpack_to_much_take_little_memory(tmp_path: Path) -> None:
    paths = [lie(tmp_path / f"{lie.__name__}.parquet") for lie in LIES]
    assert all(path.stat().st_size < 300_000 for path in paths)
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    lines = subprocess.check_output(command, text=True).splitlines()
    for path, (said, grown) in zip(paths, map(json.loads, lines), strict=True):
        expected = r"a row group takes \d+ bytes or more.* at most 268435456 .*decompression bomb"
        assert re.search(f"{path}: .*{expected}", said)
        assert grown < 2**28


def is_read_or_named(path: Path) -> bool:
    try:
        members(path)
    except OSError as error:
        return str(error).startswith(f"{path}: cannot be read as a shard: ")
    return True


NUMBERS = st.one_of(st.integers(-1, 70), st.sampled_from([2**28, 2**31 - 1, 2**31, 2**70]))
FIELDS = st.recursive(
    st.dictionaries(st.integers(1, 9), st.tuples(st.just(I32), NUMBERS)),
    lambda inner: st.dictionaries(
        st.integers(-1, 9),
        st.one_of(
            st.tuples(st.sampled_from([I32, I64]), NUMBERS),
            st.tuples(st.just(BINARY), st.binary(max_size=9)),
            st.tuples(st.just(STRUCT), inner),
        ),
    ),
    max_leaves=9,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=FIELDS)
def test_any_header_is_skipped_or_an_error_that_names_the_file(
    tmp_path: Path, fields: Fields
) -> None:
    header = thrift(STRUCT, fields) + bytes(60)
    pages = [header, *pages_of([b"a", b"bc"])]
    assert is_read_or_named(write(tmp_path / "0.parquet", pages, 2, "zstd"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from([DATA, DATA_V2, DICTIONARY]),
    at=st.integers(0, 30),
    removed=st.integers(0, 3),
    put=st.binary(max_size=9),
)
def test_a_mutated_header_is_read_or_an_error_that_names_the_file(
    tmp_path: Path, kind: int, at: int, removed: int, put: bytes
) -> None:
    [first, second] = pages_of([b"a", b"bc"], kind)
    first = first[:at] + put + first[at + removed :]
    assert is_read_or_named(write(tmp_path / "0.parquet", [first, second], 2, "zstd"))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ({1: (I32, DATA)}, "None as field 2"),
        ({1: (I32, DATA), 2: (I32, -1)}, "-1 as field 2"),
        ({1: (I32, DATA), 2: (I64, 9)}, "9 as field 2"),
        ({1: (I32, DATA), 2: (I32, 2**32 + 9)}, "4294967305 as field 2"),  # 9 in 32 bits
        ({1: (I32, DATA), 2: (I32, 9), 3: (I32, 9)}, "None as field 1"),
        ({1: (I32, DATA), 2: (I32, 9), 3: (I32, 9), 5: (I32, 1)}, "None as field 1"),
        ({2: (LIST, (I32, [1]))}, "a value of Thrift's type 9 and size None"),
    ],
)
def test_a_malformed_header_is_named(tmp_path: Path, header: Fields, found: str) -> None:
    path = write(tmp_path / "0.parquet", [thrift(STRUCT, header), bytes(9)], 1, "zstd")
    with pytest.raises(OSError, match=f"expected a page at byte 4, found {found}; "):
        members(path)
