"""Check the whole of `params.yaml`: `python -m stages.validate`.

It is the first stage, so that a mistake ends `dvc repro` before anything else is done.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stages import entry
from stages.files.atomic import atomic_write
from stages.files.params import load_params

VALID = Path("reports/valid.txt")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    os.environ.pop("DVC_STAGE", None)  # or an error would say that DVC took something away
    load_params()
    with atomic_write(VALID) as file:
        file.write(b"`dvc repro` comes past this file only if params.yaml has no mistake.\n")


if __name__ == "__main__":
    entry.run(main)
