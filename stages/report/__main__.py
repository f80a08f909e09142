"""Write the page for people, and the rows of its plots: `python -m stages.report`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stages.report.inputs import load_inputs
from stages.report.page import PLOT_ROWS, render, save_page
from stages.report.plots import class_rows, shift_rows
from stages.shared import entry
from stages.shared.reports import write_rows


def main() -> None:
    inputs = load_inputs()
    shift, classes = shift_rows(inputs.shift), class_rows(inputs.shift)
    page = render(inputs, shift, classes)
    write_rows(PLOT_ROWS / "shift.json", shift)
    write_rows(PLOT_ROWS / "classes.json", [without_tags(row) for row in classes])
    save_page(page)


def without_tags(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose texts cannot close a script element: `dvc plots` writes them into one, raw."""
    return {
        key: value.replace("<", "‹") if isinstance(value, str) else value
        for key, value in row.items()
    }


if __name__ == "__main__":
    entry.run(main)
