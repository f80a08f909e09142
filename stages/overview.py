"""Print what the reports say on one screen: `python -m stages.overview`."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from stages.report.numbers import fixed
from stages.report.shift_words import limits_in_words, verdict
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.shared.names import SPLITS
from stages.shared.reports import CHECK, PRESETS, SHIFT, read_json

WIDTH = 80  # columns, which every terminal has
DECIMALS = 4
PAGE = "reports/index.html"


def main() -> None:
    params = load_params()
    checked = read_json(CHECK)
    presets = dict.fromkeys(params.presets, "")
    presets[params.preset] = "[green]published" if checked["passed"] else "[red]not published"
    console = Console(width=WIDTH, highlight=False)
    console.print(preset_table(presets))
    console.print(f"To {DECIMALS} decimals; `dvc metrics show` has them all.\n")
    console.print(verdict(read_json(SHIFT)))
    console.print(f"{limits_in_words(checked)}.\n")
    console.print(f"Open [bold]{PAGE}[/] for plots, pictures and code to copy.")


def preset_table(notes: Mapping[str, str]) -> Table:
    """The constants of each preset, and the means and stds after it; each channel has a line.

    `notes` has a text for below the name of each preset, in rich's markup.
    """
    columns = [(part, measure) for part in ("preset", *SPLITS) for measure in ("mean", "std")]
    table = Table(box=None, padding=(0, 1, 1, 0), header_style="bold")
    table.add_column("preset", overflow="fold")
    table.add_column()
    for part, measure in columns:
        heading = measure if part == "preset" else f"{part}\n{measure}"
        table.add_column(heading, justify="right", overflow="fold")
    for preset, note in notes.items():
        metrics = read_json(PRESETS / preset / "metrics.json")
        table.add_row(
            f"{preset}\n{note}".strip(),
            "\n".join(metrics["preset"]["mean"]),
            *(
                "\n".join(fixed(value, DECIMALS) for value in metrics[part][measure].values())
                for part, measure in columns
            ),
        )
    return table


if __name__ == "__main__":
    entry.run(main)
