"""The numbers of the presets in params.yaml."""

from __future__ import annotations

from stages.normalize.presets import Preset, fit_preset
from stages.shared.names import channel_names
from stages.shared.params import FittedPreset, Params
from stages.statistics.summary import SplitSummary


def find_preset(params: Params, name: str, train: SplitSummary) -> Preset:
    """A preset's numbers, fitted to `train` if it is a fitted one.

    Raises ValueError for an unknown name, and for numbers of another count of channels.
    """
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
