"""The README and the pages of docs/: their text, and their commands run as a reader types them."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.conftest import ROOT, Project

README = (ROOT / "README.md").read_text()
PAGES = {page.stem: page.read_text() for page in sorted((ROOT / "docs").glob("*.md"))}

# Commands that another test runs.
ELSEWHERE = {"make adopt DATA=~/photos OPTIONS=--in-place": "tests/pipeline/test_adopt.py"}

# These would run this test again or change its environment, so they are only prepared.
PREPARED_ONLY = {
    "make test": "make --dry-run test",
    "pytest": "pytest --collect-only --quiet tests/pipeline/test_readme.py",
}
PIP_INSTALL = "python -m pip install"

ACTIVATE = ". .venv/bin/activate"
HOME = "/home/ann"  # as the pages show it
CUT = "..."  # lines that the pages do not show


def sections(page: str) -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = page.split("\n## ")[1:]
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


def blocks(page: str) -> list[tuple[str, str]]:
    """The language and the text of each block of code."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def commands_with_output(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block and the lines shown below it."""
    for part in block.removeprefix("$ ").split("\n$ "):
        command, *shown = part.strip("\n").split("\n")
        yield command, [line for line in shown if line != CUT]


def commands(page: str) -> list[tuple[str, list[str]]]:
    consoles = (block for language, block in blocks(page) if language == "console")
    return [command for block in consoles for command in commands_with_output(block)]


def words(line: str) -> str:
    """A line without its layout: DVC fits the width of its columns to all of its rows."""
    return " ".join(line.split())


def ready(project: Project) -> Project:
    """A reader's machine: the environment is installed, but no new shell has activated it."""
    project.use_this_environment()
    if sys.prefix != sys.base_prefix:
        here = str(Path(sys.executable).parent)
        path = project.environment["PATH"].split(os.pathsep)
        project.environment["PATH"] = os.pathsep.join(folder for folder in path if folder != here)
    project.environment |= {"COLUMNS": "80", "BROWSER": "echo"}
    return project


def run(page: str, project: Project, typed: Iterable[str] = (ACTIVATE,)) -> list[str]:
    """Run the blocks of a page in a shell, after the commands `typed`; the commands that ran."""
    remembered, ran = list(typed), []

    def shell(command: str) -> str:
        return project.run("bash", "-c", " && ".join([*remembered, command]))

    for language, block in blocks(page):
        if language == "yaml":
            with (project.path / "params.yaml").open("a") as params:
                params.write(block)
        elif language == "python":
            shell(f"python -c {shlex.quote(block)}")
        elif language == "console":
            for command, shown in commands_with_output(block):
                if command in ELSEWHERE:
                    continue
                ran.append(command)
                if re.fullmatch(r"(cd|\.) \S+", command):  # the folder and the PATH of the shell
                    remembered.append(command)
                    continue
                prepared = command.replace(PIP_INSTALL, f"{PIP_INSTALL} --dry-run")
                output = shell(PREPARED_ONLY.get(command, prepared))
                output = output.replace(project.environment["HOME"], HOME)
                printed = [words(line) for line in output.splitlines()]
                for line in shown:
                    assert words(line) in printed, f"{command}\n{output}"
    return ran
