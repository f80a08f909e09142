"""What was measured of images and shards, kept by their content in the user's cache folder.

Not a result but a memory: without it everything is measured again, and is the same.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple

import numpy as np

from stages.core.batches import batches
from stages.core.statistics import LEVELS
from stages.files.decode import MeasuredImage, NotAnImageError
from stages.files.fetch import cache_folder
from stages.files.members import Member

TABLES = """
CREATE TABLE IF NOT EXISTS images (
    key BLOB PRIMARY KEY, facts TEXT NOT NULL, counts BLOB
);
CREATE TABLE IF NOT EXISTS shards (
    key BLOB PRIMARY KEY, members TEXT NOT NULL
);
"""
SECONDS_TO_WAIT = 60  # for another run that writes at the same moment

# So many are looked up at once: one by one, they take more than twice the time.
BATCH_KEYS = 256

# What is kept of an image: facts as JSON and counts as bytes, none if it is not an image.
Record = tuple[str, bytes | None]


def to_record(measured: MeasuredImage | NotAnImageError) -> Record:
    if isinstance(measured, NotAnImageError):
        return json.dumps({"reason": str(measured)}), None
    counts = measured.counts
    dtype = "<u2" if counts.max() < 2**16 else "<u4"
    facts = {
        "size": measured.size,
        "converted": measured.converted,
        "dtype": dtype,
    }
    return json.dumps(facts), counts.astype(dtype).tobytes()


def from_record(record: Record) -> MeasuredImage | NotAnImageError:
    """ValueError where the record is damaged."""
    facts, counts = json.loads(record[0]), record[1]
    if counts is None:
        return NotAnImageError(facts["reason"])
    height, width = facts["size"]
    counts_CV = np.frombuffer(counts, facts["dtype"]).astype(np.int64).reshape(-1, LEVELS)
    if not (counts_CV.sum(axis=1) == height * width).all():
        raise ValueError("counts that are not those of all pixels")
    return MeasuredImage(counts_CV, (height, width), facts["converted"])


class Store:
    """Records by the content of the file and what else decides over its counts (`version`)."""

    def __init__(self, database: sqlite3.Connection, version: str) -> None:
        self._database = database
        self._version = version

    @staticmethod
    @contextmanager
    def open(version: str) -> Iterator[Store]:
        """Open or create the store; ValueError says so where its file is damaged."""
        path = cache_folder() / "measured.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(path, timeout=SECONDS_TO_WAIT)) as database:
                database.executescript(TABLES)
                yield Store(database, version)
        except sqlite3.OperationalError as error:
            raise OSError(f"{path}: cannot be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{path}: damaged ({error}); delete it: it only saves measuring again"
            ) from error

    def get(self, contents: Iterable[str]) -> Iterator[MeasuredImage | NotAnImageError]:
        """What is known of each content, in order.

        Raises ValueError where nothing is known, or the record is damaged: that is taken away, so
        that a next run mends it.
        """
        for some in batches(contents, BATCH_KEYS):
            keys = [self._key(content) for content in some]
            rows = self._of_images("key, facts, counts", keys)
            found = {key: (facts, counts) for key, facts, counts in rows}
            for key in keys:
                try:
                    measured = from_record(found[key])
                except (ValueError, KeyError, TypeError) as error:
                    raise self._without("images", key, error) from error
                yield measured

    def members(self, shard: str) -> list[Member]:
        """The images of a shard that is known, in its order; ValueError as `get` has it."""
        key = self._key(shard)
        found = self._database.execute(
            "SELECT members FROM shards WHERE key = ?", (key,)
        ).fetchone()
        try:
            return [Member(*member) for member in json.loads(found[0])]
        except (ValueError, TypeError) as error:
            raise self._without("shards", key, error) from error

    def lacks_shards(self, shards: Iterable[str]) -> Iterator[bool]:
        """Whether something of a shard is not known, of each in order."""
        for shard in shards:
            one = "SELECT 1 FROM shards WHERE key = ?"
            known = self._database.execute(one, (self._key(shard),)).fetchone()
            yield not known or any(
                self.lacks(member.content for member in self.members(shard) if not member.reason)
            )

    def lacks(self, contents: Iterable[str]) -> Iterator[bool]:
        """Whether nothing is known of the content of an image, of each in order."""
        for some in batches(contents, BATCH_KEYS):
            keys = [self._key(content) for content in some]
            known = {key for (key,) in self._of_images("key", keys)}
            yield from (key not in known for key in keys)

    def add(
        self,
        images: Iterable[tuple[str, Record]],
        shards: Iterable[tuple[str, Sequence[Member]]] = (),
    ) -> None:
        """Keep what was found, by contents: all of it or nothing."""
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO images VALUES (?, ?, ?)",
                [(self._key(content), *record) for content, record in images],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO shards VALUES (?, ?)",
                [
                    (self._key(content), json.dumps([astuple(member) for member in members]))
                    for content, members in shards
                ],
            )

    def _of_images(self, columns: str, keys: Sequence[bytes]) -> sqlite3.Cursor:
        marks = ", ".join("?" * len(keys))
        return self._database.execute(f"SELECT {columns} FROM images WHERE key IN ({marks})", keys)

    def _without(self, table: str, key: bytes, error: Exception) -> ValueError:
        """Take a damaged record away; the error that says so."""
        with self._database:
            self._database.execute(f"DELETE FROM {table} WHERE key = ?", (key,))
        return ValueError(f"the store had a damaged record ({error}); run again")

    def _key(self, content: str) -> bytes:
        return hashlib.sha256(f"{content} {self._version}".encode()).digest()[:16]
