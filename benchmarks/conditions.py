"""What every benchmark shares: the machine's conditions, timing in turns, a Markdown table.

Standard library only, so that it runs wherever torch does.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
PACKAGES = ("torch", "torchvision", "numpy", "opencv-python-headless", "dvc", "ray")


def conditions() -> str:
    """The machine and its state, as a Markdown list; call before the work, for the load."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = (f"{name} {found}" for name in PACKAGES if (found := _version(name)))
    return "\n".join(
        [
            f"- {datetime.now(timezone.utc):%Y-%m-%d}",
            f"- {_processor()}, {_cores()} cores, {memory:.0f} GiB of memory",
            f"- {platform.system()} {platform.release()}, Python {platform.python_version()}",
            f"- {', '.join(versions)}",
            f"- load average at the start (1, 5, 15 minutes): "
            f"{', '.join(f'{load:.2f}' for load in os.getloadavg())}",
        ]
    )


def in_turns(runs: int, sides: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each run of each side, the sides taking turns so that they share conditions."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def middle(values: Sequence[float], digits: int = 1) -> str:
    """The median, with the range of the runs."""
    return (
        f"{statistics.median(values):.{digits}f} "
        f"({min(values):.{digits}f} to {max(values):.{digits}f})"
    )


def verdict(what: str, found: float, limit: float, unit: str = "") -> str:
    """One line: a number, what it may be at most, and whether it is."""
    return (
        f"- {what}: {found:.3g}{unit}, at most {limit:.3g}{unit}: "
        f"{'met' if found <= limit else 'NOT MET'}"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
