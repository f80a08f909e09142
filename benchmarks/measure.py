"""Measuring a split in memory, against what people use: `python -m benchmarks.measure`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from benchmarks.conditions import conditions, in_turns, middle, table
from benchmarks.tutorial import Transform, images_path
from stages.measure.counting import measure_batches
from stages.shared.names import LEVELS
from stages.statistics.integers import SplitStatistics
from stages.statistics.summary import summarize

BATCH_IMAGES = 4096
CHANNELS = 3
COPY = "copy (np.copyto, one thread)"
OURS = "**normstats**"

Bytes = NDArray[np.uint8]
# What a way finds per channel, in pixel fractions: "mean", "std" over pixels, "image_std_mean".
Findings = dict[str, NDArray[np.float64]]


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


@dataclass(frozen=True)
class Way:
    """`measure` is timed; `findings` reads the mean and the std off what it returns."""

    measure: Callable[[], Any]
    findings: Callable[[Any], Findings]


def ours(images_NCHW: Bytes) -> SplitStatistics:
    batches = measure_batches(images_NCHW, BATCH_IMAGES, torch.device("cpu"))
    return SplitStatistics.joined(list(batches))


def our_findings(measured: SplitStatistics) -> Findings:
    channels = summarize(measured).channels
    names = ("mean", "std", "image_std_mean")
    return {name: np.array([getattr(channel, name) for channel in channels]) for name in names}


def tutorial(dataset: ImageDataset) -> Findings:
    """All images in one float32 array, and numpy."""
    images_NCHW = torch.stack([image for image, _ in dataset]).numpy()
    return {
        "mean": images_NCHW.mean(axis=(0, 2, 3)),
        "std": images_NCHW.std(axis=(0, 2, 3)),
        "image_std_mean": images_NCHW.std(axis=(2, 3)).mean(axis=0),
    }


def data_loader(dataset: ImageDataset, workers: int) -> Findings:
    """Running sums in float64. It finds only the mean and the std."""
    pixels = 0
    sums_C, squares_C = torch.zeros(2, CHANNELS, dtype=torch.float64)
    for images_NCHW, _ in DataLoader(dataset, BATCH_IMAGES, num_workers=workers):
        images = images_NCHW.double()
        pixels += images.numel() // CHANNELS
        sums_C += images.sum((0, 2, 3))
        squares_C += images.square().sum((0, 2, 3))
    mean_C = sums_C / pixels
    return {"mean": mean_C.numpy(), "std": (squares_C / pixels - mean_C.square()).sqrt().numpy()}


def opencv(images_NHWC: Bytes, planes: Sequence[Bytes], channels: list[int]) -> tuple[Any, Any]:
    """A histogram per channel, from whichever layout `planes` are in; meanStdDev per image."""
    return histograms(planes, channels), [cv2.meanStdDev(image) for image in images_NHWC]


def opencv_findings(measured: tuple[Any, Any]) -> Findings:
    histograms, by_image = measured
    stds_NC = np.array(by_image).reshape(len(by_image), 2, CHANNELS)[:, 1] / 255
    return {**moments(histograms), "image_std_mean": stds_NC.mean(axis=0)}


def opencv_reduce(rows: Bytes, planes: Sequence[Bytes]) -> tuple[Any, Any, Any]:
    """As `opencv`, but one call for the sums of all images instead of one for each."""
    sums = cv2.reduce(rows, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    squares = cv2.reduce(rows, 1, cv2.REDUCE_SUM2, dtype=cv2.CV_32S)
    return histograms(planes, [0] * len(planes)), sums, squares


def opencv_reduce_findings(measured: tuple[Any, Any, Any], pixels: int) -> Findings:
    histograms, sums, squares = measured
    stds = np.sqrt(squares / pixels - (sums / pixels) ** 2).reshape(-1, CHANNELS) / 255
    return {**moments(histograms), "image_std_mean": stds.mean(axis=0)}


def histograms(planes: Sequence[Bytes], channels: list[int]) -> list[Any]:
    return [
        cv2.calcHist([plane], [channel], None, [LEVELS], [0, LEVELS])
        for plane, channel in zip(planes, channels, strict=True)
    ]


def moments(histograms: list[Any]) -> Findings:
    counts_CV = np.array(histograms, dtype=np.float64).reshape(-1, LEVELS)
    levels_V = np.arange(LEVELS) / 255
    pixels_C = counts_CV.sum(axis=1)
    mean_C = counts_CV @ levels_V / pixels_C
    return {"mean": mean_C, "std": np.sqrt(counts_CV @ levels_V**2 / pixels_C - mean_C**2)}


def ways(images_NCHW: Bytes) -> dict[str, Way]:
    """Each way, with the images in the layout that suits it best, made before the clock starts."""
    images, channels, height, width = images_NCHW.shape
    pixels = height * width
    images_NHWC = np.ascontiguousarray(images_NCHW.transpose(0, 2, 3, 1))
    dataset = ImageDataset(images_NHWC, ToTensor())
    interleaved = [images_NHWC.reshape(images, pixels, channels)] * channels
    planes_CNP = images_NCHW.reshape(images, channels, pixels).transpose(1, 0, 2)
    planes = list(np.ascontiguousarray(planes_CNP))
    rows = images_NCHW.reshape(images * channels, pixels)
    return {
        OURS: Way(partial(ours, images_NCHW), our_findings),
        "tutorial: ToTensor, torch.stack, numpy": Way(partial(tutorial, dataset), dict),
        "DataLoader, running sums, in process": Way(partial(data_loader, dataset, 0), dict),
        "DataLoader, running sums, 2 workers": Way(partial(data_loader, dataset, 2), dict),
        "OpenCV: calcHist (interleaved), meanStdDev": Way(
            partial(opencv, images_NHWC, interleaved, [0, 1, 2]), opencv_findings
        ),
        "OpenCV: calcHist (planar), meanStdDev": Way(
            partial(opencv, images_NHWC, planes, [0, 0, 0]), opencv_findings
        ),
        "OpenCV: calcHist (planar), reduce": Way(
            partial(opencv_reduce, rows, planes), partial(opencv_reduce_findings, pixels=pixels)
        ),
    }


def check_agreement(compared: dict[str, Way]) -> None:
    """Check that all find the same. This is also the first run of each, which is not timed."""
    expected = our_findings(compared[OURS].measure())
    for name, way in compared.items():
        for key, values in way.findings(way.measure()).items():
            # Some add up in float32.
            np.testing.assert_allclose(values, expected[key], rtol=2e-5, err_msg=f"{name}: {key}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    print(conditions() + "\n")
    images_NCHW: Bytes = np.load(images_path("train"))
    copy = partial(np.copyto, np.empty_like(images_NCHW), images_NCHW)
    compared = ways(images_NCHW)
    check_agreement(compared)
    copy()
    seconds = in_turns(runs, {COPY: copy, **{name: way.measure for name, way in compared.items()}})
    medians = {name: median(values) for name, values in seconds.items()}
    rows = [
        [
            name,
            middle([1000 * value for value in seconds[name]]),
            f"{images_NCHW.nbytes / medians[name] / 1e9:.2f}",
            f"{medians[COPY] / medians[name]:.1%}",
            f"{medians[name] / medians[OURS]:.2f}",
        ]
        for name in sorted(medians, key=medians.__getitem__)
    ]
    print(table(["way", "ms", "GB/s", "of copy speed", "time / ours"], rows))
    print(f"- threads: torch {torch.get_num_threads()}, OpenCV {cv2.getNumThreads()}")
    print(f"- fastest: {min(compared, key=medians.__getitem__)}")


if __name__ == "__main__":
    main()
