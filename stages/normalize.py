"""Apply a preset to both splits and report the result: `python -m stages.normalize imagenet`."""

from __future__ import annotations

import argparse

from stages import entry
from stages.core.normalize import details, distribution, metrics, normalization
from stages.core.presets import Preset, fit_preset
from stages.core.statistics import channel_names
from stages.core.summary import SplitSummary, summarize
from stages.files.params import FittedPreset, Params, load_params
from stages.files.reports import PRESETS, write_json, write_rows
from stages.files.statistics import digests_of_statistics, load_splits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    name = parser.parse_args().preset
    params = load_params()
    train, test = map(summarize, load_splits().values())
    preset = find_preset(params, name, train)
    after = details(preset, train, test)
    write_json(PRESETS / name / "metrics.json", metrics(preset, after))
    write_json(PRESETS / name / "normalization.json", normalization(preset))
    write_rows(PRESETS / name / "distribution.json", distribution(preset, train, test))
    # Last: where these digests are, all of the folder was made from the same statistics.
    write_json(PRESETS / name / "details.json", {"statistics": digests_of_statistics(), **after})


def find_preset(params: Params, name: str, train: SplitSummary) -> Preset:
    """The preset's numbers, fitted to `train` where it asks for that."""
    if name not in params.presets:
        raise ValueError(
            f"no preset {name!r} in params.yaml; expected one of {', '.join(params.presets)}"
        )
    preset = params.presets[name]
    if isinstance(preset, FittedPreset):
        return fit_preset(train, preset.std)
    names = channel_names(len(train.channels))
    if len(preset.mean) != len(names):
        numbers = "1 number" if len(names) == 1 else f"{len(names)} numbers"
        raise ValueError(
            f"presets.{name} in params.yaml: expected {numbers} ({', '.join(names)}) in mean and "
            f"in std, one for each channel of the images, found {len(preset.mean)}; write "
            f"{numbers}, or remove the preset"
        )
    return Preset(mean=tuple(preset.mean), std=tuple(preset.std))


if __name__ == "__main__":
    entry.run(main)
