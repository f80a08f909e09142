"""Who does the work: processes on this machine, or the workers of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from secrets import token_hex
from typing import Protocol, TypeVar

from stages.measure.processes import in_processes
from stages.shared.params import Measure

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Does any work, several tasks at once; see `in_processes`.

    It asks for more tasks after each result, even if there were none the last time.
    """

    def __call__(self, work: Callable[[T], R], tasks: Iterable[T], /) -> Iterator[R]: ...


def engine_of(measure: Measure, *, gpus: int = 0) -> Engine:
    """The engine that params.yaml names; with Ray, each worker has this number of GPUs."""
    if measure.engine == "local":
        return in_processes
    if measure.ray_address is None:
        # Ray reads these when it is imported. Without them it would listen on all interfaces, with
        # a token that other programs know too.
        os.environ |= {
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # only loopback, on Linux too
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": token_hex(),
        }
    try:
        from stages.measure.ray_workers import on_ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise ValueError(
            "measure.engine in params.yaml is ray, which is not installed; "
            "run `python -m pip install -r requirements-ray.txt`"
        ) from error
    return partial(on_ray, address=measure.ray_address, gpus=gpus)
