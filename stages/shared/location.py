"""Where images are: on this machine, or at a URL of a filesystem that fsspec knows."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from upath import UPath

Location: TypeAlias = "Path | UPath"

# Filesystems that DVC watches for changes and fsspec reads, by the same name; a test compares.
SCHEMES = ("gdrive", "gs", "hdfs", "http", "https", "oss", "s3", "ssh", "webdav", "webhdfs")


def check_root(root: str) -> str:
    """Return the root; ValueError if DVC would take it differently from a stage, or not at all."""
    scheme, is_url, path = root.partition("://")
    if root.startswith("~"):
        raise ValueError(
            f"expected a path or a URL, found {root!r}: DVC takes ~ for the name of a folder; "
            "write the path in full"
        )
    if is_url and scheme == "file":
        raise ValueError(f"expected a path or a URL of a server, found {root!r}: write {path}")
    if scheme not in SCHEMES if is_url else urlsplit(root).scheme:
        raise ValueError(
            f"expected a path, or a URL of {', '.join(f'{known}://' for known in SCHEMES)}, found "
            f"{root!r}, which DVC cannot depend on"
        )
    return root


def locate(root: str, folder: str) -> Location:
    """A folder in a root, which is a path or a URL such as s3://bucket/photos."""
    if "://" not in root:
        return Path(root, folder)
    from upath import UPath  # imported here: it is slow, and few runs need it

    return UPath(root) / folder


def open_file(path: Location) -> BinaryIO:
    """Open a file of this machine; OSError for a pipe and the like, which might never end."""
    file = os.fdopen(os.open(str(path), os.O_RDONLY | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no file: a pipe or the like", str(path))
    return file


def read_file(path: Path) -> bytes:
    """The content of a file; OSError as in `open_file`."""
    with open_file(path) as file:
        return file.read()


@contextmanager
def readable_url_errors(url: UPath) -> Iterator[None]:
    """Turn what a filesystem raises, or its missing package, into an OSError with the URL.

    The errors of the filesystems have only Exception in common.
    """
    try:
        yield
    except FileNotFoundError as error:
        missing = errno.ENOENT
        raise FileNotFoundError(missing, os.strerror(missing), str(url)) from error
    except Exception as error:
        raise OSError(f"{url}: cannot be read: {error}") from error
