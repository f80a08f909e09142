"""Chooses the device to count on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def choose_device(name: str) -> torch.device:
    """The named device, or for `auto` the fastest one; ValueError if this machine lacks it."""
    present = []
    if torch.cuda.is_available():
        present += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        present.append("mps")
    present.append("cpu")
    if name == "auto":
        name = present[0]
    if name not in present:
        raise ValueError(
            f"measure.device in params.yaml: {name!r} is not on this machine; "
            f"expected one of auto, {', '.join(present)}"
        )
    return torch.device(name)


@contextmanager
def readable_device_errors(device: torch.device) -> Iterator[None]:
    """Turn torch's errors of a device that is busy, too old or out of memory into OSError."""
    try:
        yield
    except RuntimeError as error:
        if device.type == "cpu":
            raise
        raise OSError(
            f"{device} failed: {error}; to go on, set measure.device to cpu in params.yaml"
        ) from error
