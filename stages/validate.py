"""Check `params.yaml` without running a stage: `python -m stages.validate`.

`dvc repro` runs only what changed, so a mistake in a part that no stage depends on would wait
for the next stage that runs.
"""

from __future__ import annotations

import argparse

from stages import entry
from stages.files.params import load_params


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    load_params()


if __name__ == "__main__":
    entry.run(main)
