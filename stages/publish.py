"""Hand out the chosen preset at a stable path: `python -m stages.publish`."""

from __future__ import annotations

import argparse

from stages import entry
from stages.files.params import load_params
from stages.files.reports import PRESETS, PUBLISHED, copy_report


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    chosen = PRESETS / load_params().preset
    for name in ("metrics.json", "normalization.json"):
        copy_report(chosen / name, PUBLISHED / name)


if __name__ == "__main__":
    entry.run(main)
