"""Hand out the chosen preset at a stable path, if the limits hold: `python -m stages.publish`."""

from __future__ import annotations

import argparse

from stages import entry
from stages.files.params import load_params
from stages.files.reports import CHECK, PRESETS, PUBLISHED, copy_report, read_json


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not read_json(CHECK, "passed", "limits")["passed"]:
        raise ValueError(f"{CHECK}: a limit is broken, so nothing is published; see `dvc repro`")
    chosen = PRESETS / load_params().preset
    for name in ("metrics.json", "normalization.json"):
        copy_report(chosen / name, PUBLISHED / name)


if __name__ == "__main__":
    entry.run(main)
