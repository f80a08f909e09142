"""A stage ends well or with one readable error, whatever is in the files that it reads."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz import TARGETS, Target, call, damaged, write_project

# By hand: `FUZZ_ROUNDS=2000 pytest tests/pipeline/test_fuzz.py`.
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "20"))


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of two projects, of files and of arrays."""
    with pytest.MonkeyPatch.context() as patch:
        projects = tmp_path_factory.mktemp("projects")
        patch.setenv("XDG_CACHE_HOME", str(projects / "cache"))
        for form in "photos", "arrays":
            (projects / form).mkdir()
            patch.chdir(projects / form)
            write_project(form)
        yield projects


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.path)
def test_a_damaged_file_is_no_traceback(
    projects: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(projects / ("arrays" if "/arrays/" in target.path else "photos"))
    rng = random.Random(target.path)  # noqa: S311 (no secret)
    path = Path(target.path)
    content = path.read_bytes()
    ends = set()
    try:
        for _ in range(ROUNDS):
            path.write_bytes(damaged(rng, path, content))
            ends.add(call(rng.choice(target.commands)) is None)
    finally:
        path.write_bytes(content)  # the next test needs it whole
    assert False in ends  # so the file is read
