"""Check the whole of `params.yaml`, and that dvc.lock is whole: `python -m stages.validate`.

It is the first stage, so that a mistake ends `dvc repro` before anything else is done.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stages.shared import entry
from stages.shared.atomic import atomic_write
from stages.shared.load_params import load_params

LOCK = Path("dvc.lock")
VALID = Path("reports/valid.txt")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    os.environ.pop("DVC_STAGE", None)  # or an error would say that DVC took something away
    check_lock()
    load_params()
    with atomic_write(VALID) as file:
        file.write(b"`dvc repro` comes past this file only if params.yaml has no mistake.\n")


def check_lock() -> None:
    """ValueError if DVC was stopped while it wrote dvc.lock."""
    if LOCK.is_file() and not LOCK.read_bytes().endswith(b"\n"):
        raise ValueError(
            f"{LOCK} is cut off, as DVC was stopped while it wrote it; `git restore {LOCK}` brings "
            "back the committed one, and `dvc repro` goes on from there"
        )


if __name__ == "__main__":
    entry.run(main)
