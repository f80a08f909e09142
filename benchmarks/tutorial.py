"""The procedure of the tutorials whose constants people copy, in a process of its own:
`python -m benchmarks.tutorial`.

Every pixel of both splits under four settings, one image at a time, all of a split in memory as
float32; then, per channel, the minimum, the maximum, the mean and the std over images of each
image's own std. Prints them as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
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


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """As torchvision's CIFAR10: uint8 (N, H, W, C) in memory, a PIL image made on each access."""

    def __init__(self, images_NHWC: NDArray[np.uint8], transform: Transform) -> None:
        self.images = images_NHWC
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), 0

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        return (self[index] for index in range(len(self)))


def print_stats(dataset: ImageDataset) -> dict[str, list[float]]:
    """Minimum, maximum, mean and std over images of each image's std, per channel."""
    images_NCHW: Floats = np.array([image.numpy() for image, _ in dataset])
    # Each reduction is made anew for each channel, as the tutorials do.
    found = [
        [float(function(function(images_NCHW, axis=(2, 3))[:, channel])) for channel in range(3)]
        for function in (np.min, np.max, np.mean, np.std)
    ]
    return dict(zip(STATISTICS, found, strict=True))


def calculate_norm(dataset: ImageDataset) -> tuple[Floats, Floats]:
    """The mean over images of each image's mean and of each image's std, per channel."""
    means_NC = np.array([np.mean(image.numpy(), axis=(1, 2)) for image, _ in dataset])
    stds_NC = np.array([np.std(image.numpy(), axis=(1, 2)) for image, _ in dataset])
    return means_NC.mean(axis=0), stds_NC.mean(axis=0)


def main() -> None:
    images = {
        split: np.ascontiguousarray(np.load(images_path(split)).transpose(0, 2, 3, 1))
        for split in SPLITS
    }
    fitted = calculate_norm(ImageDataset(images["train"], ToTensor()))
    transforms: dict[str, Any] = {"to_tensor": ToTensor()}
    for name, (mean, std) in {**FIXED, "dataset_image_std": fitted}.items():
        transforms[name] = Compose([ToTensor(), Normalize(mean, std)])
    results = {
        name: {split: print_stats(ImageDataset(images[split], transform)) for split in SPLITS}
        for name, transform in transforms.items()
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main()
