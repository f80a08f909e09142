"""Check `params.yaml`, and that dvc.lock is not cut off: `python -m stages.validate`.

It is the first stage: a mistake ends `dvc repro` before anything else is done. If `params.yaml`
names another dataset than the last time, it removes what was published of that one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

from stages.shared import entry
from stages.shared.atomic import atomic_write
from stages.shared.load_params import NO_YAML, load_params
from stages.shared.names import SPLITS
from stages.shared.params import Dataset
from stages.shared.reports import take_back

LOCK = Path("dvc.lock")
VALID = Path("reports/valid.txt")


def main() -> None:
    os.environ.pop("DVC_STAGE", None)  # or an error would say that DVC took something away
    lock = load_lock()
    if lock.measured_another_than(load_params().dataset) and (gone := take_back()):
        print(f"{' and '.join(map(str, gone))}: removed, as they were made from another dataset")
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

    def measured_another_than(self, dataset: Dataset) -> bool:
        """Whether a split was measured in a folder other than the dataset's for it."""
        return any(
            str(dataset.folder(split)) not in {dep.path for dep in stage.deps}
            for split in SPLITS
            if (stage := self.stages.get(f"measure@{split}"))
        )


def load_lock() -> Lock:
    """What DVC noted of each stage; ValueError if DVC was stopped while it wrote dvc.lock."""
    written = LOCK.read_bytes() if LOCK.is_file() else None
    if written is None or b"\n<<<<<<< " in written:  # DVC itself reports a merge conflict
        return Lock(schema="2.0", stages={})
    try:
        if not written.endswith(b"\n"):
            raise ValueError("its last line has no end")
        return Lock.model_validate(YAML(typ="safe").load(written))
    except NO_YAML as error:  # also for another shape, as pydantic raises a ValueError
        raise ValueError(
            f"{LOCK} is cut off, as DVC was stopped while it wrote it; `git restore {LOCK}` brings "
            "back the committed one, and `dvc repro` goes on from there"
        ) from error


if __name__ == "__main__":
    entry.run(main)
