"""Files that are neither images nor shards are named; the usual tools write them here."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from stages.images.magic import FIRST_BYTES, named_content
from tests.shards import WRITE, members, write_photos

# As `git lfs` writes it: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
POINTER = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345
"""


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", b"")
    return file.getvalue()


def arrow(write: Callable[[io.BytesIO, pa.Schema], pa.RecordBatchWriter]) -> bytes:
    file, table = io.BytesIO(), pa.table({"image": [b"a"]})
    with write(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


CONTENTS = {
    "a Git LFS pointer": POINTER,
    "gzip": gzip.compress(b"a"),
    "bzip2": bz2.compress(b"a"),
    "xz": lzma.compress(b"a"),
    "zstd": pa.compress(b"a", "zstd", asbytes=True),
    "a zip archive": zipped(),
    "an Arrow file": arrow(pa.ipc.new_file),
    "an Arrow stream": arrow(pa.ipc.new_stream),  # what `datasets` keeps in its cache
    "an HTML page": b"\n<!DOCTYPE html><html>Sign in</html>",
}


@pytest.mark.parametrize("form", ["tar", "parquet"])
@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_is_no_shard_is_called_by_what_it_is(
    tmp_path: Path, form: str, name: str
) -> None:
    path = tmp_path / f"0.{form}"
    path.write_bytes(CONTENTS[name])
    with pytest.raises(OSError, match=rf"0\.{form}: cannot be read as a shard: it is {name}: "):
        members(path)


def test_images_and_shards_are_not_taken_for_these(tmp_path: Path) -> None:
    for form, write in WRITE.items():
        write(tmp_path / form, write_photos(2))
    contents = [(tmp_path / form).read_bytes() for form in WRITE]
    contents += [photo.data for photo in write_photos(5)]
    assert [named_content(content[:FIRST_BYTES]) for content in contents] == [None] * len(contents)
