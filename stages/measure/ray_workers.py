"""Does tasks on the machines of a Ray cluster, as `in_processes` does on this one."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.exceptions import AuthenticationError, RayError, RayTaskError

from stages.images.decoder import decoder
from stages.measure.processes import WAITING

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 3  # how often Ray starts a task again after its worker or its node died
OBJECT_STORE_BYTES = 2**27  # results are small; Ray would set a third of the memory aside
SECONDS_TO_REACH = 5  # Ray itself tries for minutes to reach an address

# HTTP/2 without TLS (RFC 9113, section 3.4), which each node of Ray speaks: the first bytes of a
# client, and the type of the frame that a server answers with.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS = 4

ASKS_FOR_ANOTHER = (
    "the cluster wants its token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the token (see "
    "docs/ray.md)"
)


def on_ray(
    work: Callable[[T], R], tasks: Iterable[T], *, address: str | None, gpus: int = 0
) -> Iterator[R]:
    """The results of `work` as they come, in any order; the first error of a task is raised.

    A worker has a CPU, and `gpus` GPUs. Without an address, Ray runs on this machine and ends with
    the work.
    """
    _connect(address)
    try:
        slots = "GPU" if gpus else "CPU"
        if not ray.cluster_resources().get(slots):
            raise ValueError(f"expected a Ray cluster with a {slots}, found none")
        remote: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_work_as_here)
        here, remaining = Path.cwd(), iter(tasks)
        pending: dict[ray.ObjectRef[R], T] = {}
        while True:
            # Counted each time, as nodes come and go. Without a node, tasks wait for the next one.
            workers = max(1, int(ray.cluster_resources().get(slots, 0)))
            for task in islice(remaining, max(0, WAITING * workers - len(pending))):
                pending[remote.remote(work, task, here, decoder())] = task
            if not pending:
                return
            (done,), _ = ray.wait(list(pending))
            yield _result(done, pending.pop(done))
    finally:
        ray.shutdown()


def _connect(address: str | None) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # The workers run this code, whatever is on their machines. The second pattern keeps the folder
    # itself: Ray would ship nothing without it.
    root = Path(__file__).parents[2]
    code = {"working_dir": str(root), "excludes": ["/*", "!/.", "!/stages"]}
    started: dict[str, Any] = {
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
    }
    try:
        if address:
            _knock(address)
        ray.init(
            address or "local",
            runtime_env=code,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if address else started),
        )
    except (OSError, RuntimeError, RayError) as error:
        # Ray hides this error in others, as their cause or in their text.
        wants_token = AuthenticationError.__name__ in f"{error!r} {error.__cause__}"
        reason = ASKS_FOR_ANOTHER if wants_token else f"{error}".partition("\n")[0]
        raise OSError(f"no Ray at {address or 'this machine'} to work with: {reason}") from error


def _knock(address: str) -> None:
    """Raise OSError if no node of Ray answers; Ray itself would take minutes to say so."""
    os.environ |= {"RAY_gcs_server_port_wait_time_s": "2"}  # Ray tries twice, a second each
    if address == "auto" or os.environ.get("RAY_USE_TLS") in ("1", "true"):
        return
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), SECONDS_TO_REACH) as connection:
        connection.sendall(PREFACE)
        answer = connection.recv(9, socket.MSG_WAITALL)
    if answer[3:4] != bytes([SETTINGS]):
        raise OSError(f"something else answers there, with {answer!r}")


def _work_as_here(work: Callable[[T], R], task: T, here: Path, expected: str) -> R:
    """Work in the driver's folder, so that relative paths mean the same."""
    node = ray.util.get_node_ip_address()
    if expected != decoder():
        raise ValueError(
            f"on the Ray node {node}: expected the decoder of the machine that collects, "
            f"{expected}; found {decoder()}, which may decode to other pixels; "
            "install requirements.txt"
        )
    if here.is_dir():  # it need not be, if the images are at URLs or absolute paths
        os.chdir(here)
    try:
        return work(task)
    except OSError as error:
        raise OSError(f"on the Ray node {node}: {error}") from error
    except ValueError as error:
        raise ValueError(f"on the Ray node {node}: {error}") from error


def _result(done: ray.ObjectRef[R], task: object) -> R:
    try:
        return ray.get(done)
    except RayTaskError as error:
        if isinstance(error.cause, OSError | ValueError):
            raise error.cause from None
        raise
    except RayError as error:
        reason = str(error).strip().partition("\n")[0]
        raise OSError(f"{task}: given up by Ray: {reason}") from error
