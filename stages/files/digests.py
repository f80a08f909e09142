"""SHA-256 of what a report is about, to compare with what others publish."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from stages.files.images import ImageFile, load_labels
from stages.files.statistics import STATISTICS


@dataclass(frozen=True)
class Digests:
    """Of the pixels and the labels alone, without the header of their files; of a whole file."""

    images: str
    labels: str
    statistics: str


def digests(split: str) -> Digests:
    images = ImageFile.of_split(split)
    statistics = (STATISTICS / f"{split}.npz").read_bytes()
    return Digests(
        images=hashlib.sha256(images[0 : len(images)].data).hexdigest(),
        labels=hashlib.sha256(load_labels(split).data).hexdigest(),
        statistics=hashlib.sha256(statistics).hexdigest(),
    )
