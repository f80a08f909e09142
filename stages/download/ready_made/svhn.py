"""SVHN, Street View House Numbers (Netzer et al., 2011), cropped to digits; `extra` is left out.

C = 3 channels, H = W = 32 pixels. URLs and MD5s are from torchvision 0.29.2, in
`torchvision.datasets.SVHN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stages.download.ready_made.labelled import LabelledImages, LabelledSplits
from stages.download.ready_made.official import OfficialFiles


def _read(files: Mapping[str, Path]) -> LabelledSplits:
    splits = {split: _read_split(files[f"{split}_32x32.mat"]) for split in ("train", "test")}
    return LabelledSplits(splits, classes=list("0123456789"))


def _read_split(path: Path) -> LabelledImages:
    from scipy.io import loadmat  # imported here, as only SVHN needs scipy

    content = loadmat(path)
    images_HWCN, labels = content["X"], content["y"]
    return LabelledImages(
        images=np.ascontiguousarray(images_HWCN.transpose(3, 2, 0, 1)),
        labels=(labels.ravel() % 10).astype(np.uint8),  # the digit 0 has the label 10
    )


SVHN = OfficialFiles(
    title="SVHN",
    urls={"stanford": "http://ufldl.stanford.edu/housenumbers"},
    md5={
        "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
        "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
    },
    most_bytes=2 * 10**8,
    read=_read,
)
