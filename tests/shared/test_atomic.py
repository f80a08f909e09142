"""A name stands for a whole file, the new or the old one, whatever happens during the write."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.shared.atomic import LEFTOVER_SECONDS, atomic_write
from stages.shared.reports import write_json
from tests.conftest import ROOT

WRITE_HALF_AND_WAIT = """
import sys
from pathlib import Path
from stages.shared.atomic import atomic_write
with atomic_write(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("half written", flush=True)
    sys.stdin.read()
"""


def test_the_file_is_there_once_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    with atomic_write(path) as file:
        file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_an_error_leaves_the_file_before_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail_midway() -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_file_before_and_a_later_run_cleans_up(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    command = [sys.executable, "-c", WRITE_HALF_AND_WAIT, str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half written\n"
        writer.kill()
    assert path.read_bytes() == b"before"
    [left] = set(tmp_path.iterdir()) - {path}
    for age, files in (0, {path, left}), (LEFTOVER_SECONDS + 60, {path}):
        os.utime(left, (time.time() - age,) * 2)
        with atomic_write(path) as file:
            file.write(b"after")
        assert path.read_bytes() == b"after"
        assert set(tmp_path.iterdir()) == files


def test_two_runs_that_write_one_file_do_not_fail_each_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_write(path) as first:
        with atomic_write(path) as second:
            first.write(b"first")
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_no_link_is_followed_and_the_mode_is_as_of_any_new_file(tmp_path: Path) -> None:
    path, elsewhere, any_file = (tmp_path / name for name in ("file", "elsewhere", "any"))
    elsewhere.write_bytes(b"before")
    (tmp_path / "file.partial").symlink_to(elsewhere)
    path.symlink_to(elsewhere)
    with atomic_write(path) as file:
        file.write(b"content")
    any_file.touch()
    assert elsewhere.read_bytes() == b"before"
    assert not path.is_symlink()
    assert path.stat().st_mode == any_file.stat().st_mode


def test_nan_is_not_written_as_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "report.json", {"mean": float("nan")})
    assert list(tmp_path.iterdir()) == []
