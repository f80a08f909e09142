"""Runs a command and measures it from outside: wall time and peak memory.

Keep the calling process small: on Linux, the peak of a child is at least what its parent held when
the child was started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.conditions import MIB

SAMPLE_SECONDS = 0.01
RUSAGE_UNIT = 1 if sys.platform == "darwin" else 1024
ENVIRONMENT = {
    **os.environ,
    # The stages are started as `python`: the one that runs the benchmark.
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}


@dataclass(frozen=True)
class Finished:
    seconds: float  # from start to end, start-up included
    peak_mib: float  # largest RSS of the process or of one that it waited for, from the kernel
    output: str  # standard output and error


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] = ENVIRONMENT
) -> Finished:
    """Run to the end; raises CalledProcessError, with what it printed, if the command fails."""
    start = time.perf_counter()
    process = _start(command, folder, environment)
    output = _output(process)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    _raise_if_failed(process, output)
    return Finished(seconds, usage.ru_maxrss * RUSAGE_UNIT / MIB, output)


def tree_peak_mib(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] = ENVIRONMENT
) -> float:
    """Largest sum of RSS over the process and all below it, sampled while it runs.

    What two processes share counts twice. Sampling takes time: do not time such a run.
    """
    process = _start(command, folder, environment)
    samples = [0]
    done = threading.Event()
    sampler = threading.Thread(target=_sample_tree, args=(process.pid, samples, done))
    sampler.start()
    output = _output(process)
    process.wait()
    done.set()
    sampler.join()
    _raise_if_failed(process, output)
    return max(samples) / MIB


def _start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _output(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    with process.stdout as stream:
        return stream.read()


def _raise_if_failed(process: subprocess.Popen[str], output: str) -> None:
    if process.returncode:
        print(output, file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, process.args)


def _sample_tree(pid: int, samples: list[int], done: threading.Event) -> None:
    while not done.wait(SAMPLE_SECONDS):
        try:
            root = psutil.Process(pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        samples.append(sum(map(_rss, tree)))


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
