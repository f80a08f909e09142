"""Rows on disk behave as a list of them does."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from stages.images.rows import Column, Rows

# Their order differs by code points, by UTF-16 and by folders.
NAMES = ["b", "a/b", "a", "a b/c", "a.png", "a0", "B", "ä", "\uffee", "\U0001f600", "a/B", ""]


def rows_of(names: list[str]) -> Rows:
    rows = Rows("name", "number")
    rows.extend((name, str(number)) for number, name in enumerate(names))
    return rows


def test_rows_keep_the_order_that_they_were_added_in() -> None:
    rows = rows_of(NAMES)
    rows.extend([("more", None)])
    assert len(rows) == len(NAMES) + 1
    assert list(rows)[-2:] == [("", str(len(NAMES) - 1)), ("more", None)]
    assert list(rows.column("name")) == [*NAMES, "more"]


def test_rows_are_sorted_as_python_sorts_text() -> None:
    rows = rows_of(NAMES)
    rows.sort("name")
    assert list(rows.column("name")) == sorted(NAMES)
    rows.extend([("", None)])
    assert list(rows.column("name")) == [*sorted(NAMES), ""]


def test_the_first_of_each_value_is_the_first_that_was_added() -> None:
    names = [NAMES[number] for number in np.random.default_rng(0).integers(0, len(NAMES), 100)]
    firsts = [(name, str(names.index(name))) for name in dict.fromkeys(names)]
    assert list(rows_of(names).first_of_each("name")) == firsts
    assert sorted(rows_of(names).distinct("name")) == sorted(set(names))


def test_a_column_is_read_as_a_list_is() -> None:
    numbers, column = list(range(len(NAMES))), Column(rows_of(NAMES), "number", int)
    assert list(column) == numbers
    assert [column[number] for number in numbers] == numbers
    assert (column[-1], column[2:-1:3]) == (numbers[-1], numbers[2:-1:3])
    for beyond in (len(numbers), -len(numbers) - 1):
        with pytest.raises(IndexError):
            column[beyond]


def test_an_error_of_the_source_of_rows_is_passed_on() -> None:
    def locked() -> Iterator[tuple[str]]:
        yield ("a",)
        raise sqlite3.OperationalError("database is locked")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Rows("name").extend(locked())


@pytest.mark.parametrize(("room", "work"), [(10**6, "pass"), (15 * 10**6, "rows.sort('name')")])
def test_a_full_disk_is_a_readable_error(room: int, work: str) -> None:
    code = (
        "import resource\n"
        "from stages.images.rows import Rows\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "rows = Rows('name')\n"
        "try:\n"
        "    rows.extend((f'{number:0100}',) for number in range(10**5))\n"
        f"    {work}\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("the names of all files do not fit into a temporary file (")
