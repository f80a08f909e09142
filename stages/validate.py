"""Check `params.yaml`, and that dvc.lock is not cut off: `python -m stages.validate`.

It is the first stage, so that a mistake ends `dvc repro` before anything else is done.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

from stages.shared import entry
from stages.shared.atomic import atomic_write
from stages.shared.load_params import NO_YAML, load_params

LOCK = Path("dvc.lock")
VALID = Path("reports/valid.txt")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    os.environ.pop("DVC_STAGE", None)  # or an error would say that DVC took something away
    check_lock()
    load_params()
    with atomic_write(VALID) as file:
        file.write(b"`dvc repro` comes past this file only if params.yaml has no mistake.\n")


class LockedFile(BaseModel):
    """A file that a stage reads or writes. Its hash has a key that differs by kind, as `md5`."""

    model_config = ConfigDict(extra="allow")
    path: str
    hash: str = ""

    @model_validator(mode="after")
    def _has_a_hash(self) -> LockedFile:
        if not self.model_extra:
            raise ValueError("expected a hash")
        return self


class Stage(BaseModel):
    cmd: str | list[Any]
    deps: list[LockedFile] = []
    params: dict[str, dict[str, Any]] = {}
    outs: list[LockedFile] = []


class Lock(BaseModel):
    version: Literal["2.0"] = Field(alias="schema")
    stages: dict[str, Stage]


def check_lock() -> None:
    """ValueError if DVC was stopped while it wrote dvc.lock."""
    if LOCK.is_file() and not is_whole(LOCK.read_bytes()):
        raise ValueError(
            f"{LOCK} is cut off, as DVC was stopped while it wrote it; `git restore {LOCK}` brings "
            "back the committed one, and `dvc repro` goes on from there"
        )


def is_whole(lock: bytes) -> bool:
    """Whether a lock is complete. One with a merge conflict passes: DVC itself reports that."""
    try:
        Lock.model_validate(YAML(typ="safe").load(lock))
    except NO_YAML:  # also for another shape, as pydantic raises a ValueError
        return b"\n<<<<<<< " in lock
    return lock.endswith(b"\n")


if __name__ == "__main__":
    entry.run(main)
