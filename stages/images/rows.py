"""Rows of text on disk, in order: in memory, the rows of a million files take 500 MB."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from stages.shared.batches import batches

T = TypeVar("T")

BATCH_ROWS = 1024


class Rows:
    """A table in a temporary file, which is removed with it; OSError if the disk is full."""

    def __init__(self, *columns: str) -> None:
        # Any thread may collect the garbage, and so close it.
        self._database = sqlite3.connect("", check_same_thread=False)
        weakref.finalize(self, self._database.close)
        self._database.execute(f"CREATE TABLE rows ({', '.join(columns)})")
        self._insert = f"INSERT INTO rows VALUES ({', '.join('?' * len(columns))})"

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM rows").fetchone()[0]
        return count

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._select("* FROM rows ORDER BY rowid")

    def extend(self, rows: Iterable[tuple[str | None, ...]]) -> None:
        """Add rows at the end."""
        for some in batches(rows, BATCH_ROWS):
            with _readable_disk_errors():
                self._database.executemany(self._insert, some)

    def sort(self, column: str) -> None:
        """Put the rows in the order in which Python sorts the text of this column."""
        with _readable_disk_errors():
            self._database.execute("ALTER TABLE rows RENAME TO unsorted")
            self._database.execute(f"CREATE TABLE rows AS SELECT * FROM unsorted ORDER BY {column}")
            self._database.execute("DROP TABLE unsorted")

    def first_of_each(self, column: str) -> Iterator[tuple[Any, ...]]:
        """The first row of each value of this column, in their order."""
        return self._select(
            f"* FROM rows WHERE rowid IN (SELECT min(rowid) FROM rows GROUP BY {column}) "
            "ORDER BY rowid"
        )

    def distinct(self, column: str) -> list[Any]:
        """The different values of a column, in any order."""
        return [value for (value,) in self._select(f"DISTINCT {column} FROM rows")]

    def without(self, column: str) -> Iterator[tuple[Any, ...]]:
        """The rows without a value in a column."""
        return self._select(f"* FROM rows WHERE {column} IS NULL ORDER BY rowid")

    def column(self, name: str) -> Iterator[Any]:
        return (value for (value,) in self._select(f"{name} FROM rows ORDER BY rowid"))

    def value(self, name: str, row: int) -> Any:
        """One value of a column; the row must exist."""
        return next(self._select(f"{name} FROM rows WHERE rowid = {row + 1}"))[0]

    def _select(self, what: str) -> Iterator[tuple[Any, ...]]:
        # A generator keeps the table alive while it is read.
        with _readable_disk_errors():
            cursor = self._database.execute(f"SELECT {what}")
            yield from iter(cursor.fetchone, None)


class Column(Sequence[T]):
    """The values of a column, each read on demand and converted."""

    def __init__(self, rows: Rows, name: str, convert: Callable[[Any], T]) -> None:
        self._rows, self._name, self._convert = rows, name, convert

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return map(self._convert, self._rows.column(self._name))

    @overload
    def __getitem__(self, row: int) -> T: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[T]: ...
    def __getitem__(self, row: int | slice) -> T | Sequence[T]:
        chosen = range(len(self))[row]
        if isinstance(chosen, range):
            return [self[number] for number in chosen]
        return self._convert(self._rows.value(self._name, chosen))


@contextmanager
def _readable_disk_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OSError(
            f"the names of all files do not fit into a temporary file ({error}); free some space, "
            "or set TMPDIR to a folder that has some"
        ) from error
