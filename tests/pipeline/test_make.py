"""What users give `make` reaches the commands as it is: no text of it is run, eaten or printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, ROOT

VALUES = (
    "it's",
    '"quoted"',
    "$x",
    "$$",
    "$(shell touch run)",
    "$(touch run)",
    "`touch run`",
    "; touch run",
    "x'; touch run; echo '",
    '"; touch run; echo "',
    "two  words",
    "two\nlines",
    "a#b",
    "*",
    "--help",
    "back\\slash\\",
    "~/photos",
    "söte hunde",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Makefile beside an environment whose `python` prints the words that it is given."""
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    commands = tmp_path / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "activate").write_text('PATH="$PWD/.venv/bin:$PATH"\n')
    python = commands / "python"
    python.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    python.chmod(0o755)
    for made in "requirements.txt", "requirements-remotes.txt":
        (tmp_path / made).touch()
    for made in "installed", "installed-remotes":
        (tmp_path / ".venv" / made).touch()
    return tmp_path


def make(folder: Path, *words: str, **environment: str) -> str:
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env={**ENVIRONMENT, **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def given(printed: str) -> list[str]:
    words: list[str] = json.loads(printed.splitlines()[-1])
    return words


@pytest.mark.parametrize(
    ("target", "name"), [("adopt", "DATA"), ("share", "REMOTE"), ("release", "VERSION")]
)
def test_a_value_arrives_as_it_is(folder: Path, target: str, name: str) -> None:
    before = sorted(folder.iterdir())
    for value in VALUES:
        for printed in (
            make(folder, target, f"{name}={value}"),
            make(folder, target, **{name: value}),
        ):
            assert given(printed)[2:] == ["--", value]
    assert sorted(folder.iterdir()) == before


def test_options_are_words_that_are_not_printed(folder: Path) -> None:
    options = "user=ann password=s3cr$t*'` $(touch run) secret"
    before = sorted(folder.iterdir())
    printed = make(folder, "share", "REMOTE=s3://bucket", f"OPTIONS={options}")
    assert given(printed) == ["-m", "team.share", "--", "s3://bucket", *options.split()]
    assert "s3cr" not in "".join(printed.splitlines()[:-1])
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("target", ["adopt", "share"])
def test_what_is_missing_is_asked_for(folder: Path, target: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        make(folder, target)
    assert f"Say where: make {target}" in error.value.stderr
