"""How a command shows its error, in a terminal and in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from stages.shared import entry

PROGRAM = """
from stages.shared import entry

def main():
    raise ValueError("expected [a], found \\x1b]0;b\\x07; " + "write a " * 20)

entry.run(main)
"""
SAID = "error: expected [a], found \\x1b]0;b\\x07; " + "write a " * 20


def in_a_terminal(environment: Mapping[str, str]) -> str:
    """What the program writes to a terminal as its standard error."""
    ours, its = os.openpty()
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123  # a descriptor
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stderr=its, env={**os.environ, **environment}
        )
        os.close(its)
        assert process.wait() == 1
        return os.read(terminal.fileno(), 2**16).decode()


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"TERM": "xterm"}, f"\x1b[31m{SAID}\x1b[0m"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, SAID),
        ({"TERM": "dumb"}, SAID),
    ],
)
def test_an_error_is_one_red_line_in_a_terminal(environment: Mapping[str, str], shown: str) -> None:
    assert (
        in_a_terminal({"COLUMNS": "40", "NO_COLOR": "", **environment}).rstrip() == shown.rstrip()
    )


def test_an_error_is_plain_in_a_file() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, f"{SAID}\n")


def test_of_a_long_error_both_ends_are_shown() -> None:
    start, end = "a" * (1500 - len("error: ")), "b" * 1500
    with pytest.raises(SystemExit) as stopped:
        entry.fail(f"{start}{'x' * 20_000}{end}")
    assert stopped.value.code == f"error: {start} ... 20,000 characters left out ... {end}"
