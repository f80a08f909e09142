"""How a command ends: quietly, or with one readable error and exit code 1."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def run(main: Callable[[], None]) -> None:
    """Call `main`; an error that a user can mend is printed without a traceback."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # replaces stages/__init__.py's
    try:
        main()
    except (OSError, ValueError) as error:
        fail(f"{error}{_hint(error)}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
    # Without this, Python would search all of torch's objects for garbage before it exits, which
    # takes a third of a second.
    gc.freeze()


@contextmanager
def importing() -> Iterator[None]:
    """Import torch in this block: its many objects are no garbage, and are not searched for any.

    Each search would take a quarter of a second, during the import and later.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def fail(error: str) -> NoReturn:
    """End with exit code 1 and an error, in red if a terminal shows it."""
    from rich.console import Console  # imported here, as it takes a tenth of a second
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    with console.capture() as shown:
        console.print(Text(visible(f"error: {error}"), style="red"), end="")
    sys.exit(shown.get())


def visible(text: str) -> str:
    """The text with control characters escaped: names of files and of classes may hold some."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _hint(error: OSError | ValueError) -> str:
    hint = ""
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        hint += "; free some space and run again"
    if "DVC_STAGE" in os.environ:
        hint += (
            "\nDVC took away what this stage wrote before, and keeps a copy: `dvc repro` brings "
            "it back once the cause is mended; `dvc checkout` and `git restore reports` do so now"
        )
    return hint
