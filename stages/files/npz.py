"""Arrays as `.npz`: equal arrays as equal bytes on every machine."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.files.atomic import atomic_write


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write as `np.savez` does, but nothing is left to Python's zip library.

    What that would choose differs between its versions and systems.
    """
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, not compressed
            info.create_system = 3  # Unix, on any system
            info.file_size = array.nbytes  # about: whether the entry is one of several GB
            with archive.open(info, "w") as entry:
                np.lib.format.write_array(entry, array, version=(1, 0))
