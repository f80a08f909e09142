"""`.npy` files of any origin: a header is trusted only if the file is as long as it says."""

from __future__ import annotations

import io
import math
import os
import tokenize
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.shared.location import open_file

# What numpy raises for a header with a changed byte, depending on the byte.
DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class _Header(NamedTuple):
    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]


def map_npy(path: Path, mode: Literal["r", "c"] = "r") -> NDArray[Any]:
    """The array of a file, left on disk; ValueError where it is not whole.

    It maps the open file and not its name, which may lead to another file after the check.
    """
    with open_file(path) as file:
        header = _check_size(file)
        order: Literal["F", "C"] = "F" if header.is_fortran else "C"
        offset = file.tell()
        return np.memmap(file, header.dtype, mode, offset, header.shape, order)


def parse_npy(content: bytes) -> NDArray[Any]:
    """The array of a file's content; ValueError where it is not whole."""
    file = io.BytesIO(content)
    _check_size(file)
    file.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _check_size(file: BinaryIO) -> _Header:
    """Read the header; ValueError where the file is not as long as the header says.

    numpy does not check that: it allocates as much memory, and divides by the size of an item.
    """
    try:
        header = _Header(*HEADERS[np.lib.format.read_magic(file)](file))
        shape, dtype, start = header.shape, header.dtype, file.tell()
        expected = start + math.prod(shape) * dtype.itemsize
    except DAMAGE as error:
        raise ValueError(f"not the header of an .npy file: {error!s:.200}") from error
    size = file.seek(0, os.SEEK_END)
    if size != expected or not dtype.itemsize or dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError(f"expected {expected} bytes of {dtype!s:.80}, found {size}")
    file.seek(start)
    return header
