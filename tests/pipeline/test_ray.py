"""`measure.engine: ray`, on a real cluster of three nodes on this machine, two of them workers."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from stages.images.arrays import ImageFile
from stages.images.decoder import decoder
from stages.images.listing import File
from stages.measure.array_split import measure_arrays, measure_ranges
from stages.measure.engine import engine_of
from stages.measure.ray_workers import ASKS_FOR_ANOTHER, RETRIES
from stages.measure.work import Task
from stages.shared.params import Measure
from stages.shared.preparation import Preparation
from stages.statistics.files import save_statistics
from tests import clusters
from tests.clusters import Nodes, needs_a_folder_to_hide, on
from tests.conftest import ROOT, Params, Project, random_images
from tests.shards import write_folder, write_photos
from tests.sources import Server

T = TypeVar("T")
R = TypeVar("R")


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    with clusters.not_stuck():
        yield


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with clusters.three_nodes() as nodes:
        yield nodes


@pytest.fixture
def project(checkout: Project, tmp_path: Path) -> Project:
    """A checkout in a folder that only this machine sees."""
    project = checkout.copy_to(tmp_path / "here" / "normstats")
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return project


def test_workers_run_the_code_of_the_driver(nodes: Nodes) -> None:
    def where(_: int) -> str | None:
        import stages.measure.file_split

        return stages.measure.file_split.__file__

    path = Path(*map(str, nodes.engine(where, [0])))
    assert not path.is_relative_to(ROOT)
    assert path.read_bytes() == (ROOT / "stages/measure/file_split.py").read_bytes()


def without_token(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of a program that was not told the token of a cluster."""
    others = {name: value for name, value in environment.items() if "RAY_AUTH" not in name}
    return {**others, "HOME": str(home)}


def photos_at(root: str, measure: Params, params: Params) -> None:
    params["measure"] = measure
    params["dataset"] |= {"root": root, "download": []}


def test_without_an_address_ray_runs_here_while_the_stage_does(
    project: Project, tmp_path: Path
) -> None:
    write_folder(project.path / "photos" / "train", write_photos(40))
    written = []
    for engine in ("local", "ray"):
        project.environment["XDG_CACHE_HOME"] = str(tmp_path / f"cache of {engine}")
        project.edit_params(partial(photos_at, "photos", {"engine": engine}))
        project.stage("measure", "train")
        written.append(project.read("data/statistics/train.npz"))
    assert written[0] == written[1]


@needs_a_folder_to_hide
def test_a_node_needs_the_images_and_not_the_project(project: Project, tmp_path: Path) -> None:
    with clusters.elsewhere(project) as address:
        write_folder(tmp_path / "shared" / "train", write_photos(1))
        project.edit_params(partial(photos_at, str(tmp_path / "shared"), on(address)))
        project.stage("measure", "train")
        assert project.read("data/statistics/train.npz")

        write_folder(project.path / "photos" / "train", write_photos(1, seed=1))
        project.edit_params(partial(photos_at, "photos", on(address)))
        printed = project.stage("measure", "train", expect=1)
    gone = r"error: on the Ray node \S+: \[Errno 2\] No such file or directory: 'photos/train/"
    assert re.search(gone, printed)
    assert "Traceback" not in printed


def test_a_task_that_kills_every_worker_is_given_up_and_named(nodes: Nodes, tmp_path: Path) -> None:
    tried = tmp_path / "tried"

    def work(task: Task) -> None:
        with tried.open("a") as lines:
            lines.write("once\n")
        os.kill(os.getpid(), signal.SIGKILL)

    task = Task([File("0.tar", tmp_path)], Preparation())
    named = f"{tmp_path}/0.tar: given up by Ray: The worker died"
    with pytest.raises(OSError, match=f"^{re.escape(named)}"):
        list(nodes.engine(work, [task]))
    assert tried.read_text() == "once\n" * (1 + RETRIES)


def test_a_programming_error_shows_where_it_is(nodes: Nodes) -> None:
    def work(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError, match=r"in work\n"):
        list(nodes.engine(work, [0]))


def test_a_worker_with_another_decoder_is_refused(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.measure.ray_workers.decoder", lambda: "Pillow 11.0.0")
    expected = (
        f"{nodes.ip}: expected the decoder of the machine that collects, Pillow 11.0.0; "
        f"found {decoder()}, which may decode to other pixels"
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
    written = []
    for statistics in (local, anywhere, turned):
        save_statistics("train", statistics)
        written.append(Path("data/statistics/train.npz").read_bytes())
    assert written[0] == written[1] == written[2]
    assert local.image_sums.tolist() == images.sum(axis=(2, 3)).tolist()


def test_devices_that_ray_does_not_assign_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", random_images(3, seed=0))
    for device in ("mps", "cuda:1"):
        on_a_cluster = Measure(engine="ray", ray_address="auto", device=device)
        with pytest.raises(
            ValueError, match=f"with Ray, .* expected cuda .* auto or cpu .*{device}"
        ):
            measure_arrays("train", tmp_path, on_a_cluster)


def test_a_cluster_without_a_gpu_is_named_where_cuda_is_asked_for(nodes: Nodes) -> None:
    measure = Measure(engine="ray", ray_address=nodes.address, device="cuda")
    with pytest.raises(ValueError, match="expected a Ray cluster with a GPU, found none"):
        list(engine_of(measure, gpus=1)(len, [""]))


def test_an_address_without_a_cluster_is_named() -> None:
    measure = Measure(engine="ray", ray_address="127.0.0.1:1")
    with pytest.raises(OSError, match=r"no Ray at 127\.0\.0\.1:1 to work with: .*refused"):
        list(engine_of(measure)(len, [""]))


def test_an_address_where_something_else_answers_is_named(server: Server) -> None:
    address = server.url("well").split("/")[2]
    with pytest.raises(OSError, match=f"no Ray at {address} to work with: something else answers"):
        list(engine_of(Measure(engine="ray", ray_address=address))(len, [""]))


@pytest.mark.parametrize("token", [None, "0" * 64])
def test_a_cluster_that_wants_another_token_says_so_in_one_line(
    nodes: Nodes, project: Project, token: str | None
) -> None:
    write_folder(project.path / "photos" / "train", write_photos(1))
    project.edit_params(partial(photos_at, "photos", on(nodes.address)))
    project.environment = without_token(project.environment, project.path)
    if token:
        project.environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    printed = re.split(r"[\r\n]+", project.stage("measure", "train", expect=1).strip())
    *before, error = [line for line in printed if line and not line.startswith("measure train:")]
    assert error == f"error: no Ray at {nodes.address} to work with: {ASKS_FOR_ANOTHER}"
    assert len(before) <= 1  # Ray itself warns


# Another program of this user, which tries to run a task.
INTRUDE = """
import ray, sys
ray.init(sys.argv[1], logging_level="ERROR", log_to_driver=False)
print("ran a task:", ray.get(ray.remote(lambda: 6 * 7).remote()))
"""
# Ray runs until the last result is taken. Until then, see what listens and who gets in.
WHO_COMES_IN = f"""
import json, os, psutil, subprocess, sys
from stages.measure.engine import engine_of
from stages.shared.params import Measure

def address(_):
    import ray
    return ray.get_runtime_context().gcs_address

results = engine_of(Measure(engine="ray"))(address, range(2))
found, here = next(results), psutil.Process()
listening = {{
    connection.laddr.ip
    for process in [here, *here.children(recursive=True)]
    for connection in process.net_connections("tcp")
    if connection.status == "LISTEN"
}}
command = [sys.executable, "-c", {INTRUDE!r}, found]
tries = [
    subprocess.run(command, env=environment, capture_output=True, text=True).stdout
    for environment in (dict(os.environ), json.loads(sys.argv[1]))
]
list(results)
print(json.dumps([sorted(listening), tries]))
"""


def test_ray_started_here_listens_to_this_run_alone(project: Project) -> None:
    stranger = without_token(project.environment, project.path)
    project.environment = dict(stranger)
    # With these, Ray uses loopback, and tries once instead of for 20 seconds.
    stranger |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_gcs_server_port_wait_time_s": "1"}
    *_, printed = project.run("python", "-c", WHO_COMES_IN, json.dumps(stranger)).splitlines()
    listening, [told, not_told] = json.loads(printed)
    assert listening
    assert all(ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1") for ip in listening)
    assert told == "ran a task: 42\n"
    assert not_told == ""
    assert not (project.path / ".ray").exists()  # where Ray keeps a token for all programs


def test_without_ray_the_error_names_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the package were not installed.
    monkeypatch.delitem(sys.modules, "stages.measure.ray_workers")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install -r requirements-ray\.txt"):
        engine_of(Measure(engine="ray", ray_address="auto"))
