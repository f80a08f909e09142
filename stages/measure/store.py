"""Keeps what was measured of images and shards, by their content, in the user's cache folder.

It saves time and changes no result: without it, everything is measured again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from functools import partial

import numpy as np

from stages.images.decode import MeasuredImage, NotAnImageError
from stages.images.members import Member
from stages.shared.batches import batches
from stages.shared.cache import cache_folder
from stages.shared.names import LEVELS
from stages.shared.preparation import MAX_PIXELS

# A record that does not agree with its digest, as after an error of the disk, is not known.
COLUMNS = "(key BLOB PRIMARY KEY, record BLOB NOT NULL, digest BLOB NOT NULL)"
TABLES = {name: f"CREATE TABLE {name} {COLUMNS}" for name in ("images", "shards")}

SECONDS_TO_WAIT = 60  # for another run that is writing
BATCH_KEYS = 256  # in one query: one by one takes more than twice the time

# An image as a line of JSON, then its counts; there are no counts if it cannot be measured.
Record = bytes

UNKNOWN = "was not measured, or is no longer kept; run `dvc repro measure`"


class DamagedStoreError(ValueError):
    """The store could not be read and was removed: what it knew will be measured again."""


def to_record(measured: MeasuredImage | NotAnImageError) -> Record:
    if isinstance(measured, NotAnImageError):
        return _line({"reason": str(measured), "limits": measured.limits})
    counts = measured.counts
    dtype = "<u2" if counts.max() < 2**16 else "<u4"
    facts = {
        "size": measured.size,
        "converted": measured.converted,
        "dtype": dtype,
        "limits": measured.limits,
    }
    return _line(facts) + counts.astype(dtype).tobytes()


def holds(record: Record, max_pixels: int) -> bool:
    """Whether measuring the image with this limit would give the same record."""
    # Records without limits are older than `dataset.max_pixels`.
    least, most = json.loads(record.partition(b"\n")[0]).get("limits", (MAX_PIXELS, MAX_PIXELS))
    return bool(least <= max_pixels <= most)


def from_record(record: Record) -> MeasuredImage | NotAnImageError:
    line, _, counts = record.partition(b"\n")
    facts = json.loads(line)
    if "reason" in facts:
        return NotAnImageError(facts["reason"])
    height, width = facts["size"]
    counts_CV = np.frombuffer(counts, facts["dtype"]).astype(np.int64).reshape(-1, LEVELS)
    return MeasuredImage(counts_CV, (height, width), facts["converted"])


class Store:
    """Records by the content of a file, and by `version`: all else that its counts depend on.

    A record that another limit of pixels would change is not known.
    """

    def __init__(self, database: sqlite3.Connection, version: str, max_pixels: int) -> None:
        self._database = database
        self._version = version
        self._max_pixels = max_pixels

    @staticmethod
    @contextmanager
    def open(version: str, max_pixels: int = MAX_PIXELS) -> Iterator[Store]:
        """Open or create the store; DamagedStoreError if it cannot be read."""
        path = cache_folder() / "measured.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(path, timeout=SECONDS_TO_WAIT)) as database:
                _create_tables(database)
                yield Store(database, version, max_pixels)
        except sqlite3.OperationalError as error:
            raise OSError(
                f"{path}: cannot be used ({error}); mend that or delete the file"
            ) from error
        except sqlite3.DatabaseError as error:
            path.unlink(missing_ok=True)
            raise DamagedStoreError(
                f"{path}: removed, as it cannot be read ({error}); all is measured again"
            ) from error

    def get(self, contents: Iterable[str]) -> Iterator[MeasuredImage | NotAnImageError]:
        """What is known of each content, in order; ValueError for one that is not known."""
        for some in batches(contents, BATCH_KEYS):
            keys = [self._key(content) for content in some]
            found = self._known("images", keys)
            for key in keys:
                if key not in found:
                    raise ValueError(f"an image {UNKNOWN}")
                yield from_record(found[key])

    def members(self, shard: str) -> list[Member]:
        """The images of a shard, in its order; ValueError if it is not known."""
        members = self._members(shard)
        if members is None:
            raise ValueError(f"a shard {UNKNOWN}")
        return members

    def lacks_shards(self, shards: Iterable[str]) -> Iterator[bool]:
        """For each shard, in order, whether it or one of its images is not known."""
        for shard in shards:
            members = self._members(shard)
            yield members is None or any(
                self.lacks(member.content for member in members if not member.reason)
            )

    def lacks(self, contents: Iterable[str]) -> Iterator[bool]:
        """For each content of an image, in order, whether it is not known."""
        for some in batches(contents, BATCH_KEYS):
            keys = [self._key(content) for content in some]
            known = self._known("images", keys)
            yield from (key not in known for key in keys)

    def add(
        self,
        images: Iterable[tuple[str, Record]],
        shards: Iterable[tuple[str, Sequence[Member]]] = (),
    ) -> None:
        """Keep records of images and lists of shards, by contents: all of them or none."""
        lists = (
            (shard, _line([astuple(member) for member in members])) for shard, members in shards
        )
        with self._database:
            for table, records in ("images", images), ("shards", lists):
                keyed = [(self._key(content), record) for content, record in records]
                self._database.executemany(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
                    [(key, record, _digest(key, record)) for key, record in keyed],
                )

    def _members(self, shard: str) -> list[Member] | None:
        key = self._key(shard)
        record = self._known("shards", [key]).get(key)
        return None if record is None else [Member(*member) for member in json.loads(record)]

    def _known(self, table: str, keys: Sequence[bytes]) -> dict[bytes, Record]:
        """The records that are there, undamaged and valid for this limit of pixels."""
        marks = ", ".join("?" * len(keys))
        rows = self._database.execute(f"SELECT * FROM {table} WHERE key IN ({marks})", keys)
        return {
            key: record
            for key, record, digest in rows
            if isinstance(record, bytes) and digest == _digest(key, record)
            if table == "shards" or holds(record, self._max_pixels)
        }

    def _key(self, content: str) -> bytes:
        return hashlib.sha256(f"{content} {self._version}".encode()).digest()[:16]


def _create_tables(database: sqlite3.Connection) -> None:
    # So that damaged text is no error.
    database.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        for name in TABLES:
            database.execute(f"CREATE TABLE IF NOT EXISTS {name} {COLUMNS}")
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        if dict(found) != TABLES:
            raise sqlite3.DatabaseError("it has other tables")
    except UnicodeDecodeError as error:
        raise sqlite3.DatabaseError("its tables have damaged names") from error


def _line(content: object) -> bytes:
    return f"{json.dumps(content)}\n".encode()


def _digest(key: bytes, record: Record) -> bytes:
    return hashlib.sha256(key + record).digest()[:16]
