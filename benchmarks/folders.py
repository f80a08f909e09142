"""A folder of JPEGs against what people use for one: `python -m benchmarks.folders`."""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import ToTensor

from benchmarks.conditions import ROOT, conditions, in_turns, middle, table, verdict
from benchmarks.jpegs import write_jpegs
from benchmarks.million import PARAMS
from benchmarks.processes import ENVIRONMENT, run
from stages.images.judge import list_folder
from stages.measure.store import from_record
from stages.measure.work import Task, measure_task
from stages.shared.names import LEVELS
from stages.shared.preparation import Preparation

DECODE = "Pillow decodes, nothing else"
OURS = "**normstats**: a worker"
OPENCV = "OpenCV: imread, calcHist, meanStdDev"
WHYLOGS = "whylogs: log_image"
LOADER = "ImageFolder, DataLoader, running sums"

# In an environment of its own, as whylogs 1.6.4 runs with numpy 1 only. A line starts a run.
WHYLOGS_PROCESS = """
import sys
from pathlib import Path
from PIL import Image
from whylogs.extras.image_metric import log_image
paths = sorted(Path(sys.argv[1]).rglob("*.jpg"))
for line in sys.stdin:
    for path in paths:
        log_image(Image.open(path))
    print("done", flush=True)
"""

AS_IS = Preparation()

# The most that our own arithmetic may add to decoding alone, as a share.
MOST_ADDED = 0.1

Way = Callable[[], tuple[float, float]]  # the mean and the std of red, in pixel fractions


def decode(paths: Sequence[Path]) -> None:
    for path in paths:
        Image.open(io.BytesIO(path.read_bytes())).load()  # faster than from the path


def worker(task: Task) -> tuple[float, float]:
    """The sum of what one of our processes finds."""
    counts_V = np.zeros(LEVELS, dtype=np.int64)
    for record in measure_task(task).images.values():
        counts_V += from_record(record).counts[0]  # type: ignore[union-attr]
    return moments(counts_V)


def opencv(paths: Sequence[Path]) -> tuple[float, float]:
    counts_V = np.zeros(LEVELS)
    for path in paths:
        image = cv2.imread(str(path))
        assert image is not None
        cv2.meanStdDev(image)
        of_channels = [cv2.calcHist([image], [c], None, [LEVELS], [0, LEVELS]) for c in range(3)]
        counts_V += of_channels[2].ravel()  # blue comes first
    return moments(counts_V)


@contextmanager
def whylogs(python: str, folder: Path) -> Iterator[Callable[[], None]]:
    command = [python, "-c", WHYLOGS_PROCESS, str(folder)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answer = process.stdin, process.stdout

        def log_all() -> None:
            print("go", file=ask, flush=True)
            assert answer.readline() == "done\n"

        yield log_all
        ask.close()


def moments(counts_V: NDArray[np.number[Any]]) -> tuple[float, float]:
    levels_V = np.arange(LEVELS) / 255
    mean = counts_V @ levels_V / counts_V.sum()
    return float(mean), float(np.sqrt(counts_V @ levels_V**2 / counts_V.sum() - mean**2))


def loader(folder: Path, workers: int) -> tuple[float, float]:
    """In batches of one, as the images of a folder seldom have one size."""
    pixels = 0
    sums, squares = torch.zeros(2, 3, dtype=torch.float64)
    dataset = ImageFolder(folder, ToTensor())
    context = get_context("spawn") if workers else None
    for images, _ in DataLoader(
        dataset, batch_size=None, num_workers=workers, multiprocessing_context=context
    ):
        values = images.double()
        pixels += values[0].numel()
        sums, squares = sums + values.sum((1, 2)), squares + values.square().sum((1, 2))
    mean = sums / pixels
    return float(mean[0]), float((squares / pixels - mean**2)[0] ** 0.5)


def whole(folder: Path) -> tuple[float, float]:
    """The whole stage, with an empty store, in a process for each core."""
    project = folder.parent.parent
    (project / "params.yaml").write_text(PARAMS)
    with TemporaryDirectory() as cache:
        environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": cache}
        run((sys.executable, "-m", "stages.measure", folder.name), project, environment)
    counts_CV = np.load(project / "data" / "statistics" / f"{folder.name}.npz")["histogram"]
    return moments(counts_CV[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--whylogs", help="the Python of an environment with whylogs[image]")
    arguments = parser.parse_args()
    print(conditions() + "\n")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos" / "train"
        write_jpegs(folder, arguments.files)
        files = list(list_folder(folder))
        paths = [folder / file.name for file in files]
        on_one: dict[str, Way] = {
            OURS: partial(worker, Task(files, AS_IS)),
            OPENCV: partial(opencv, paths),
            LOADER: partial(loader, folder, 0),
        }
        on_all: dict[str, Way] = {
            "**normstats**: all of `measure`": partial(whole, folder),
            f"{LOADER}, 2 workers": partial(loader, folder, 2),
        }
        check_agreement(on_one | on_all)
        sides: dict[str, Callable[[], object]] = {**on_one, **on_all}
        # Without the sums, which a worker does not compute.
        sides |= {DECODE: partial(decode, paths), OURS: partial(measure_task, Task(files, AS_IS))}
        with ExitStack() as stack:
            if arguments.whylogs:
                sides[WHYLOGS] = stack.enter_context(whylogs(arguments.whylogs, folder))
            seconds = in_turns(arguments.runs, sides)
        kilobytes = sum(path.stat().st_size for path in paths) / len(paths) / 1000
    print(f"{len(paths)} JPEGs of {kilobytes:.0f} kB, Pillow {PIL.__version__}\n")
    report(seconds, len(paths), set(on_all))


def check_agreement(ways: dict[str, Way]) -> None:
    """Check that all find the same. This is also the first run of each, which is not timed."""
    expected = ways[OURS]()
    for name, way in ways.items():
        # OpenCV's own libjpeg may round differently.
        np.testing.assert_allclose(way(), expected, rtol=1e-3, err_msg=name)


def report(seconds: dict[str, list[float]], images: int, on_all: set[str]) -> None:
    medians = {name: median(values) for name, values in seconds.items()}
    cores = len(os.sched_getaffinity(0))
    rows = []
    for name in sorted(medians, key=medians.__getitem__):
        used = cores if name in on_all else 1
        per_core = images / medians[name] / used
        rows.append(
            [
                name,
                str(used),
                middle(seconds[name], 2),
                f"{per_core:.0f}",
                f"{medians[DECODE] / used / medians[name]:.0%}",
            ]
        )
    print(table(["way", "cores", "s", "images/s per core", "share that is decoding"], rows))
    added = medians[OURS] / medians[DECODE] - 1
    print(verdict("what counting adds to decoding alone", 100 * added, 100 * MOST_ADDED, " %"))


if __name__ == "__main__":
    main()
