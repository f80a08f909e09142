"""A dvc.lock that was cut off is told from a whole one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

from stages.shared.load_params import parse_params
from stages.shared.params import Splits
from stages.validate import load_lock
from tests.conftest import ROOT

LINES = (ROOT / "dvc.lock").read_text().splitlines(keepends=True)
STARTS = [n for n, line in enumerate(LINES) if line.startswith("  ") and line[2] not in " -"]
STAGES = {
    LINES[start].strip(" :\n"): LINES[start:stop]
    for start, stop in zip(STARTS, [*STARTS[1:], len(LINES)], strict=True)
}
OF_A_BUCKET = """\
  measure@train:
    cmd: python -m stages.measure train
    deps:
    - path: s3://bucket/photos/train/0.tar
      etag: 1259a0c8f60dda50e19093e33e7480dc
      size: 153650347
"""


def is_refused(lock: str) -> bool:
    Path("dvc.lock").write_text(lock)
    try:
        load_lock()
    except ValueError as error:
        return str(error).startswith("dvc.lock is cut off")
    return False


def is_refused_by_dvc(lock: str) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(lock))
    except (Invalid, yaml.YAMLError):
        return True
    return False


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_whole_lock_is_accepted() -> None:
    load_lock()
    assert not is_refused("".join(LINES))
    assert not is_refused("schema: '2.0'\nstages: {}\n")


@pytest.mark.parametrize("name", ["measure@train", "check", "of a bucket"])
def test_a_lock_that_is_cut_at_the_end_of_a_line_is_refused_if_incomplete(name: str) -> None:
    whole = [*LINES[:2], *STAGES.get(name, OF_A_BUCKET.splitlines(keepends=True))]
    assert not is_refused("".join(whole))
    cuts = ["".join(whole[:lines]) for lines in range(len(whole))]
    for cut, last in zip(cuts, ["", *whole], strict=False):
        # DVC accepts a lock that ends so, but never writes one.
        misses_something = last.startswith(("schema: ", "    - path: ", "      hash: "))
        assert is_refused(cut) == (is_refused_by_dvc(cut) or misses_something), cut
    assert any(map(is_refused_by_dvc, cuts[2:]))
    assert not all(map(is_refused, cuts))


@pytest.mark.parametrize("name", ["check", "of a bucket"])
def test_a_lock_that_is_cut_within_a_line_is_refused(name: str) -> None:
    whole = "".join([*LINES[:2], *STAGES.get(name, [OF_A_BUCKET])])
    for size in range(0, len(whole), 7):
        if not whole[:size].endswith("\n"):
            assert is_refused(whole[:size])


def test_a_merge_conflict_is_left_to_dvc() -> None:
    ours, theirs = STAGES["check"], STAGES["measure@train"]
    assert not is_refused(
        "".join([*LINES[:2], "<<<<<<< HEAD\n", *ours, "=======\n", *theirs, ">>>>>>> his\n"])
    )


@pytest.mark.parametrize("root", ["data/cifar10", "/srv/photos", "s3://bucket/photos"])
def test_another_dataset_is_told_from_the_one_that_was_measured(root: str) -> None:
    stages = "".join(
        line.replace("data/cifar10/", f"{root}/")
        for line in [*STAGES["measure@train"], *STAGES["measure@test"]]
    )
    Path("dvc.lock").write_text("".join(LINES[:2]) + stages)
    dataset = parse_params((ROOT / "params.yaml").read_bytes()).dataset

    def is_another(**changes: object) -> bool:
        return load_lock().measured_another_than(dataset.model_copy(update=changes))

    assert not is_another(root=root)
    assert not is_another(root=root, resize=64)
    assert is_another(root=f"{root}2")
    assert is_another(root=root, splits=Splits(train="train", test="val"))


def test_where_nothing_was_measured_no_dataset_is_another() -> None:
    dataset = parse_params((ROOT / "params.yaml").read_bytes()).dataset
    assert not load_lock().measured_another_than(dataset)
