"""How a stage ends: quietly, or with one readable error and exit code 1."""

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
    """Call `main`; print the errors that are a user's to mend instead of a traceback."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # no longer that of stages/__init__.py
    try:
        main()
    except (OSError, ValueError) as error:
        fail(f"{error}{_hint(error)}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
    # The process ends here: without this, Python would first search all of torch's objects for
    # garbage, which takes a third of a second.
    gc.freeze()


@contextmanager
def importing() -> Iterator[None]:
    """Around the import of torch, which makes many objects and no garbage.

    Looking for garbage among them would take a quarter of a second, then and at each later look.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def fail(error: str) -> NoReturn:
    """End with an error and its remedy, in red where a terminal shows it."""
    from rich.console import Console  # only here: it takes a tenth of a second
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    with console.capture() as shown:
        console.print(Text(visible(f"error: {error}"), style="red"), end="")
    sys.exit(shown.get())


def visible(text: str) -> str:
    """A text without what a terminal would obey: a name may have it, of a file or of a class."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _hint(error: OSError | ValueError) -> str:
    hint = ""
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        hint += "; free some space and run again"
    if "DVC_STAGE" in os.environ:
        hint += (
            "\nDVC took away what this stage had written before, and keeps it: `dvc repro` brings "
            "it back once the cause is mended; `dvc checkout` and `git restore reports` do at once"
        )
    return hint
