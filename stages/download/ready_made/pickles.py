"""The Python pickles that CIFAR-10 and CIFAR-100 are published as."""

from __future__ import annotations

import io
import pickle
from typing import Any


def unpickle(content: bytes) -> Any:
    """A dictionary of arrays, lists and byte strings; ValueError if it holds more than these."""
    return _SafeUnpickler(io.BytesIO(content), encoding="bytes").load()


class _SafeUnpickler(pickle.Unpickler):
    """Loads arrays, lists and strings, and nothing that could run code."""

    ALLOWED = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise ValueError(f"a batch of CIFAR does not hold {module}.{name}: not loaded")
        return super().find_class(module, name)
