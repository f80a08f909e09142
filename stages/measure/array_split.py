"""A split that is one array of images, counted with torch."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tqdm import tqdm

from stages.images.arrays import ImageFile, index_arrays
from stages.images.index import Index
from stages.images.listing import Listing, check_unchanged, walk
from stages.measure.counting import batch_size, measure_batch, measure_batches
from stages.measure.device import choose_device, readable_device_errors
from stages.measure.engine import Engine, engine_of
from stages.shared.params import Measure
from stages.statistics.integers import SplitStatistics


@dataclass(frozen=True)
class Range:
    """Images of an array for a worker to measure in one go, on a device of its machine."""

    images: ImageFile
    start: int
    stop: int
    device: str

    def __str__(self) -> str:
        return f"images {self.start} to {self.stop - 1} of {self.images.path}"


def measure_arrays(split: str, folder: Path, measure: Measure) -> tuple[SplitStatistics, Index]:
    """Statistics and index of `images.npy`; ValueError or OSError say what is wrong with it."""
    listed = Listing(folder, walk(folder))
    index = index_arrays(folder)
    statistics = measure_images(split, ImageFile.of_folder(folder), measure)
    check_unchanged(listed)
    return statistics, index


def measure_images(split: str, images: ImageFile, measure: Measure) -> SplitStatistics:
    if measure.engine == "ray":
        workers = engine_of(measure, gpus=int(measure.device == "cuda"))
        return measure_ranges(split, images, measure, workers)
    device = choose_device(measure.device)
    batches = measure_batches(images, measure.batch_images, device)
    total = ceil(len(images) / batch_size(images, measure.batch_images))
    with readable_device_errors(device):
        parts = list(tqdm(batches, desc=f"measure {split} on {device}", total=total, unit="batch"))
    return SplitStatistics.joined(parts)


def measure_ranges(
    split: str, images: ImageFile, measure: Measure, engine: Engine
) -> SplitStatistics:
    """The same statistics from workers on other machines, which must all see the file."""
    if measure.device not in ("auto", "cpu", "cuda"):
        raise ValueError(
            "measure.device in params.yaml: with Ray, which picks the devices, expected cuda for "
            f"GPUs, or auto or cpu for CPUs, found {measure.device!r}"
        )
    device = "cuda" if measure.device == "cuda" else "cpu"
    step = batch_size(images, measure.batch_images)
    ranges = [
        Range(images, start, min(start + step, len(images)), device)
        for start in range(0, len(images), step)
    ]
    parts = engine(measure_range, ranges)
    by_start = dict(tqdm(parts, desc=f"measure {split}", total=len(ranges), unit="batch"))
    return SplitStatistics.joined([by_start[part.start] for part in ranges])


def measure_range(part: Range) -> tuple[int, SplitStatistics]:
    """The start of a range and its statistics; the start is needed as results come in any order."""
    device = choose_device(part.device)
    with readable_device_errors(device):
        return part.start, measure_batch(part.images[part.start : part.stop], device)
