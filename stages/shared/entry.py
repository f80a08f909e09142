"""How a command starts and ends: quietly, or with one readable error and exit code 1."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)

KEPT_AT_EACH_END = 1500  # characters of a long error


Argument = tuple[tuple[str, ...], dict[str, Any]]


def argument(*names: str, **options: Any) -> Argument:
    """An argument of a command, as `argparse`'s `add_argument` takes it."""
    return names, options


def run(main: Callable[..., None], *arguments: Argument) -> None:
    """Call `main` with the command's arguments, by name; its module's docstring is the help.

    An error that a user can mend is printed without a traceback.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # replaces stages/__init__.py's
    parser = argparse.ArgumentParser(
        description=sys.modules[main.__module__].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for names, options in arguments:
        parser.add_argument(*names, **options)
    given = vars(parser.parse_args())
    try:
        main(**given)
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
        console.print(Text(_shortened(visible(f"error: {error}")), style="red"), end="")
    sys.exit(shown.get())


def _shortened(text: str) -> str:
    """A damaged report may hold a name of any length; what to do stands at the end of an error."""
    left_out = len(text) - 2 * KEPT_AT_EACH_END
    if left_out <= 0:
        return text
    start, end = text[:KEPT_AT_EACH_END], text[-KEPT_AT_EACH_END:]
    return f"{start} ... {left_out:,} characters left out ... {end}"


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
