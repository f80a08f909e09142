"""What users give to `make` reaches the commands unchanged: it is not run, lost or printed.

Here the commands only print their arguments.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, ROOT

INSTALLED = ".venv/installed"
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


def write_command(path: Path) -> None:
    path.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Makefile beside an environment whose `python` prints its arguments."""
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    commands = tmp_path / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "activate").write_text('PATH="$PWD/.venv/bin:$PATH"\n')
    write_command(commands / "python")
    for extra in "", "-remotes", "-test":
        (tmp_path / f"requirements{extra}.txt").touch()
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
def test_a_value_arrives_unchanged(folder: Path, target: str, name: str) -> None:
    before = sorted(folder.iterdir())
    for value in VALUES:
        for printed in (
            make(folder, target, f"{name}={value}"),
            make(folder, target, **{name: value}),
        ):
            assert given(printed)[2:] == ["--", value]
    assert sorted(folder.iterdir()) == before


def test_options_arrive_as_words_and_are_not_printed(folder: Path) -> None:
    options = "user=ann password=s3cr$t*'` $(touch run) secret"
    before = sorted(folder.iterdir())
    printed = make(folder, "share", "REMOTE=s3://bucket", f"OPTIONS={options}")
    assert given(printed) == ["-m", "team.share", "--", "s3://bucket", *options.split()]
    assert "s3cr" not in "".join(printed.splitlines()[:-1])
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("target", ["adopt", "share"])
def test_a_missing_value_is_asked_for(folder: Path, target: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        make(folder, target)
    assert f"Say where: make {target}" in error.value.stderr


def test_help_has_a_line_for_every_target() -> None:
    printed = make(ROOT, "help")
    assert all(len(line) <= 80 for line in printed.splitlines())
    targets = re.findall(r"^\.PHONY: all (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"^make ?(\w*)(?: [A-Z]+=\S+)?  +\w", printed, re.MULTILINE)
    assert sorted(named) == sorted(["", *targets[0].split()])


@pytest.fixture
def path(folder: Path) -> Path:
    """A PATH with only what any system has."""
    commands = folder / "commands"
    commands.mkdir()
    for name in "make", "mkdir", "sh", "touch", "uname":
        (commands / name).symlink_to(str(shutil.which(name)))
    (folder / ".venv" / "installed").unlink()
    return commands


def installs(folder: Path, path: Path, *words: str) -> list[list[str]]:
    printed = make(folder, *words, "PYTHON=.venv/bin/python", PATH=str(path))
    given = [json.loads(line) for line in printed.splitlines() if line.startswith('["')]
    return [words for words in given if "install" in words]


def test_uv_installs_if_it_is_there_else_pip(folder: Path, path: Path) -> None:
    by_pip = ["-m", "pip", "install", "--disable-pip-version-check", "-r"]
    assert installs(folder, path, INSTALLED) == [[*by_pip, "requirements.txt"]]
    assert installs(folder, path, INSTALLED) == []
    write_command(path / "uv")
    by_uv = ["pip", "install", "--python", ".venv/bin/python", "-r", "pyproject.toml"]
    test = f"{INSTALLED}-test"
    assert installs(folder, path, test) == [[*by_uv, "-c", "requirements-test.txt", "--extra=test"]]
    (folder / test).unlink()
    assert installs(folder, path, test, "UV=") == [[*by_pip, "requirements-test.txt"]]


def test_torch_for_cpus_is_asked_of_uv_and_remembered(folder: Path, path: Path) -> None:
    write_command(path / "uv")
    for words in (INSTALLED, "TORCH=cpu"), (f"{INSTALLED}-test",):
        (asked,) = installs(folder, path, *words)
        assert "--torch-backend=cpu" in asked
        # The pins of CUDA's packages may only constrain.
        assert asked[asked.index("-r") + 1] == "pyproject.toml"
    assert installs(folder, path, INSTALLED, "TORCH=cpu") == []


def test_torch_for_cpus_is_refused_without_uv_or_beside_another_torch(
    folder: Path, path: Path
) -> None:
    before = sorted((folder / ".venv").iterdir())
    with pytest.raises(subprocess.CalledProcessError) as error:
        installs(folder, path, INSTALLED, "TORCH=cpu")
    assert "TORCH=cpu needs uv" in error.value.stderr
    assert sorted((folder / ".venv").iterdir()) == before
    write_command(path / "uv")
    installs(folder, path, INSTALLED)
    with pytest.raises(subprocess.CalledProcessError) as error:
        installs(folder, path, INSTALLED, "TORCH=cpu")
    assert "remove .venv first" in error.value.stderr
