"""Workers on a Ray cluster: what `in_processes` does, on as many machines as the cluster has."""

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

# Ray starts a task again when its worker or its node dies: so often, then something is wrong.
RETRIES = 3

# Results are small; Ray would otherwise set a third of the memory aside for them.
OBJECT_STORE_BYTES = 2**27

# Ray itself tries for minutes to reach an address where nothing is, or something else.
SECONDS_TO_REACH = 5

# HTTP/2 without TLS: what a client opens with (RFC 9113, section 3.4), and the type of the frame
# that every server, as each node of Ray is, answers with.
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

    A worker has a CPU, and `gpus` GPUs. Without an address, Ray runs on this machine for as long as
    the work takes.
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
            # Asked each time, as nodes come and go. Where none is left, tasks wait for the next.
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
    # The workers run this code, whatever else is on their machines. (The second pattern is the
    # folder itself: were it excluded, Ray would ship nothing.)
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
        # Ray raises one for another, which has the text of a third.
        wants_token = AuthenticationError.__name__ in f"{error!r} {error.__cause__}"
        reason = ASKS_FOR_ANOTHER if wants_token else f"{error}".partition("\n")[0]
        raise OSError(f"no Ray at {address or 'this machine'} to work with: {reason}") from error


def _knock(address: str) -> None:
    """Raise OSError where no node of Ray answers, which Ray itself would take minutes to say."""
    os.environ |= {"RAY_gcs_server_port_wait_time_s": "2"}  # so often Ray tries, a second each
    if address == "auto" or os.environ.get("RAY_USE_TLS") in ("1", "true"):
        return
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), SECONDS_TO_REACH) as connection:
        connection.sendall(PREFACE)
        answer = connection.recv(9, socket.MSG_WAITALL)
    if answer[3:4] != bytes([SETTINGS]):
        raise OSError(f"something else answers there, with {answer!r}")


def _work_as_here(work: Callable[[T], R], task: T, here: Path, expected: str) -> R:
    """Work in the folder of the driver, so that a relative path means what it means there."""
    node = ray.util.get_node_ip_address()
    if expected != decoder():
        raise ValueError(
            f"on the Ray node {node}: expected the decoder of where the results are collected, "
            f"{expected}; found {decoder()}, which may decode to other pixels; "
            "install requirements.txt"
        )
    if here.is_dir():  # not needed where images are at URLs or absolute paths
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
