"""The reports of the real data reproduce the published tables and constants."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch

from stages.download.ready_made.labelled import LabelledImages
from stages.measure.counting import measure_batch
from stages.normalize.presets import Preset
from stages.normalize.results import details as details_after
from stages.normalize.results import distribution, metrics
from stages.shared.load_params import load_params
from stages.statistics.summary import QUANTILES, summarize
from tests.conftest import ROOT, random_images

REFERENCE = ROOT / "tests" / "reference"
TABLES = json.loads((REFERENCE / "seed_tables.json").read_text())
CONSTANTS = json.loads((REFERENCE / "cifar10_facts.json").read_text())["published_constants"]
SPLITS = ["train", "test"]


def details(preset: str) -> dict[str, Any]:
    """As committed; tests/pipeline/test_pipeline.py shows that they are what the code gives."""
    path = ROOT / "reports" / "presets" / preset / "details.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def by_channel(measure: dict[str, float]) -> list[float]:
    assert list(measure) == TABLES["channels"]
    return list(measure.values())


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("preset", TABLES["print_stats"])
def test_the_published_tables_come_out(preset: str, split: str) -> None:
    published, ours = TABLES["print_stats"][preset][split], details(preset)[split]
    images, _, height, width = TABLES["shape"][split]
    assert (ours["images"], ours["pixels_per_channel"]) == (images, images * height * width)
    for column, measure in (
        ("min", "min"),
        ("max", "max"),
        ("mean", "mean"),
        ("std", "image_std_std"),
    ):
        assert by_channel(ours[measure]) == pytest.approx(published[column], abs=1e-6), column


def test_calculate_norm_comes_out() -> None:
    train = details("to_tensor")["train"]
    assert by_channel(train["mean"]) == pytest.approx(TABLES["calculate_norm"]["mean"], abs=1e-6)
    assert by_channel(train["image_std_mean"]) == pytest.approx(
        TABLES["calculate_norm"]["std"], abs=1e-6
    )


def test_the_published_constants_come_out() -> None:
    train = details("to_tensor")["train"]
    pooled = CONSTANTS["pooled over all train pixels, ddof=0"]
    tutorial = CONSTANTS["mean over train images of each image's std, ddof=0"]
    assert [round(value, 4) for value in by_channel(train["mean"])] == pooled["mean"]
    assert [round(value, 4) for value in by_channel(train["std"])] == pooled["std"]
    assert [round(value, 4) for value in by_channel(train["image_std_mean"])] == tutorial["std"]
    # The widely copied std of an image divides by 1023 for its 1024 pixels.
    sample_stds = [value * math.sqrt(1024 / 1023) for value in by_channel(train["image_std_mean"])]
    (copied,) = (found["std"] for name, found in CONSTANTS.items() if "ddof=1" in name)
    assert [round(value, 4) for value in sample_stds] == copied


@pytest.mark.parametrize("preset", load_params().presets)
def test_the_gap_is_test_minus_train(preset: str) -> None:
    ours = details(preset)
    for measure in ("mean", "std"):
        for channel, gap in ours["gap"][measure].items():
            assert gap == ours["test"][measure][channel] - ours["train"][measure][channel]


def test_the_distance_between_the_splits_equals_scipy(cifar10: dict[str, LabelledImages]) -> None:
    preset = json.loads((ROOT / "reports/presets/imagenet/normalization.json").read_text())
    levels = np.arange(256)
    for channel, distance in enumerate(by_channel(details("imagenet")["gap"]["wasserstein"])):
        values = (levels / 255 - preset["mean"][channel]) / preset["std"][channel]
        counts = [np.bincount(cifar10[s].images[:, channel].ravel(), minlength=256) for s in SPLITS]
        expected = scipy.stats.wasserstein_distance(values, values, *counts)
        assert distance == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("split", SPLITS)
def test_the_plotted_shares_are_those_of_the_pixels(
    split: str, cifar10: dict[str, LabelledImages]
) -> None:
    rows = json.loads((ROOT / "reports/presets/to_tensor/distribution.json").read_text())
    for channel, name in enumerate(TABLES["channels"]):
        ours = [row for row in rows if (row["channel"], row["split"]) == (name, split)]
        pixels = cifar10[split].images[:, channel]
        expected = np.bincount(pixels.ravel(), minlength=256) / pixels.size
        assert [row["fraction"] for row in ours] == expected.tolist()
        # float32, as `ToTensor` gives them
        assert [row["value"] for row in ours] == (np.arange(256, dtype="f4") / 255).tolist()


PRESET = Preset(mean=(0.5, 0.25, 0.0), std=(0.5, 0.125, 2.0))
IMAGES = {"train": random_images(9, seed=0) // 2, "test": random_images(4, seed=1)}


def measures_by_hand(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Of the values (N, H, W) of a channel after the preset."""
    means, stds = values.mean(axis=(1, 2)), values.std(axis=(1, 2))
    return {
        "min": values.min(),
        "max": values.max(),
        "mean": values.mean(),
        "std": values.std(),
        "image_mean_std": means.std(),
        "image_std_mean": stds.mean(),
        "image_std_std": stds.std(),
    }


def test_details_and_metrics_equal_numpy_on_the_values_after_the_preset() -> None:
    train, test = (
        summarize(measure_batch(images, torch.device("cpu"))) for images in IMAGES.values()
    )
    found = details_after(PRESET, train, test)
    for channel, name in enumerate(("red", "green", "blue")):
        mean, std = PRESET.mean[channel], PRESET.std[channel]
        values = {
            split: (images[:, channel] / 255 - mean) / std for split, images in IMAGES.items()
        }
        expected = {split: measures_by_hand(of_split) for split, of_split in values.items()}
        for split in SPLITS:
            ours = {measure: found[split][measure][name] for measure in expected[split]}
            assert ours == pytest.approx(expected[split], abs=1e-6)
            for share in QUANTILES:
                quantile = np.quantile(values[split], float(share), method="inverted_cdf")
                assert found[split]["quantiles"][share][name] == pytest.approx(quantile, abs=1e-6)
        distance = scipy.stats.wasserstein_distance(*map(np.ravel, values.values()))
        assert found["gap"]["wasserstein"][name] == pytest.approx(distance)
        metric = metrics(PRESET, found)
        assert list(metric) == ["preset", *SPLITS, "gap"]
        assert metric["preset"]["mean"][name] == mean
        assert metric["preset"]["std"][name] == std
        for measure in ("mean", "std"):
            gap = expected["test"][measure] - expected["train"][measure]
            assert found["gap"][measure][name] == pytest.approx(gap)
            assert metric["gap"][measure][name] == pytest.approx(gap)
            for split in SPLITS:
                assert metric[split][measure][name] == pytest.approx(expected[split][measure])
        assert all(list(numbers) == ["mean", "std"] for numbers in metric.values())
    assert [(found[s]["images"], found[s]["pixels_per_channel"]) for s in SPLITS] == [
        (9, 9 * 64),
        (4, 4 * 64),
    ]


def test_the_distribution_has_a_row_for_each_channel_split_and_level() -> None:
    train, test = (
        summarize(measure_batch(images, torch.device("cpu"))) for images in IMAGES.values()
    )
    rows = distribution(PRESET, train, test)
    assert len(rows) == 3 * 2 * 256
    for number, row in enumerate(rows):
        channel, split, level = number // 512, number // 256 % 2, number % 256
        pixels = IMAGES[SPLITS[split]][:, channel]
        assert (row["channel"], row["split"]) == (("red", "green", "blue")[channel], SPLITS[split])
        value = (level / 255 - PRESET.mean[channel]) / PRESET.std[channel]
        assert row["value"] == pytest.approx(value, abs=1e-6)
        assert row["fraction"] == (pixels == level).mean()
