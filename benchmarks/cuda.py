"""A GPU against the CPU and against copying alone: `python -m benchmarks.cuda`.

Runs with torch (2.11 or newer) and numpy alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.conditions import conditions, in_turns, middle, table, verdict
from stages.compare.reweigh import ArrayCounts, weighted_histograms
from stages.measure.counting import measure_batches
from stages.statistics.integers import FIELDS, SplitStatistics

WARM_UPS = 10  # passes take streams from a pool of 32, and each gets its memory at its first use
CPU = torch.device("cpu")

Bytes = NDArray[np.uint8]


def measure(images_NCHW: Bytes, batch_images: int, device: torch.device) -> SplitStatistics:
    return SplitStatistics.joined(list(measure_batches(images_NCHW, batch_images, device)))


def copy(images_NCHW: Bytes, device: torch.device) -> None:
    torch.from_numpy(images_NCHW).to(device, copy=True)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def check_bytes(images_NCHW: Bytes, batch_images: int, device: torch.device) -> None:
    expected = measure(images_NCHW, batch_images, CPU)
    found = measure(images_NCHW, batch_images, device)
    for field in FIELDS:
        assert getattr(found, field).tobytes() == getattr(expected, field).tobytes(), field


def check_weighted(images_NCHW: Bytes, device: torch.device) -> float:
    """Check the matrix product of `compare` against the CPU; its seconds on the device."""
    random = np.random.default_rng(1)
    weights_RN = random.integers(0, 2, (2000, len(images_NCHW)), dtype=np.uint8)
    expected = weighted_histograms(ArrayCounts(images_NCHW), weights_RN, CPU)
    start = time.perf_counter()
    found = weighted_histograms(ArrayCounts(images_NCHW), weights_RN, device)
    seconds = time.perf_counter() - start
    assert found.tobytes() == expected.tobytes()
    return seconds


def describe(device: torch.device) -> str:
    if device.type != "cuda":
        return f"- device: {device}, to try the script out; its ratios mean nothing"
    query = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    driver = subprocess.run(query, check=True, text=True, stdout=subprocess.PIPE).stdout.split()[0]
    return (
        f"- device: {torch.cuda.get_device_name(device)}, driver {driver}, "
        f"CUDA {torch.version.cuda}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--device", type=torch.device, default=torch.device("cuda"))
    parser.add_argument("--images", type=int, default=50_000, help="how many random ones")
    parser.add_argument("--npy", type=Path, help="an images.npy to take instead of random ones")
    parser.add_argument("--batch-images", type=int, default=4096)
    options = parser.parse_args()
    device, batch_images = options.device, options.batch_images
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("no CUDA device here; `--device cpu` tries the script out without one")
    print(conditions())
    print(describe(device))

    pageable: Bytes
    if options.npy:
        pageable = np.load(options.npy)
    else:
        random = np.random.default_rng(0)
        pageable = random.integers(0, 256, (options.images, 3, 32, 32), dtype=np.uint8)
    memories = {"pageable": pageable}
    if device.type == "cuda":
        memories["pinned"] = torch.from_numpy(pageable).pin_memory().numpy()

    sides: dict[str, Callable[[], object]] = {}
    for name, images_NCHW in memories.items():
        check_bytes(images_NCHW, batch_images, device)
        sides[f"copy, {name}"] = partial(copy, images_NCHW, device)
        sides[f"measure, {name}"] = partial(measure, images_NCHW, batch_images, device)
    print("- statistics: equal to the CPU's byte for byte\n")

    in_turns(WARM_UPS, sides)
    seconds = in_turns(options.runs, sides)
    rows = [
        [
            name,
            middle([1000 * value for value in values], 2),
            f"{pageable.nbytes / median(values) / 1e9:.1f}",
        ]
        for name, values in seconds.items()
    ]
    print(table([f"{len(pageable):,} images, {batch_images} a batch", "ms", "GB/s"], rows))
    for name in memories:
        ratio = median(seconds[f"measure, {name}"]) / median(seconds[f"copy, {name}"])
        print(verdict(f"{name}: a pass, of the copy's time", ratio, 1.25))
    seconds_weighted = check_weighted(pageable, device)
    print(f"- histograms of 2,000 reweighted splits: equal to the CPU's, {seconds_weighted:.2f} s")


if __name__ == "__main__":
    main()
