"""Image files of a folder, and shards of a bucket, measured by a Ray cluster of three nodes.

The statistics have the same bytes, whatever is killed, is late, fails or changes midway.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest

from stages.images.decoder import version
from stages.images.listing import Listing
from stages.measure.engine import Engine
from stages.measure.file_split import measure_folder, measure_missing
from stages.measure.ray_workers import on_ray
from stages.measure.store import Store
from stages.measure.work import measure_task
from stages.shared import entry
from stages.shared.preparation import Preparation
from tests import clusters, inputs, remotes
from tests.clusters import Gate, Nodes, Work, kill_process, needs_a_folder_to_hide, on
from tests.conftest import Project
from tests.inputs import PHOTOS, TASK_IMAGES, TASKS, Source, by_hand, saved
from tests.remotes import BUCKET, Log, Remote, access, serving
from tests.shards import write_photos

T = TypeVar("T")
R = TypeVar("R")

SHARDS = ["tar", "parquet"]
# One kind of shard is enough for faults of the engine, which does not look into shards.
in_both_ways = pytest.mark.parametrize("form", ["folder", "tar"])


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    with clusters.not_stuck():
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with remotes.s3(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def log(server: Remote) -> Iterator[Log]:
    """A logged way to the server, which this process and its children have in the environment."""
    with serving(Log(server.port)) as log, pytest.MonkeyPatch.context() as patch:
        for name, value in access(log.port).items():
            patch.setenv(name, value)
        yield log


@pytest.fixture(scope="module")
def nodes(log: Log) -> Iterator[Nodes]:
    with clusters.three_nodes() as nodes:
        yield nodes


@pytest.fixture
def project(checkout: Project, tmp_path: Path) -> Project:
    project = checkout.copy_to(tmp_path / "normstats")
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return project


@pytest.fixture
def source(
    form: str, server: Remote, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Source]:
    """The images, with an empty store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    log.read.clear()
    log.before.clear()
    with inputs.source(form, tmp_path, server) as source:
        yield source


def measure(source: Source, engine: Engine, work: Work = measure_task) -> bytes:
    """The file of statistics of the train split."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stages.measure.file_split.measure_task", work)
        patch.setattr("stages.measure.file_split.MIN_TASKS", TASKS)
        statistics, _ = measure_folder("train", source.dataset, engine)
    return saved(statistics)


def error(files: Listing, engine: Engine) -> str:
    """The error that the stage ends with for these listed files."""
    plain = Preparation()
    with Store.open(version(plain)) as store, pytest.raises(SystemExit) as stopped:
        entry.run(lambda: measure_missing("train", files, plain, store, engine))
    return str(stopped.value)


@pytest.mark.parametrize("form", ["folder", *SHARDS])
def test_the_stage_writes_the_bytes_of_the_local_engine(
    source: Source, project: Project, nodes: Nodes, log: Log, tmp_path: Path
) -> None:
    project.environment |= access(log.port)
    written: list[list[bytes]] = []
    for engine in ({}, on(nodes.address)):
        project.environment["XDG_CACHE_HOME"] = str(tmp_path / f"cache {len(written)}")
        project.edit_params(partial(source.edit, engine))
        project.stage("measure", "train")
        files = ("statistics/train.npz", "index/train.json")
        written.append([project.read(f"data/{file}") for file in files])
    assert written[0] == written[1]
    assert written[0][0] == by_hand(PHOTOS)


@pytest.mark.parametrize(
    ("form", "moment"), [("folder", "before"), ("folder", "after"), ("tar", "after")]
)
def test_what_a_killed_worker_measured_counts_once(
    moment: str, source: Source, nodes: Nodes, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, files=len(source.names) // 2)
    gate.meanwhile(kill_process)
    assert measure(source, nodes.engine, gate.work(moment)) == by_hand(PHOTOS)
    assert gate.claim.exists()
    repeated = source.task_files if moment == "after" else 0
    assert len(gate.measured()) == len(source.names) + repeated
    assert set(gate.measured()) == set(source.names)


@in_both_ways
def test_what_a_killed_node_measured_counts_once(
    source: Source, nodes: Nodes, tmp_path: Path
) -> None:
    killed: list[str] = []

    def kill_node(pid: int, node: str) -> None:
        nodes.kill(node)
        with suppress(ProcessLookupError):  # it may have ended with its node already
            kill_process(pid, node)
        killed.append(node)

    gate = Gate(tmp_path, files=len(source.names) // 2)
    gate.meanwhile(kill_node)
    try:
        assert measure(source, nodes.engine, gate.work("after")) == by_hand(PHOTOS)
        assert killed[0] in ("left", "right")
        assert len(gate.measured()) > len(source.names)
        assert set(gate.measured()) == set(source.names)
    finally:
        for node in killed:
            nodes.start(node, cpus=1)


def drive(source: Source, address: str, gate: Gate) -> None:
    measure(source, partial(on_ray, address=address), gate.work())


@in_both_ways
def test_a_driver_killed_and_started_again_measures_only_what_is_missing(
    source: Source, nodes: Nodes, log: Log, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, files=len(source.names) // 2)
    context = multiprocessing.get_context("spawn")
    driver = context.Process(target=drive, args=(source, nodes.address, gate))
    driver.start()
    gate.arrived()
    driver.kill()
    driver.join()
    missing = source.missing()
    assert 0 < len(missing) < len(source.names)

    gate.log.write_text("")
    log.read.clear()
    assert measure(source, nodes.engine, gate.work()) == by_hand(PHOTOS)
    assert set(gate.measured()) == set(missing)
    assert {Path(key).name for key in log.read} <= set(missing)  # none for a folder


@in_both_ways
def test_a_straggler_holds_up_nobody_and_counts_once(
    source: Source, nodes: Nodes, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, files=0)
    before: list[str] = []

    def patient(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        results = nodes.engine(work, tasks)
        yield from islice(results, TASKS - 1)
        gate.arrived()
        before.extend(gate.measured())
        gate.open()
        yield from results

    assert measure(source, patient, gate.work()) == by_hand(PHOTOS)
    assert len(before) == len(source.names) - source.task_files
    assert sorted(gate.measured()) == source.names


@in_both_ways
def test_a_result_that_comes_twice_counts_once(source: Source) -> None:
    def twice(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        for task in tasks:
            yield from (work(task), work(task))

    assert measure(source, twice) == by_hand(PHOTOS)


@in_both_ways
def test_a_file_removed_after_it_was_listed_ends_the_run_and_is_named(
    source: Source, nodes: Nodes
) -> None:
    files = source.files()
    path = list(files)[7].path
    path.unlink()
    gone = f"[Errno 2] No such file or directory: '{path}'"
    assert error(files, nodes.engine) == f"error: on the Ray node {nodes.ip}: {gone}"


@in_both_ways
def test_a_file_changed_after_it_was_listed_ends_the_run_and_is_named(
    source: Source, nodes: Nodes
) -> None:
    files = source.files()
    first, *_, changed = (file.path for file in files)
    changed.write_bytes(first.read_bytes())
    message = f"error: on the Ray node {nodes.ip}: {changed}: changed while it was being "
    assert error(files, nodes.engine).startswith(message)


@pytest.mark.parametrize("form", SHARDS)
def test_a_shard_replaced_while_it_is_read_ends_the_run_and_the_next_measures_it(
    form: str, source: Source, nodes: Nodes, server: Remote, log: Log, tmp_path: Path
) -> None:
    photos = list(PHOTOS)
    photos[7 * TASK_IMAGES : 8 * TASK_IMAGES] = write_photos(TASK_IMAGES, seed=1)
    inputs.write(tmp_path / "new", form, photos)
    key = f"photos/train/7.{form}"

    def replace() -> None:
        server.files.put_file(str(tmp_path / "new" / f"7.{form}"), f"{BUCKET}/{key}")

    log.before[key] = replace
    message = f"error: on the Ray node {nodes.ip}: s3://{BUCKET}/{key}: changed while it was being "
    assert error(source.files(), nodes.engine).startswith(message)
    log.before.clear()
    assert measure(source, nodes.engine) == by_hand(photos) != by_hand(PHOTOS)


@pytest.mark.parametrize("form", SHARDS)
def test_a_damaged_shard_ends_the_stage_and_is_named_and_nothing_is_written(
    form: str, source: Source, project: Project, nodes: Nodes, server: Remote, log: Log
) -> None:
    project.environment |= access(log.port)
    project.edit_params(partial(source.edit, on(nodes.address)))
    shard = f"{BUCKET}/photos/train/7.{form}"
    server.files.pipe_file(shard, server.files.cat_file(shard)[:100])
    printed = project.stage("measure", "train", expect=1)
    reason = {
        "tar": "truncated or damaged: 100 bytes, expected 512",
        "parquet": "Parquet magic bytes not found in footer",
    }[form]
    named = f"on the Ray node {nodes.ip}: s3://{shard}: cannot be read as a shard: {reason}"
    assert f"\nerror: {named}" in printed
    assert "Traceback" not in printed
    assert not [path for path in (project.path / "data").rglob("*.*") if path.name != ".gitignore"]


@needs_a_folder_to_hide
@pytest.mark.parametrize("form", ["tar"])
def test_a_node_without_credentials_says_so(source: Source, project: Project, log: Log) -> None:
    with clusters.elsewhere(project) as address:
        project.environment |= access(log.port)
        project.edit_params(partial(source.edit, on(address)))
        printed = project.stage("measure", "train", expect=1)
    named = rf"error: on the Ray node \S+: s3://{BUCKET}/photos/train/\d\.tar: cannot be read: "
    assert re.search(f"^{named}Unable to locate credentials$", printed, flags=re.M)
    assert "Traceback" not in printed
