"""A Ray cluster of named nodes on this machine, and a gate that stops a task on them."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from stages.measure.engine import Engine
from stages.measure.ray_workers import on_ray
from stages.measure.work import Measured, Task, measure_task
from tests.conftest import Params, Project, small_disk_works
from tests.remotes import free_ports

Work = Callable[[Task], Measured]

STUCK_SECONDS = 240

needs_a_folder_to_hide = pytest.mark.skipif(
    not small_disk_works(), reason="no folder can be hidden from a node here"
)


@contextmanager
def not_stuck() -> Iterator[None]:
    """End the tests, with tracebacks, if a test waits longer than `STUCK_SECONDS`."""
    faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@dataclass
class Nodes:
    """A cluster whose workers have the name of their node in the environment, as `NODE`."""

    cluster: Cluster = field(default_factory=Cluster)
    named: dict[str, Any] = field(default_factory=dict)

    def start(self, name: str, cpus: int) -> None:
        os.environ["NODE"] = name
        self.named[name] = self.cluster.add_node(
            num_cpus=cpus, object_store_memory=80 * 2**20, include_dashboard=False
        )

    def kill(self, name: str) -> None:
        self.cluster.remove_node(self.named.pop(name), allow_graceful=False)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    @property
    def ip(self) -> str:
        return self.address.rpartition(":")[0]

    @property
    def engine(self) -> Engine:
        return partial(on_ray, address=self.address)


@contextmanager
def three_nodes() -> Iterator[Nodes]:
    """A head that does no work, and two workers."""
    nodes = Nodes()
    nodes.start("head", cpus=0)
    nodes.start("left", cpus=1)
    nodes.start("right", cpus=1)
    yield nodes
    nodes.cluster.shutdown()


@contextmanager
def elsewhere(project: Project) -> Iterator[str]:
    """The address of a cluster of one node.

    The node has the project's environment, but sees the project's folder empty.
    """
    [port] = free_ports(1)
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
        try:
            yield f"127.0.0.1:{port}"
        finally:
            started.terminate()
            reader.join()


class Gate:
    """Stops the first task that begins after `files` files were measured, and tells which it is."""

    def __init__(self, folder: Path, files: int) -> None:
        self.files = files
        self.log = folder / "log"  # the measured files, in order
        self.claim, self.arrivals, self.exit = (
            folder / name for name in ("claim", "arrivals", "exit")
        )
        self.log.touch()
        os.mkfifo(self.arrivals)
        os.mkfifo(self.exit)

    def arrived(self) -> tuple[int, str]:
        """Wait for the task; its process, and the name of its node."""
        pid, node = self.arrivals.read_text().split()
        return int(pid), node

    def open(self) -> None:
        self.exit.write_text("go on")

    def meanwhile(self, strike: Callable[[int, str], None]) -> None:
        """Call `strike` in a thread once the task has stopped here."""
        threading.Thread(target=lambda: strike(*self.arrived()), daemon=True).start()

    def measured(self) -> list[str]:
        return self.log.read_text().splitlines()

    def work(self, moment: str = "before") -> Work:
        """`measure_task` with a log of what it measures, and the gate before or after it.

        An inner function without `self`: Ray ships its code, as no worker can import this module.
        """
        files, log, claim, arrivals, leave = (
            self.files,
            self.log,
            self.claim,
            self.arrivals,
            self.exit,
        )

        def stop_at_gate() -> None:
            if len(log.read_text().splitlines()) < files:
                return
            try:
                claim.touch(exist_ok=False)
            except FileExistsError:
                return
            arrivals.write_text(f"{os.getpid()} {os.environ['NODE']}")
            leave.read_text()

        def work(task: Task) -> Measured:
            if moment == "before":
                stop_at_gate()
            records = measure_task(task)
            with log.open("a") as lines:
                lines.write("".join(f"{file.name}\n" for file in task.files))
            if moment == "after":
                stop_at_gate()
            return records

        return work


def on(address: str) -> Params:
    """The section `measure` of params.yaml for a cluster."""
    return {"engine": "ray", "ray_address": address}


def kill_process(pid: int, node: str) -> None:
    os.kill(pid, signal.SIGKILL)
