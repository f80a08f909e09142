"""Print what the reports say on one screen: `python -m stages.overview`."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from stages import entry
from stages.core.report.numbers import fixed
from stages.core.report.shift_words import limits_in_words, verdict
from stages.core.statistics import SPLITS
from stages.files.params import load_params
from stages.files.reports import CHECK, PRESETS, SHIFT, read_json

WIDTH = 80  # columns, which every terminal has
DECIMALS = 4
PAGE = "reports/index.html"


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    params = load_params()
    table = preset_table(list(params.presets), params.preset)
    console = Console(width=WIDTH, highlight=False)
    console.print(table, f"To {DECIMALS} decimals; `dvc metrics show` has them all.\n")
    console.print(f"{verdict(read_json(SHIFT))} {limits_in_words(read_json(CHECK))}.\n")
    console.print(f"Open [bold]{PAGE}[/] for plots, pictures and code to copy.")


def preset_table(presets: list[str], published: str) -> Table:
    """The constants of each preset, and what both splits have after it, a channel a line."""
    columns = [(part, of) for part in ("preset", *SPLITS) for of in ("mean", "std")]
    table = Table(box=None, padding=(0, 1, 1, 0), header_style="bold")
    table.add_column("preset", overflow="fold")
    table.add_column()
    for part, of in columns:
        heading = of if part == "preset" else f"{part}\n{of}"
        table.add_column(heading, justify="right", overflow="fold")
    for preset in presets:
        metrics = read_json(PRESETS / preset / "metrics.json")
        table.add_row(
            f"[green]{preset}\npublished" if preset == published else preset,
            "\n".join(metrics["preset"]["mean"]),
            *(
                "\n".join(fixed(value, DECIMALS) for value in metrics[part][of].values())
                for part, of in columns
            ),
        )
    return table


if __name__ == "__main__":
    entry.run(main)
