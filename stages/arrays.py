"""A split that is one array of images, counted with torch."""

from __future__ import annotations

from math import ceil
from pathlib import Path

from tqdm import tqdm

from stages.core.measure import batch_size, measure_batches
from stages.core.statistics import SplitStatistics
from stages.device import choose_device, readable_failures
from stages.files.images import ImageFile, index_arrays
from stages.files.index import Index
from stages.files.params import Measure


def measure_arrays(split: str, folder: Path, measure: Measure) -> tuple[SplitStatistics, Index]:
    """Statistics and index of `images.npy`; ValueError or OSError say what is wrong with it."""
    index = index_arrays(folder)
    images = ImageFile.of_folder(folder)
    device = choose_device(measure.device)
    batches = measure_batches(images, measure.batch_images, device)
    total = ceil(len(images) / batch_size(images, measure.batch_images))
    with readable_failures(device):
        parts = list(tqdm(batches, desc=f"measure {split} on {device}", total=total, unit="batch"))
    return SplitStatistics.joined(parts), index
