"""What the pages of a Parquet file unpack to, as their own headers say, before they are unpacked.

The footer says it too, but may be wrong, and pyarrow makes as much room as a page's header says.
The format, with the numbers of the fields: apache/parquet-format, src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from stages.images.parquet_deltas import DELTAS, LENGTH_BYTES, count_lengths, unpack
from stages.images.thrift import FALSE, I32, STRUCT, TRUE, Struct, read_struct

if TYPE_CHECKING:
    from pyarrow.parquet import ColumnChunkMetaData, FileMetaData

# The types of pages, with the field of a PageHeader that has the number of values.
DATA, DICTIONARY, DATA_V2 = 0, 2, 3
PARTS = {DATA: 5, DICTIONARY: 7, DATA_V2: 8}
ENCODINGS = {DATA: 2, DATA_V2: 4}  # the field of the encoding in that part

MISSING: tuple[int, Any] = (0, None)  # the type and the value of a field

# pyarrow keeps an address and a length for each value of a dictionary.
DICTIONARY_VALUE_BYTES = 16


@dataclass
class Column:
    """Of a row group: the bytes where pyarrow reads on and where the next page is; values left."""

    at: int
    page: int
    values: int
    codec: str
    levels: int  # how many kinds of levels come before the values of a page


class CheckedFile:
    """A Parquet file for pyarrow, which gets no page that unpacks to too much.

    The headers in a piece of a column are checked when pyarrow asks for this piece, so a server is
    not asked twice.
    """

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.seek, self.tell = file, file.seek, file.tell
        self.columns: list[Column] | None = None  # None while the footer is read
        self.unpacked = self.said = self.most = 0

    def expect(self, about: FileMetaData, number: int, names: Sequence[str], most: int) -> None:
        """From now on these columns of this row group are read, which may take `most` bytes."""
        group, prefixes = about.row_group(number), tuple(f"{name}." for name in names)
        self.columns, self.unpacked, self.said, self.most = [], 0, group.total_byte_size, most
        for index in range(group.num_columns):
            chunk, column = group.column(index), about.schema.column(index)
            if f"{chunk.path_in_schema}.".startswith(prefixes):
                levels = (column.max_definition_level > 0) + (column.max_repetition_level > 0)
                start, values = _start(chunk), chunk.num_values
                self.columns.append(Column(start, start, values, chunk.compression, levels))
                self.unpacked += column.length  # of each value, even of none

    def read(self, size: int) -> bytes:
        at = self.file.tell()
        if self.columns is not None:
            self._check(at, size)
            self.file.seek(at)
        return self.file.read(size)

    def _check(self, at: int, size: int) -> None:
        # pyarrow reads a column from its start on, so a piece begins where the last one ended.
        column = next((column for column in self.columns or () if column.at == at), None)
        if column is None:
            raise ValueError(f"no column begins or goes on at byte {at}; write the file anew")
        column.at += size
        while column.page < column.at and column.values > 0:
            self.file.seek(column.page)
            try:
                unpacked, column.page, values = _page(self.file, column, self.most)
            except ValueError as error:
                raise ValueError(
                    f"expected a page at byte {column.page}, found {error}; write the file anew"
                ) from error
            column.values -= values
            self.unpacked += unpacked
            if self.unpacked > self.most:
                raise ValueError(
                    f"a row group takes {self.unpacked} bytes or more, as its pages say, where at "
                    f"most {self.most} are allowed (its footer says {self.said}): a decompression "
                    "bomb? If not, write the file anew with smaller row groups"
                )


def _start(chunk: ColumnChunkMetaData) -> int:
    """The first page, as pyarrow finds it: some writers note 0 where there is no dictionary."""
    data, dictionary = chunk.data_page_offset, chunk.dictionary_page_offset
    return int(dictionary if dictionary is not None and 0 < dictionary < data else data)


def _page(file: IO[bytes], column: Column, most: int) -> tuple[int, int, int]:
    """How many bytes the page here takes, where the next one begins, and the rows' values in it."""
    header = read_struct(file)
    kind, unpacked, packed = (_number(header, field) for field in (1, 2, 3))
    begin = file.tell()
    if kind not in PARTS:
        return unpacked, begin + packed, 0
    of, part = header.get(PARTS[kind], (STRUCT, {}))
    values = _number(part if of == STRUCT else {}, 1)
    if kind == DICTIONARY:
        return unpacked + DICTIONARY_VALUE_BYTES * values, begin + packed, 0
    encoding = _number(part, ENCODINGS[kind])
    if encoding in DELTAS and unpacked <= most:
        data = _values(part, kind, file.read(packed), unpacked, column)
        unpacked += LENGTH_BYTES * count_lengths(data, encoding, most // LENGTH_BYTES)
    return unpacked, begin + packed, values


def _values(part: Struct, kind: int, page: bytes, size: int, column: Column) -> bytes:
    """A page of data without its levels, unpacked."""
    if kind == DATA_V2:
        levels = _number(part, 5) + _number(part, 6)
        is_packed = {TRUE: True, FALSE: False}.get(part.get(7, MISSING)[0])
        if is_packed is None:
            raise ValueError("no field 7")
        return unpack(page[levels:], size - levels, column.codec if is_packed else "UNCOMPRESSED")
    values = unpack(page, size, column.codec)
    for _ in range(column.levels):
        values = values[4 + int.from_bytes(values[:4], "little") :]
    return values


def _number(fields: Struct, field: int) -> int:
    kind, value = fields.get(field, MISSING)
    if kind != I32 or not 0 <= value < 2**31:
        raise ValueError(f"{value} as field {field}")
    return int(value)
