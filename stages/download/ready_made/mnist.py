"""MNIST (LeCun, Cortes and Burges, 1998), Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017).

C = 1 channel, H = W = 28 pixels. URLs and MD5s are from torchvision 0.29.2, in
`torchvision.datasets.MNIST` and `FashionMNIST`, except for two URLs: `google` is the mirror that
TensorFlow Datasets takes MNIST from, and `github` is the repository of Fashion-MNIST's authors.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.download.ready_made.labelled import LabelledImages, LabelledSplits
from stages.download.ready_made.official import OfficialFiles


def _read(files: Mapping[str, Path], classes: Sequence[str]) -> LabelledSplits:
    splits = {
        split: LabelledImages(
            images=_read_idx(files[f"{prefix}-images-idx3-ubyte.gz"])[:, np.newaxis],
            labels=_read_idx(files[f"{prefix}-labels-idx1-ubyte.gz"]),
        )
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }
    return LabelledSplits(splits, classes)


def _read_idx(path: Path) -> NDArray[np.uint8]:
    # Two zeros, the type (8 is uint8), the number of dimensions, their lengths, the values.
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


MNIST = OfficialFiles(
    title="MNIST",
    urls={
        "pytorch": "https://ossci-datasets.s3.amazonaws.com/mnist",
        "google": "https://storage.googleapis.com/cvdf-datasets/mnist",
        "lecun": "http://yann.lecun.com/exdb/mnist",
    },
    md5={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    most_bytes=3 * 10**7,
    read=partial(_read, classes=list("0123456789")),
)

FASHION_MNIST = OfficialFiles(
    title="Fashion-MNIST",
    urls={
        "zalando": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "github": "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    },
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    most_bytes=3 * 10**7,
    read=partial(
        _read,
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
)
