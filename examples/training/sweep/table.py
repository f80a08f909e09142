"""The tables of the README from all that the sweep found: `python -m sweep.table`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_rel

from train import load_params

Floats = NDArray[np.float64]


def main() -> None:
    params = load_params("sweep/params.yaml")
    tables = [tuned(params), accuracies(params)]
    Path("sweep/tables.md").write_text("\n".join(tables))


def tuned(params: dict[str, Any]) -> str:
    """Accuracy on the held-out images, in percent, of every network, learning rate and preset."""
    rows = []
    for network in params["networks"]:
        for learning_rate in params["tune"]["learning_rates"]:
            found = [
                percent("tuned", network, preset, learning_rate) for preset in params["presets"]
            ]
            shown = [f"{value:.2f}" for value in (*found, np.mean(found))]
            rows.append([network, str(learning_rate), *shown])
    presets = [f"`{preset}`" for preset in params["presets"]]
    return table(["network", "learning rate", *presets, "mean"], rows)


def accuracies(params: dict[str, Any]) -> str:
    """Accuracy on the test split, in percent: mean and std (ddof 1) over the seeds, and the mean
    difference from the preset `against`, paired by seed, with Student's t interval.

    All intervals together hold with 95 % (Bonferroni).
    """
    against = params["against"]
    others = [preset for preset in params["presets"] if preset != against]
    level = 1 - 0.05 / (len(params["networks"]) * len(others))
    rows = []
    for network in params["networks"]:
        found = {
            preset: np.array(
                [percent("accuracy", network, preset, seed) for seed in params["seeds"]]
            )
            for preset in params["presets"]
        }
        for preset, values in found.items():
            cells = [network, f"`{preset}`", f"{values.mean():.2f}", f"{values.std(ddof=1):.2f}"]
            rows.append(
                [*cells, "" if preset == against else difference(values, found[against], level)]
            )
    header = ["network", "preset", "mean", "std", f"mean difference from `{against}`"]
    return table(header, rows)


def difference(values: Floats, reference: Floats, level: float) -> str:
    ends = ttest_rel(values, reference).confidence_interval(level)
    return f"{np.mean(values - reference):+.2f} ({ends.low:+.2f} to {ends.high:+.2f})"


def percent(folder: str, network: str, preset: str, run: object) -> float:
    path = Path("sweep") / folder / network / preset / f"{run}.json"
    return 100 * float(json.loads(path.read_text())["accuracy"])


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
