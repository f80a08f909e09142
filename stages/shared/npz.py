"""Arrays as `.npz`: equal arrays give equal bytes on every machine."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.shared.atomic import atomic_write
from stages.shared.npy import parse_npy

# What Python's zip library raises for a changed byte, depending on the byte.
DAMAGE = (
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    LookupError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,  # NotImplementedError too
)


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write as `np.savez` does, but set all that differs between versions and systems of Python."""
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, not compressed
            info.create_system = 3  # Unix, on any system
            info.file_size = array.nbytes  # roughly: it decides whether the entry is in ZIP64
            with archive.open(info, "w") as entry:
                np.lib.format.write_array(entry, array, version=(1, 0))


def read_npz(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read arrays that `write_npz` wrote; ValueError where one is missing or damaged."""
    content = io.BytesIO(path.read_bytes())  # outside of `try`: an OSError here is not damage
    try:
        with zipfile.ZipFile(content) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("expected arrays without compression")
            # `read` checks the CRC of an array before numpy sees a byte of it.
            return {name: parse_npy(archive.read(f"{name}.npy")) for name in names}
    except DAMAGE as error:
        raise ValueError(f"{error!s:.200}") from error
