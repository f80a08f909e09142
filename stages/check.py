"""Hold the shift against the limits of params.yaml: `python -m stages.check`.

Prints the verdict; ends with exit code 1 where a limit is broken.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tabulate import tabulate

from stages import entry
from stages.core.check import check
from stages.files.params import load_params
from stages.files.reports import CHECK, SHIFT, read_json, write_json


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    limits = load_params().limits
    result = check(read_json(SHIFT, *limits), limits)
    write_json(CHECK, result)
    rows = [
        (measure, channel, checked["value"], checked["limit"], checked["holds"])
        for measure, channels in result["limits"].items()
        for channel, checked in channels.items()
    ]
    broken = [row for row in rows if not row[-1]]
    if broken:
        sys.exit(
            f"error: {len(broken)} of {len(rows)} limits are broken, so nothing is published:\n\n"
            f"{_table(broken)}\n\n"
            "`python -m stages.report` draws all that is known of the shift. Once it is mended, or "
            "found harmless and its limit in params.yaml raised, `dvc repro` goes on"
        )
    if rows:
        print(f"check: the splits stay within all {len(rows)} limits\n\n{_table(rows)}")
    else:
        print("check: params.yaml has no limits")


def _table(rows: list[tuple[Any, ...]]) -> str:
    headers = ("measure", "channel", "value", "limit", "holds")
    return tabulate(rows, headers, floatfmt=".4g", missingval="not finite")


if __name__ == "__main__":
    entry.run(main)
