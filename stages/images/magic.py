"""Recognizes a file by its first bytes, if it is not what its name says."""

from __future__ import annotations

FIRST_BYTES = 64

# First bytes of a file, in lower case and without space before them: what it is, and what to do.
KINDS = {
    b"version https://git-lfs.github.com/spec/": "a Git LFS pointer: run `git lfs pull`",
    b"\x1f\x8b": "gzip: unpack it",
    b"bzh": "bzip2: unpack it",
    b"\xfd7zxz\0": "xz: unpack it",
    b"\x28\xb5\x2f\xfd": "zstd: unpack it",
    b"pk\x03\x04": "a zip archive: unpack it",
    b"arrow1": "an Arrow file: write it as Parquet",
    b"\xff\xff\xff\xff": "an Arrow stream: write it as Parquet",
    b"<!doctype html": "an HTML page: was the download refused?",
    b"<html": "an HTML page: was the download refused?",
}


def named_content(first_bytes: bytes) -> str | None:
    """What a file with these first bytes is, if it is known to be neither an image nor a shard."""
    start = first_bytes.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for magic, kind in KINDS.items() if start.startswith(magic)), None)
