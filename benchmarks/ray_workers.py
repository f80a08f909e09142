"""A folder of JPEGs, on Ray with one worker and with two: `python -m benchmarks.ray_workers`.

Beside them, as an upper bound: processes that decode and do nothing else.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from ray.cluster_utils import Cluster

from benchmarks.conditions import conditions, in_turns, middle, table
from benchmarks.folders import decode
from benchmarks.jpegs import write_jpegs
from stages.measure.file_split import measure_folder
from stages.measure.ray_workers import on_ray
from stages.shared.params import Dataset, Splits
from stages.statistics.integers import FIELDS, SplitStatistics

ONE, TWO = "Ray, 1 worker", "Ray, 2 workers"
DECODE_ONE, DECODE_TWO = "decoding alone, 1 process", "decoding alone, 2 processes"
LEAST = 1.7  # times as fast with two workers, on two quiet cores


def start(workers: int) -> Cluster:
    """A node for this process, and one for each worker."""
    cluster = Cluster()
    for cpus in (0, *[1] * workers):
        cluster.add_node(num_cpus=cpus, object_store_memory=80 * 2**20, include_dashboard=False)
    return cluster


def measure(folder: Path, cluster: Cluster) -> SplitStatistics:
    """The whole stage, with an empty store. Ray starts its workers each time."""
    dataset = Dataset(
        root=str(folder.parent), splits=Splits(train=folder.name, test="-"), download=[]
    )
    engine = partial(on_ray, address=cluster.address)
    with TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        statistics, _ = measure_folder("train", dataset, engine)
    return statistics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=12000)
    arguments = parser.parse_args()
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0"}
    print(conditions() + "\n")
    clusters = {ONE: start(1), TWO: start(2)}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos" / "train"
        write_jpegs(folder, arguments.files)
        sides = {name: partial(measure, folder, cluster) for name, cluster in clusters.items()}
        # This is also the first run of both, which is not timed: it brings the code to the nodes.
        one, two = (side() for side in sides.values())
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
        paths = sorted(folder.rglob("*.jpg"))
        with get_context("spawn").Pool(2) as pool:
            halves = [paths[::2], paths[1::2]]
            pool.map(decode, halves, 1)
            ceiling = {
                DECODE_ONE: partial(pool.map, decode, [paths]),
                DECODE_TWO: partial(pool.map, decode, halves, 1),
            }
            seconds = in_turns(arguments.runs, {**sides, **ceiling})
    for cluster in clusters.values():
        cluster.shutdown()
    medians = {name: median(values) for name, values in seconds.items()}
    rows = [
        [name, middle(values, 2), f"{arguments.files / medians[name]:.0f}"]
        for name, values in seconds.items()
    ]
    print(table(["", f"s, {arguments.files} JPEGs", "images/s"], rows))
    at_most = medians[DECODE_ONE] / medians[DECODE_TWO]
    print(f"- two processes that decode alone against one: {at_most:.2f} times as fast")
    times = medians[ONE] / medians[TWO]
    print(
        f"- two workers against one: {times:.2f} times as fast, at least {LEAST}: "
        f"{'met' if times >= LEAST else 'NOT MET'}"
    )


if __name__ == "__main__":
    main()
