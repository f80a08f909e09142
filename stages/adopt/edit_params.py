"""Name another dataset in `params.yaml`, written as DVC writes it, with its comments kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update

from stages.shared.load_params import PARAMS, parse_params
from stages.shared.names import CHANNELS


@dataclass(frozen=True)
class Choice:
    """A dataset as params.yaml names it, and the channels of its images."""

    root: Path
    splits: Mapping[str, str]
    channels: int
    download: str | None = None


def edit_params(choice: Choice) -> tuple[bytes, list[str]]:
    """params.yaml with the choice, in the form that DVC writes, and what else changed."""
    params = parse_yaml_for_update(PARAMS.read_text(encoding="utf-8"), PARAMS)
    changes = _fit_channels(params, choice.channels)
    dataset = params["dataset"]
    for beside in dataset.ca.items.values():
        beside[3] = beside[3] or None  # else an empty list beside a comment becomes invalid YAML
    dataset["root"] = choice.root.as_posix()
    dataset["splits"].update(choice.splits)
    # A new list: an emptied one may be written on a line of its own, which is invalid YAML.
    dataset["download"] = [choice.download] if choice.download else []
    if choice.download:
        dataset["sources"] = None  # all sources of the dataset
    content = dumps_yaml(params).encode()
    try:
        parse_params(content)
    except ValueError as error:
        raise ValueError(
            f"{PARAMS} is as it was: the edit would have broken it: {error}"
        ) from error
    return content, changes


def _fit_channels(params: Any, channels: int) -> list[str]:
    """Give fixed presets a number for each channel, in place; returns a line for each change.

    A preset with the same number for all channels keeps it for any number of channels. Others are
    removed; ValueError if the chosen preset is one of them.
    """
    changes, presets, meant = [], params["presets"], ", ".join(CHANNELS[channels])
    for name, preset in list(presets.items()):
        if "fit" in preset or len(preset["mean"]) == channels:
            continue
        if any(len(set(numbers)) > 1 for numbers in preset.values()):
            if name == params["preset"]:
                raise ValueError(
                    f"{PARAMS}: the chosen preset {name} is not for {meant}; choose another one "
                    "first, such as preset: dataset_pixel_std"
                )
            del presets[name]
            changes.append(
                f"{PARAMS}: preset {name} is removed, as it is not for {meant}; "
                f"`git rm -r reports/presets/{name}` removes its reports"
            )
            continue
        preset.update({key: [numbers[0]] * channels for key, numbers in preset.items()})
        changes.append(f"{PARAMS}: preset {name} is for {meant} now")
    return changes
