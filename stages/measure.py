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
import torch

gc.enable()
from stages import entry
from stages.core.measure import batch_size, measure_batches
from stages.core.statistics import SPLITS, SplitStatistics
from stages.files.images import ImageFile
from stages.files.params import load_params
from stages.files.statistics import save_statistics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", choices=SPLITS)
    split = parser.parse_args().split
    params = load_params().measure
    device = choose_device(params.device)
    images = ImageFile.of_split(split)
    batches = measure_batches(images, params.batch_images, device)
    total = ceil(len(images) / batch_size(images, params.batch_images))
    try:
        parts = list(tqdm(batches, desc=f"measure {split} on {device}", total=total, unit="batch"))
    except RuntimeError as error:
        if device.type == "cpu":
            raise
        # What torch raises for a device that is busy, too old or out of memory.
        raise OSError(
            f"{device} failed: {error}; lower measure.batch_images or set measure.device to cpu "
            "in params.yaml"
        ) from error
    save_statistics(split, SplitStatistics.joined(parts))


def choose_device(name: str) -> torch.device:
    """The named device, or for `auto` the fastest that is there; ValueError if it is absent."""
    present = []
    if torch.cuda.is_available():
        present += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        present.append("mps")
    present.append("cpu")
    if name == "auto":
        name = present[0]
    if name not in present:
        raise ValueError(
            f"measure.device in params.yaml: {name!r} is not on this machine; "
            f"expected one of auto, {', '.join(present)}"
        )
    return torch.device(name)


if __name__ == "__main__":
    entry.run(main)
