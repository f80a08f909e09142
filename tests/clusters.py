"""A Ray cluster of nodes on this machine that have names, and where a task on them stops."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from stages.engine import Engine
from stages.files.work import Measured, Task, measure_task
from stages.ray_workers import on_ray

Work = Callable[[Task], Measured]

STUCK_SECONDS = 240


@contextmanager
def not_stuck() -> Iterator[None]:
    """A test that waits for what never comes ends the tests, rather than hang."""
    faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@dataclass
class Nodes:
    """A cluster whose workers find the name of their node in their environment."""

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


class Gate:
    """Where the first task stops that begins once enough was measured: it says where it is."""

    def __init__(self, folder: Path, images: int) -> None:
        self.images = images  # measured before
        self.log = folder / "log"  # the images measured, in the order of that
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
        """Call `strike` once the task stands here, beside whatever this process does then."""
        threading.Thread(target=lambda: strike(*self.arrived()), daemon=True).start()

    def measured(self) -> list[str]:
        return self.log.read_text().splitlines()

    def work(self, moment: str = "before") -> Work:
        """`measure_task`, noting what it measures, with the gate before or after it.

        A function in a function, without `self`: Ray ships it as it is, and no worker could import
        this module.
        """
        images, log, claim, arrivals, leave = (
            self.images,
            self.log,
            self.claim,
            self.arrivals,
            self.exit,
        )

        def stop_at_gate() -> None:
            if len(log.read_text().splitlines()) < images:
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


def kill_process(pid: int, node: str) -> None:
    os.kill(pid, signal.SIGKILL)
