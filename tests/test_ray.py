"""`measure.engine: ray`, on a real cluster of three nodes on this machine, two of them workers."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any, TypeVar

import numpy as np
import PIL
import pytest
from PIL import Image

from stages import entry
from stages.arrays import measure_arrays, measure_ranges
from stages.core.prepare import Preparation
from stages.core.statistics import LEVELS, SplitStatistics
from stages.engine import Engine, engine_of
from stages.files.decode import version
from stages.files.images import ImageFile
from stages.files.listing import File, list_folder
from stages.files.params import Dataset, Measure, Splits
from stages.files.statistics import save_statistics
from stages.files.store import Store
from stages.files.work import Measured, Task, measure_task
from stages.folders import measure_folder, measure_missing
from stages.ray_workers import RETRIES, on_ray
from tests.clusters import Gate, Nodes, Work, kill_process, not_stuck, three_nodes
from tests.conftest import ROOT, Project, random_images, small_disk_works

T = TypeVar("T")
R = TypeVar("R")

AS_IT_IS = Preparation()
IMAGES = 60
TASK_FILES = 4


def train_of(dataset: Dataset) -> Path:
    folder = dataset.folder("train")
    assert isinstance(folder, Path)
    return folder


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    with not_stuck():
        yield


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with three_nodes() as nodes:
        yield nodes


@pytest.fixture
def project(checkout: Project, tmp_path: Path) -> Project:
    """A checkout in a folder that only this machine sees."""
    project = checkout.copy_to(tmp_path / "here" / "normstats")
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return project


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a dataset of images of many sizes, as PNG and JPEG."""
    root = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for number in range(IMAGES):
        height, width = generator.integers(4, 40, 2)
        path = root / "train" / f"class {number % 3}" / f"{number}.{('png', 'jpg')[number % 2]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return root


@pytest.fixture
def dataset(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Nothing is known of the images before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return dataset_at(photos)


def dataset_at(root: Path) -> Dataset:
    return Dataset(root=str(root), splits=Splits(train="train", test="test"), download=[])


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def saved(statistics: SplitStatistics) -> bytes:
    save_statistics("train", statistics)
    return Path("data/statistics/train.npz").read_bytes()


def by_hand(folder: Path) -> bytes:
    """The file of statistics of all pixels of the images, counted by numpy."""
    pixels = [np.asarray(Image.open(folder / name)).reshape(-1, 3) for name in names_in(folder)]
    together = np.concatenate(pixels)
    wide = [image.astype(np.int64) for image in pixels]
    return saved(
        SplitStatistics(
            histogram=np.stack([np.bincount(c, minlength=LEVELS) for c in together.T]),
            image_pixels=np.array([len(image) for image in wide]),
            image_sums=np.array([image.sum(axis=0) for image in wide]),
            image_sums_of_squares=np.array([(image**2).sum(axis=0) for image in wide]),
        )
    )


def measure(dataset: Dataset, engine: Engine, work: Work) -> bytes:
    """The file of statistics of the train split."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stages.folders.measure_task", work)
        patch.setattr("stages.folders.TASK_FILES", TASK_FILES)
        statistics, index = measure_folder("train", dataset, engine)
    assert index.names == names_in(train_of(dataset))
    return saved(statistics)


def test_the_stage_writes_the_bytes_of_the_local_engine(
    project: Project, photos: Path, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {}
    for number, engine in enumerate([{}, {"engine": "ray"}, on(nodes.address)]):
        project.environment["XDG_CACHE_HOME"] = str(tmp_path / f"cache {number}")
        project.edit_params(partial(measure_photos, photos, engine))
        project.stage("measure", "train")
        written = (
            project.read(f"data/{of}") for of in ("statistics/train.npz", "index/train.json")
        )
        outputs[number] = tuple(written)
        assert outputs[number] == outputs[0]
    monkeypatch.chdir(tmp_path)
    assert outputs[0][0] == by_hand(photos / "train")


def on(address: str) -> dict[str, Any]:
    return {"engine": "ray", "ray_address": address}


def measure_photos(root: Path, measure: dict[str, Any], params: Any) -> None:
    params["measure"] = measure
    params["dataset"] |= {"root": str(root), "download": []}


def test_workers_run_the_code_of_the_driver(nodes: Nodes) -> None:
    def where(_: int) -> str | None:
        import stages.folders

        return stages.folders.__file__

    path = Path(*map(str, nodes.engine(where, [0])))
    assert not path.is_relative_to(ROOT)
    assert path.read_bytes() == (ROOT / "stages/folders.py").read_bytes()


@pytest.fixture
def elsewhere(project: Project) -> Iterator[str]:
    """The address of a cluster of one node, which finds the folder of the project empty."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = f"""
        mount -t tmpfs tmpfs '{project.path}' &&
        exec ray start --head --block --node-ip-address=127.0.0.1 --port={port} --num-cpus=1 \\
            --object-store-memory=80000000 --include-dashboard=false
    """
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    with subprocess.Popen(
        command, env=project.environment, text=True, stdout=PIPE, stderr=STDOUT
    ) as started:
        assert started.stdout
        said = list(takewhile(lambda line: "Ray runtime started" not in line, started.stdout))
        assert started.poll() is None, "".join(said)
        reader = threading.Thread(target=started.stdout.read)
        reader.start()
        yield f"127.0.0.1:{port}"
        started.terminate()
        reader.join()


@pytest.mark.skipif(not small_disk_works(), reason="no folder can be hidden from a node here")
def test_a_node_needs_the_images_and_not_the_project(
    project: Project, elsewhere: str, photos: Path, tmp_path: Path
) -> None:
    project.edit_params(partial(measure_photos, photos, on(elsewhere)))
    project.stage("measure", "train")
    assert project.read("data/statistics/train.npz")

    shutil.copytree(photos, project.path / "photos")
    shutil.rmtree(tmp_path / "cache")
    project.edit_params(partial(measure_photos, Path("photos"), on(elsewhere)))
    printed = project.stage("measure", "train", expect=1)
    gone = (
        r"error: on the Ray node \S+: \[Errno 2\] No such file or directory: 'photos/train/class "
    )
    assert re.search(gone, printed)
    assert "Traceback" not in printed


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_midway_adds_nothing_twice(
    moment: str, dataset: Dataset, nodes: Nodes, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, images=IMAGES // 2)
    gate.meanwhile(kill_process)
    found = measure(dataset, nodes.engine, gate.work(moment))
    assert found == by_hand(train_of(dataset))
    assert gate.claim.exists()
    repeated = TASK_FILES if moment == "after" else 0
    assert len(gate.measured()) == IMAGES + repeated
    assert set(gate.measured()) == set(names_in(train_of(dataset)))


def test_a_node_killed_midway_adds_nothing_twice(
    dataset: Dataset, nodes: Nodes, tmp_path: Path
) -> None:
    killed: list[str] = []

    def kill_node(pid: int, node: str) -> None:
        nodes.kill(node)
        with suppress(ProcessLookupError):  # it notices that its node is gone, but not at once
            kill_process(pid, node)
        killed.append(node)

    gate = Gate(tmp_path, images=IMAGES // 2)
    gate.meanwhile(kill_node)
    try:
        found = measure(dataset, nodes.engine, gate.work("after"))
        assert found == by_hand(train_of(dataset))
        assert killed[0] in ("left", "right")
        assert len(gate.measured()) > IMAGES
        assert set(gate.measured()) == set(names_in(train_of(dataset)))
    finally:
        for node in killed:
            nodes.start(node, cpus=1)


def drive(dataset: Dataset, address: str, gate: Gate) -> None:
    measure(dataset, partial(on_ray, address=address), gate.work())


def test_a_driver_killed_and_started_again_measures_only_what_is_missing(
    dataset: Dataset, nodes: Nodes, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, images=IMAGES // 2)
    context = multiprocessing.get_context("spawn")
    driver = context.Process(target=drive, args=(dataset, nodes.address, gate))
    driver.start()
    gate.arrived()
    driver.kill()
    driver.join()
    names = {file.content: file.name for file in list_folder(train_of(dataset))}
    with Store.open(version(AS_IT_IS)) as store:
        missing = sorted(names[content] for content in store.lacks(names))
    assert 0 < len(missing) < IMAGES

    gate.log.write_text("")
    found = measure(dataset, nodes.engine, gate.work())
    assert found == by_hand(train_of(dataset))
    assert sorted(gate.measured()) == missing


def test_a_straggler_holds_up_nobody_and_counts_once(
    dataset: Dataset, nodes: Nodes, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, images=0)
    before: list[str] = []

    def patient(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        results = nodes.engine(work, tasks)
        yield from islice(results, IMAGES // TASK_FILES - 1)
        gate.arrived()
        before.extend(gate.measured())
        gate.open()
        yield from results

    assert measure(dataset, patient, gate.work()) == by_hand(train_of(dataset))
    assert len(before) == IMAGES - TASK_FILES
    assert sorted(gate.measured()) == names_in(train_of(dataset))


def test_a_result_that_comes_twice_adds_nothing_twice(dataset: Dataset) -> None:
    def twice(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        for task in tasks:
            yield from (work(task), work(task))

    assert measure(dataset, twice, measure_task) == by_hand(train_of(dataset))


@dataclass
class Copy:
    """A copy of the images to do damage to, of which the files were listed before."""

    dataset: Dataset
    files: Sequence[File]
    one: Path

    def error(self, engine: Engine) -> str:
        """What the stage ends with."""
        with Store.open(version(AS_IT_IS)) as store, pytest.raises(SystemExit) as stopped:
            entry.run(lambda: measure_missing("train", self.files, AS_IT_IS, store, engine))
        return str(stopped.value)


@pytest.fixture
def copy(dataset: Dataset, tmp_path: Path) -> Copy:
    copied = dataset_at(tmp_path / "copy")
    shutil.copytree(train_of(dataset), train_of(copied))
    files = list_folder(train_of(copied))
    return Copy(copied, files, train_of(copied) / files[7].name)


def test_a_file_gone_after_it_was_listed_ends_the_run_by_its_name(copy: Copy, nodes: Nodes) -> None:
    copy.one.unlink()
    message = (
        f"error: on the Ray node {ip(nodes)}: [Errno 2] No such file or directory: '{copy.one}'"
    )
    assert copy.error(nodes.engine) == message


def test_a_file_changed_after_it_was_listed_ends_the_run_by_its_name(
    copy: Copy, nodes: Nodes
) -> None:
    copy.one.write_bytes(copy.files[0].path.read_bytes())
    message = f"error: on the Ray node {ip(nodes)}: {copy.one}: changed while it was being read; "
    assert copy.error(nodes.engine).startswith(message)


def ip(nodes: Nodes) -> str:
    return nodes.address.rpartition(":")[0]


def test_a_file_that_kills_every_worker_is_given_up_and_its_task_named(
    dataset: Dataset, nodes: Nodes, tmp_path: Path
) -> None:
    log = tmp_path / "log"

    def work(task: Task) -> Measured:
        with log.open("a") as lines:
            lines.write("tried\n")
        os.kill(os.getpid(), signal.SIGKILL)
        return Measured({}, {})

    files = list_folder(train_of(dataset))
    task = Task(files[:2], AS_IT_IS)
    named = f"2 files from {files[0].path} to {files[1].path}: given up by Ray: The worker died"
    with pytest.raises(OSError, match=re.escape(named)):
        list(nodes.engine(work, [task]))
    assert log.read_text() == "tried\n" * (1 + RETRIES)


def test_an_error_of_our_own_shows_where_it_is(nodes: Nodes) -> None:
    def work(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError, match=r"in work\n"):
        list(nodes.engine(work, [0]))


def test_a_worker_with_another_pillow_is_refused(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = PIL.__version__
    monkeypatch.setattr(PIL, "__version__", "11.0.0")
    expected = (
        f"{ip(nodes)}: expected Pillow 11.0.0 as where the results are collected, found {found}"
    )
    with pytest.raises(ValueError, match=re.escape(expected)):
        list(nodes.engine(len, [""]))


def test_an_array_has_the_same_bytes_from_ranges_that_come_in_any_order(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images = random_images(60, seed=0)
    np.save("images.npy", images)
    local, _ = measure_arrays("train", Path(), Measure(device="cpu"))
    cluster = Measure(engine="ray", ray_address=nodes.address, batch_images=7)
    anywhere, _ = measure_arrays("train", Path(), cluster)

    def backwards(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        return reversed([work(task) for task in tasks])

    turned = measure_ranges("train", ImageFile.of_folder(Path()), cluster, backwards)
    assert saved(local) == saved(anywhere) == saved(turned)
    assert local.image_sums.tolist() == images.sum(axis=(2, 3)).tolist()


def test_devices_that_ray_does_not_deal_out_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", random_images(3, seed=0))
    for device in ("mps", "cuda:1"):
        with pytest.raises(ValueError, match=f"expected cuda, or auto or cpu.*{device}"):
            measure_arrays("train", tmp_path, Measure(engine="ray", device=device))


def test_a_cluster_without_a_gpu_is_named_where_cuda_is_asked_for(nodes: Nodes) -> None:
    measure = Measure(engine="ray", ray_address=nodes.address, device="cuda")
    with pytest.raises(ValueError, match="expected a Ray cluster with a GPU, found none"):
        list(engine_of(measure, gpus=1)(len, [""]))


def test_an_address_without_a_cluster_is_named() -> None:
    measure = Measure(engine="ray", ray_address="127.0.0.1:1")
    with pytest.raises(OSError, match=r"no Ray at 127\.0\.0\.1:1 to work with: .*refused"):
        list(engine_of(measure)(len, [""]))


def test_without_ray_the_error_names_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # As Python does where a module is not there.
    monkeypatch.delitem(sys.modules, "stages.ray_workers")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install -r requirements-ray\.txt"):
        engine_of(Measure(engine="ray"))
