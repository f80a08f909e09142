"""Measure a split's integer statistics: `python -m stages.measure train`."""
# ruff: noqa: E402

from __future__ import annotations

import argparse
import gc
from math import ceil

from tqdm import tqdm

# Importing torch makes so many objects that collections of garbage, of which there is none, take
# a quarter of a second of it.
gc.disable()
import torch  # noqa: F401

gc.enable()
from stages import entry
from stages.core.measure import batch_size, measure_batches
from stages.core.statistics import SPLITS, SplitStatistics
from stages.device import choose_device, readable_failures
from stages.files.images import ImageFile, index_arrays
from stages.files.index import save_index
from stages.files.params import Measure, load_params
from stages.files.statistics import save_statistics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", choices=SPLITS)
    split = parser.parse_args().split
    params = load_params()
    folder = params.dataset.folder(split)
    index = index_arrays(folder)
    save_statistics(split, measure_array(split, ImageFile.of_folder(folder), params.measure))
    save_index(split, index)


def measure_array(split: str, images: ImageFile, measure: Measure) -> SplitStatistics:
    device = choose_device(measure.device)
    batches = measure_batches(images, measure.batch_images, device)
    total = ceil(len(images) / batch_size(images, measure.batch_images))
    with readable_failures(device):
        parts = list(tqdm(batches, desc=f"measure {split} on {device}", total=total, unit="batch"))
    return SplitStatistics.joined(parts)


if __name__ == "__main__":
    entry.run(main)
