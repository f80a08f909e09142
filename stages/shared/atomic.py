"""Files are written whole or not at all: nothing half-written stands under its own name."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

# A partial file that nothing wrote to for this long is from a run that was killed.
LEFTOVER_SECONDS = 3600


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; it replaces `path` when the block ends well.

    Its name is `<path>.<random>.partial`: no two runs share it, and no link can wait there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    partial = path.with_name(f"{path.name}.{token_hex(8)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)  # a failed write does not say where
        raise
    finally:
        partial.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    for partial in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):
        with suppress(FileNotFoundError):  # another run may remove it first
            if partial.lstat().st_mtime < time.time() - LEFTOVER_SECONDS:
                partial.unlink()
