"""DVC's command line in a process forked from one that has imported it.

This saves the time that Python takes to import DVC for each command. Tests that kill `dvc`, or call
it from a shell, run `dvc` itself.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["dvc.cli.parser", "dvc.repo", "dvc.stage.cache", "dvc_s3", "dvc_ssh"])


def dvc(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit code, and what was printed, standard error included."""
    ours, its = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_main, args=(its, arguments, folder, environment))
    process.start()
    its.close()
    with os.fdopen(os.dup(ours.fileno()), encoding="utf-8") as printed:
        text = printed.read()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, text


def _main(
    output: Connection, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> None:
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [entry for entry in sys.path if entry]  # `dvc` imports nothing from its folder
    from dvc.cli import main

    sys.exit(main(list(arguments)))
