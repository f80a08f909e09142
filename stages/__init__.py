"""Ends a stage at Ctrl-C while it is still importing, as `entry.run` does later."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _end(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(1)


if sys.argv[0] == "-m":  # while Python looks for the module to run
    signal.signal(signal.SIGINT, _end)
