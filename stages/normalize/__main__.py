"""Apply a preset to both splits and report the result: `python -m stages.normalize imagenet`."""

from __future__ import annotations

from dataclasses import asdict

from stages.normalize.named import find_preset
from stages.normalize.results import details, distribution, metrics
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.shared.reports import PRESETS, write_json, write_rows
from stages.statistics.files import digests_of_statistics, load_splits
from stages.statistics.summary import summarize


def main(name: str) -> None:
    params = load_params()
    train, test = map(summarize, load_splits().values())
    preset = find_preset(params, name, train)
    after = details(preset, train, test)
    write_json(PRESETS / name / "metrics.json", metrics(preset, after))
    write_json(PRESETS / name / "normalization.json", asdict(preset))
    write_rows(PRESETS / name / "distribution.json", distribution(preset, train, test))
    # Last: where these digests are, all of the folder was made from the same statistics.
    write_json(PRESETS / name / "details.json", {"statistics": digests_of_statistics(), **after})


if __name__ == "__main__":
    entry.run(main, entry.argument("name", metavar="preset"))
