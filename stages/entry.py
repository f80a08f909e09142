"""How a stage ends: quietly, or with one readable error and exit code 1."""

from __future__ import annotations

import errno
import gc
import sys
from collections.abc import Callable


def run(main: Callable[[], None]) -> None:
    """Call `main`; print the errors that are a user's to mend instead of a traceback."""
    try:
        main()
    except (OSError, ValueError) as error:
        hint = "; free some space and run again" if _is_full_disk(error) else ""
        sys.exit(f"error: {error}{hint}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
    # The process ends here: without this, Python would first search all of torch's objects for
    # garbage, which takes a third of a second.
    gc.freeze()


def _is_full_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
