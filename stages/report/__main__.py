"""Write the page that people look at, and the rows of its plots: `python -m stages.report`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from stages.report.inputs import load_inputs
from stages.report.page import PLOT_ROWS, render, save_page
from stages.report.plots import class_rows, shift_rows
from stages.shared import entry
from stages.shared.reports import write_rows


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    inputs = load_inputs()
    of_shift, of_classes = shift_rows(inputs.shift), class_rows(inputs.shift)
    page = render(inputs, of_shift, of_classes)
    write_rows(PLOT_ROWS / "shift.json", of_shift)
    write_rows(PLOT_ROWS / "classes.json", [in_a_script(row) for row in of_classes])
    save_page(page)


def in_a_script(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose texts end no script: `dvc plots` may put them into one, as they are."""
    return {
        key: value.replace("<", "‹") if isinstance(value, str) else value
        for key, value in row.items()
    }


if __name__ == "__main__":
    entry.run(main)
