"""STL-10 (Coates, Lee and Ng, 2011): its labelled images, without `unlabeled` and the folds.

C = 3 channels, H = W = 96 pixels. URL and MD5 are from torchvision 0.29.2, in
`torchvision.datasets.STL10`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stages.download.ready_made.labelled import LabelledImages, LabelledSplits
from stages.download.ready_made.official import OfficialFiles, read_members

ARCHIVE = "stl10_binary.tar.gz"
FOLDER = "stl10_binary"
CLASSES = f"{FOLDER}/class_names.txt"
FILES = {
    split: (f"{FOLDER}/{split}_X.bin", f"{FOLDER}/{split}_y.bin") for split in ("train", "test")
}


def _read(files: Mapping[str, Path]) -> LabelledSplits:
    members = read_members(files[ARCHIVE], {CLASSES, *FILES["train"], *FILES["test"]})
    splits = {
        split: _read_split(members[images], members[labels])
        for split, (images, labels) in FILES.items()
    }
    return LabelledSplits(splits, members[CLASSES].decode().splitlines())


def _read_split(images: bytes, labels: bytes) -> LabelledImages:
    # The pixels are stored column by column, and the labels start at 1.
    images_NCWH = np.frombuffer(images, np.uint8).reshape(-1, 3, 96, 96)
    return LabelledImages(
        images=np.ascontiguousarray(images_NCWH.transpose(0, 1, 3, 2)),
        labels=np.frombuffer(labels, np.uint8) - np.uint8(1),
    )


STL10 = OfficialFiles(
    title="STL-10",
    urls={"stanford": "http://ai.stanford.edu/~acoates/stl10"},
    md5={ARCHIVE: "91f7769df0f17e558f3565bffb0c7dfb"},
    most_bytes=3 * 10**9,
    read=_read,
)
