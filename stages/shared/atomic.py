"""Files that are complete or absent: nothing half-written ever stands under its own name."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

# So long after it was written to last, a partial file is taken for that of a run that was killed.
LEFT_SECONDS = 3600


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; it replaces `path` when the block ends well.

    Its name, `<path>.<random>.partial`, is new: no two runs share it, and no link has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(path)
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


def _remove_left(path: Path) -> None:
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):
        with suppress(FileNotFoundError):  # another run removes it too
            if left.lstat().st_mtime < time.time() - LEFT_SECONDS:
                left.unlink()
