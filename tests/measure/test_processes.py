"""Processes return every result, and one that dies is an error."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from stages.images.listing import File
from stages.measure.processes import in_processes
from stages.measure.work import Task
from stages.shared.preparation import Preparation


def names(task: Task) -> list[str]:
    """The file `deadly` kills its process, as the kernel does when memory runs out."""
    if task.files[0].name == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return [file.name for file in task.files]


def tasks(*names: str) -> list[Task]:
    return [Task([File(name, Path("train"))], Preparation()) for name in names]


def test_the_result_of_each_task_comes_once() -> None:
    numbered = [str(number) for number in range(20)]
    assert sorted(in_processes(names, tasks(*numbered))) == sorted([name] for name in numbered)


def test_a_process_that_dies_is_an_error_that_names_its_task() -> None:
    before, after = map(str, range(9)), map(str, range(9, 18))
    with pytest.raises(OSError, match="a process was killed, perhaps as memory ran out") as error:
        list(in_processes(names, tasks(*before, "deadly", *after)))
    assert "\n  train/deadly\n" in str(error.value)
    assert len(re.findall("\n  train/", str(error.value))) <= (os.cpu_count() or 1)
