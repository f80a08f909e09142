"""CIFAR-100 (Krizhevsky, 2009) with its 100 fine classes; its 20 coarse ones are left out.

C = 3 channels, H = W = 32 pixels. URL and MD5 are from torchvision 0.29.2, in
`torchvision.datasets.CIFAR100`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stages.download.ready_made.labelled import LabelledImages, LabelledSplits
from stages.download.ready_made.official import OfficialFiles, read_members
from stages.download.ready_made.pickles import unpickle

ARCHIVE = "cifar-100-python.tar.gz"
TRAIN, TEST, META = (f"cifar-100-python/{name}" for name in ("train", "test", "meta"))


def _read(files: Mapping[str, Path]) -> LabelledSplits:
    members = read_members(files[ARCHIVE], {TRAIN, TEST, META})
    names = unpickle(members[META])[b"fine_label_names"]
    return LabelledSplits(
        splits={"train": _read_batch(members[TRAIN]), "test": _read_batch(members[TEST])},
        classes=[name.decode() for name in names],
    )


def _read_batch(content: bytes) -> LabelledImages:
    batch = unpickle(content)
    return LabelledImages(
        images=np.ascontiguousarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32),
        labels=np.array(batch[b"fine_labels"], np.uint8),
    )


CIFAR100 = OfficialFiles(
    title="CIFAR-100",
    urls={"toronto": "https://www.cs.toronto.edu/~kriz"},
    md5={ARCHIVE: "eb9058c3a382ffc7106e4002c42a8d85"},
    most_bytes=2 * 10**8,
    read=_read,
)
