"""What is reported of a preset: both splits after it, and the gap between them.

C channels, V = 256 levels. A preset is affine, so means and stds follow from those of the split.
The values of single pixels (min, max, quantiles) are the float32 values that torchvision gives.
"""

from __future__ import annotations

from typing import Any

from stages.normalize.presets import Preset
from stages.shared.names import SPLITS, by_channel
from stages.statistics.summary import QUANTILES, SplitSummary, wasserstein_levels

# The four measures of ChannelSummary that a preset only scales.
SCALED_STDS = ("std", "image_mean_std", "image_std_mean", "image_std_std")


def details(preset: Preset, train: SplitSummary, test: SplitSummary) -> dict[str, Any]:
    """Everything about both splits after the preset; `gap` is test minus train."""
    after_train, after_test = _after(preset, train), _after(preset, test)
    distances = map(wasserstein_levels, train.histogram, test.histogram)
    return {
        "train": after_train,
        "test": after_test,
        "gap": {
            "mean": _difference(after_test["mean"], after_train["mean"]),
            "std": _difference(after_test["std"], after_train["std"]),
            "wasserstein": by_channel(
                levels / 255 / std for levels, std in zip(distances, preset.std, strict=True)
            ),
        },
    }


def metrics(preset: Preset, after: dict[str, Any]) -> dict[str, Any]:
    """The 8 numbers of each channel that `dvc metrics` compares, from what `details` gives."""
    parts = {"preset": {"mean": by_channel(preset.mean), "std": by_channel(preset.std)}} | after
    return {
        part: {measure: parts[part][measure] for measure in ("mean", "std")}
        for part in ("preset", *SPLITS, "gap")
    }


def distribution(preset: Preset, train: SplitSummary, test: SplitSummary) -> list[dict[str, Any]]:
    """Rows for `dvc plots`: the share of a split's pixels at each of the 256 values."""
    levels = by_channel(preset.normalized_levels().tolist())
    return [
        {
            "channel": name,
            "split": split,
            "value": value,
            "fraction": count / summary.pixels_per_channel,
        }
        for channel, (name, values_V) in enumerate(levels.items())
        for split, summary in zip(SPLITS, (train, test), strict=True)
        for value, count in zip(values_V, summary.histogram[channel].tolist(), strict=True)
    ]


def _after(preset: Preset, split: SplitSummary) -> dict[str, Any]:
    values_CV = preset.normalized_levels().tolist()
    channels = list(zip(split.channels, preset.mean, preset.std, values_CV, strict=True))
    return {
        "images": split.images,
        "pixels_per_channel": split.pixels_per_channel,
        "min": by_channel(values_V[summary.min_level] for summary, _, _, values_V in channels),
        "max": by_channel(values_V[summary.max_level] for summary, _, _, values_V in channels),
        "mean": by_channel((summary.mean - mean) / std for summary, mean, std, _ in channels),
        **{
            measure: by_channel(getattr(summary, measure) / std for summary, _, std, _ in channels)
            for measure in SCALED_STDS
        },
        "quantiles": {
            share: by_channel(
                values_V[summary.quantile_levels[share]] for summary, _, _, values_V in channels
            )
            for share in QUANTILES
        },
    }


def _difference(left: dict[str, float], right: dict[str, float]) -> dict[str, float]:
    return {name: left[name] - right[name] for name in left}
