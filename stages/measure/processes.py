"""Does tasks in processes of this machine, several at once."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WAITING = 2  # tasks for each worker at a time: none is idle, and few are in memory


def in_processes(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
    """The results of `work` as they come, in any order; the first error of a task is raised.

    OSError names the tasks in work if a process dies.
    """
    processes = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # Not forked, as torch's threads and those that hash files would not survive that.
    context = multiprocessing.get_context("spawn")
    remaining, pending = iter(tasks), dict[Future[R], T]()
    with ProcessPoolExecutor(processes, context, initializer=_end_with_the_parent) as pool:
        try:
            while True:
                room = WAITING * (processes or 1) - len(pending)
                pending |= {pool.submit(work, task): task for task in islice(remaining, room)}
                if not pending:
                    return
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                    del pending[future]
        except BrokenProcessPool as error:
            lost = [task for future, task in pending.items() if future.exception()]
            # The processes had the first of these tasks; the others were waiting.
            had = "".join(f"\n  {task!s:.200}" for task in lost[:processes])
            raise OSError(
                "a process was killed, perhaps as memory ran out. It was working on one of these:"
                f"{had}\nFree memory, or look for a large image there, and run again: what was "
                "measured before is kept"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _end_with_the_parent() -> None:
    """Without this, a process would wait forever for its next task once the run is killed."""

    def wait_and_exit() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait_and_exit, daemon=True).start()
