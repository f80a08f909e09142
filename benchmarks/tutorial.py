"""The procedure of the tutorials whose constants people copy, in a process of its own:
`python -m benchmarks.tutorial FOLDER`, with the batches that `write_batches` put there.

It puts both splits through four settings, one image at a time, with all of a split in memory as
float32. For each channel it prints, as JSON, the minimum, the maximum, the mean, and the std over
images of each image's own std.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.datasets import CIFAR10
from torchvision.transforms import Compose, Normalize, ToTensor

from benchmarks.conditions import ROOT

Floats = NDArray[np.float32]
Transform = Callable[[Image.Image], Tensor]

SPLITS = ("train", "test")
FIXED = {
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
STATISTICS = ("min", "max", "mean", "image_std_std")


def images_path(split: str) -> Path:
    return ROOT / "data" / "cifar10" / split / "images.npy"


def write_batches(root: Path) -> None:
    """Write the images as the official batches that torchvision reads; not timed."""
    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)
    for split, batches in (("train", CIFAR10.train_list), ("test", CIFAR10.test_list)):
        images = np.load(images_path(split)).reshape(len(batches), -1, 3 * 32 * 32)
        labels = np.load(images_path(split).with_name("labels.npy")).reshape(len(batches), -1)
        for (name, _), data, classes in zip(batches, images, labels, strict=True):
            batch = {"data": data, "labels": classes.tolist()}
            (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    names = {"label_names": [str(index) for index in range(10)]}
    (folder / CIFAR10.meta["filename"]).write_bytes(pickle.dumps(names, protocol=2))


def expect_written_batches(root: Path) -> None:
    """Let torchvision expect the digests of these batches, which are other pickles of the official
    pixels."""
    folder = root / CIFAR10.base_folder
    for batches in CIFAR10.train_list, CIFAR10.test_list:
        for batch in batches:
            batch[1] = hashlib.md5((folder / batch[0]).read_bytes()).hexdigest()  # noqa: S324
    meta = folder / CIFAR10.meta["filename"]
    CIFAR10.meta["md5"] = hashlib.md5(meta.read_bytes()).hexdigest()  # noqa: S324


def print_stats(dataset: CIFAR10) -> dict[str, list[float]]:
    """Minimum, maximum, mean and std over images of each image's std, per channel."""
    images_NCHW: Floats = np.array([image.numpy() for image, _ in dataset])
    # Each reduction is repeated for each channel, as in the tutorials.
    found = [
        [float(function(function(images_NCHW, axis=(2, 3))[:, channel])) for channel in range(3)]
        for function in (np.min, np.max, np.mean, np.std)
    ]
    return dict(zip(STATISTICS, found, strict=True))


def calculate_norm(dataset: CIFAR10) -> tuple[Floats, Floats]:
    """The mean over images of each image's mean and of each image's std, per channel."""
    means_NC = np.array([np.mean(image.numpy(), axis=(1, 2)) for image, _ in dataset])
    stds_NC = np.array([np.std(image.numpy(), axis=(1, 2)) for image, _ in dataset])
    return means_NC.mean(axis=0), stds_NC.mean(axis=0)


def main() -> None:
    root = Path(sys.argv[1])
    expect_written_batches(root)

    def dataset(split: str, transform: Transform) -> CIFAR10:
        return CIFAR10(root, train=split == "train", download=True, transform=transform)

    fitted = calculate_norm(dataset("train", ToTensor()))
    transforms: dict[str, Any] = {"to_tensor": ToTensor()}
    for name, (mean, std) in {**FIXED, "dataset_image_std": fitted}.items():
        transforms[name] = Compose([ToTensor(), Normalize(mean, std)])
    results = {
        name: {split: print_stats(dataset(split, transform)) for split in SPLITS}
        for name, transform in transforms.items()
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main()
