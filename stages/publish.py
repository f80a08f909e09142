"""Hand out the chosen preset at a stable path, if the limits hold: `python -m stages.publish`."""

from __future__ import annotations

from stages.check.verdict import in_words
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.shared.reports import CHECK, PRESETS, PUBLISHED, copy_report, read_json, take_back


def main() -> None:
    checked = read_json(CHECK)
    if not checked["passed"]:
        take_back()
        entry.fail(in_words(checked))
    chosen = PRESETS / load_params().preset
    for name in ("distribution.json", "metrics.json", "normalization.json"):
        copy_report(chosen / name, PUBLISHED / name)


if __name__ == "__main__":
    entry.run(main)
