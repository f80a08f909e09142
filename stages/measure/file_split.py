"""Measures a split of files or shards, as far as the store does not know them."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import compress, islice, tee
from math import ceil
from typing import TypeVar

from tqdm import tqdm

from stages.images.decoder import version
from stages.images.index import Index
from stages.images.judge import list_folder
from stages.images.listing import Listing, check_unchanged
from stages.images.members import Member
from stages.measure.collect import collect
from stages.measure.engine import Engine
from stages.measure.store import DamagedStoreError, Store
from stages.measure.work import Task, measure_task
from stages.shared import entry
from stages.shared.batches import batches
from stages.shared.params import Dataset
from stages.shared.preparation import Preparation
from stages.statistics.integers import SplitStatistics

R = TypeVar("R")

# Image files are dealt to at least MIN_TASKS tasks, so that each of many processes gets some. With
# MAX_TASK_FILES files, sending a task costs little beside its work.
MIN_TASKS = 64
MAX_TASK_FILES = 256

# tqdm's own bar, with fractions of shards.
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.10g}/{total} [{elapsed}<{remaining}, {rate_fmt}]"


def measure_folder(split: str, dataset: Dataset, engine: Engine) -> tuple[SplitStatistics, Index]:
    """Statistics and index of a folder; ValueError or OSError say what is wrong with its files."""
    files = list_folder(dataset.folder(split))

    def measured(store: Store) -> tuple[SplitStatistics, Index]:
        measure_missing(split, files, dataset.preparation, store, engine)
        quarantine = dataset.on_bad_image == "quarantine"
        return collect(files, store, dataset.preparation, quarantine=quarantine)

    found = with_store(dataset, measured)
    # DVC digests the folder only after this process has ended. So it would record a file that is
    # replaced in between as measured (treeverse/dvc#11058).
    check_unchanged(files)
    return found


def ensure_measured(split: str, dataset: Dataset, contents: Iterable[str], engine: Engine) -> None:
    """Measure the split again if the store lacks a content: the store is not shared by DVC."""

    def measured(store: Store) -> None:
        if any(store.lacks(contents)):
            files = list_folder(dataset.folder(split))
            measure_missing(split, files, dataset.preparation, store, engine)

    with_store(dataset, measured)


def with_store(dataset: Dataset, work: Callable[[Store], R]) -> R:
    """Do work that needs the store; begin again if the file of the store is damaged."""
    try:
        with Store.open(version(dataset.preparation), dataset.max_pixels) as store:
            return work(store)
    except DamagedStoreError as error:
        print(entry.visible(str(error)), file=sys.stderr)
    with Store.open(version(dataset.preparation), dataset.max_pixels) as store:
        return work(store)


def measure_missing(
    split: str, files: Listing, preparation: Preparation, store: Store, engine: Engine
) -> None:
    """Measure what the store lacks. After a run that was killed, this goes on where it ended."""
    sharded = any(file.is_shard for file in islice(files.contents(), 1))  # all are, or none
    lacks = store.lacks_shards if sharded else store.lacks
    listed, asked = tee(files.contents())
    missing = Listing(files.folder, compress(listed, lacks(file.content for file in asked)))
    size = 1 if sharded else min(MAX_TASK_FILES, ceil(len(missing) / MIN_TASKS) or 1)
    tasks = Tasks(Task(some, preparation) for some in batches(missing, size))
    begun = defaultdict[str, list[Member]](list)
    unit, form = ("shard", BAR) if sharded else ("image", None)
    with tqdm(desc=f"measure {split}", total=len(missing), unit=unit, bar_format=form) as bar:
        for found in engine(measure_task, tasks):
            for shard, members in found.shards.items():
                begun[shard] += members
            if found.rest:
                tasks.further.append(found.rest)
            done = () if found.rest else found.shards
            store.add(found.images.items(), [(shard, begun.pop(shard)) for shard in done])
            bar.update(found.share if sharded else len(found.images))


class Tasks(Iterator[Task]):
    """Tasks, and `further` ones that results ask for."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = iter(tasks)
        self.further: list[Task] = []

    def __next__(self) -> Task:
        return self.further.pop() if self.further else next(self._tasks)
