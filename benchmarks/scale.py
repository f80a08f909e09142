"""`measure` on ten times the images, in time and memory: `python -m benchmarks.scale`.

Imports nothing large: see `benchmarks.processes`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.conditions import MIB, ROOT, conditions, middle, table, verdict
from benchmarks.processes import ENVIRONMENT, Finished, run

TIMES = 10
STATISTICS_BYTES = 56  # of one image of three channels, in the result
IMAGES = Path("data/cifar10/train/images.npy")
NPY: Any = np.lib.format  # not typed in every numpy that the project runs on

# The stage as it is, with a clock started once its imports are done.
TIMED_STAGE = """
import time
from stages.measure import array_split  # which imports torch
from stages.measure.__main__ import main
start = time.perf_counter()
main("train")
print(time.perf_counter() - start, flush=True)
"""


def write_copies(source: Path, target: Path, copies: int) -> None:
    """Write an images.npy with the images of `source` as often as `copies`, in small pieces."""
    with source.open("rb") as file:
        NPY.read_magic(file)
        (images, *shape), _, dtype = NPY.read_array_header_1_0(file)
        start = file.tell()
        target.parent.mkdir(parents=True)
        header = {"descr": dtype.str, "fortran_order": False, "shape": (images * copies, *shape)}
        with target.open("wb") as copy:
            NPY.write_array_header_1_0(copy, header)
            for _ in range(copies):
                file.seek(start)
                shutil.copyfileobj(file, copy, MIB)


def measure(folder: Path) -> Finished:
    command = (sys.executable, "-c", TIMED_STAGE)
    return run(command, folder, {**ENVIRONMENT, "PYTHONPATH": str(ROOT)})


def measuring_seconds(finished: Finished) -> float:
    return float(finished.output.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(conditions() + "\n")
    with TemporaryDirectory() as temporary:
        folders = {copies: Path(temporary) / str(copies) for copies in (1, TIMES)}
        for copies, folder in folders.items():
            write_copies(ROOT / IMAGES, folder / IMAGES, copies)
            shutil.copy(ROOT / "params.yaml", folder)
            measure(folder)  # the file is in the page cache from here on
        finished: dict[int, list[Finished]] = {copies: [] for copies in folders}
        for _ in range(runs):
            for copies, folder in folders.items():
                finished[copies].append(measure(folder))
        images = {
            copies: (folder / IMAGES).stat().st_size // (3 * 32 * 32)
            for copies, folder in folders.items()
        }
    report(images, finished)


def report(images: dict[int, int], finished: dict[int, list[Finished]]) -> None:
    whole = {n: [one.seconds for one in done] for n, done in finished.items()}
    inner = {n: [measuring_seconds(one) for one in done] for n, done in finished.items()}
    peaks = {n: [one.peak_mib for one in done] for n, done in finished.items()}
    rows = [
        [f"{images[n]:,}", middle(whole[n], 2), middle(inner[n], 3), middle(peaks[n], 0)]
        for n in images
    ]
    header = ["images", "s, the whole stage", "s, without start-up and imports", "peak MiB"]
    print(table(header, rows))
    limit = 10.5
    print(verdict("time, whole stage", median(whole[TIMES]) / median(whole[1]), limit))
    print(verdict("time, without start-up", median(inner[TIMES]) / median(inner[1]), limit))
    result = (images[TIMES] - images[1]) * STATISTICS_BYTES / MIB
    print(
        f"- memory: {median(peaks[TIMES]) - median(peaks[1]):.0f} MiB more; the result itself, "
        f"{STATISTICS_BYTES} bytes an image, is {result:.0f} MiB more"
    )


if __name__ == "__main__":
    main()
