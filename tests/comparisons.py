"""Small labelled splits of random images, and the report of their comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from stages.compare.reweigh import ArrayCounts
from stages.compare.splits import Split, compare
from stages.measure.counting import measure_batch
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
TRAIN, TEST = random_images(60, seed=0), random_images(24, seed=1)


def split(images: Array, labels: Array | None = None) -> Split:
    """Without labels given, they are 0, 1, 2, 0, 1, ..."""
    if labels is None:
        labels = np.arange(len(images), dtype=np.uint8) % 3
    return Split(ArrayCounts(images), labels, measure_batch(images, CPU))


def compared(
    train: Split, test: Split, seed: int = 0, device: torch.device = CPU
) -> dict[str, Any]:
    return compare(train, test, 99, seed, device, "class {}".format)


def numbers(content: Any) -> Iterator[Any]:
    """All values in a report, at any depth."""
    if isinstance(content, dict):
        for value in content.values():
            yield from numbers(value)
    else:
        yield content
