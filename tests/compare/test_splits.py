"""The report as a whole: complete, the same bytes for the same seed, and nothing but numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from stages.check.verdict import check
from stages.compare.reweigh import ArrayCounts
from stages.compare.splits import Split, compare
from stages.measure.counting import measure_batch
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
CHANNELS = ["red", "green", "blue"]
INFERRED = [
    "mean_levels",
    "mean_stds",
    "std_ratio",
    "wasserstein_levels",
    "wasserstein_stds",
    "kolmogorov_smirnov",
    "jensen_shannon_bits",
    "psi",
]
OF_CHANNELS = [
    *INFERRED,
    "total_variation",
    "overlap",
    "image_mean_cohens_d",
    "image_std_cohens_d",
    "design_effect",
]
TRAIN, TEST = random_images(60, seed=0), random_images(24, seed=1)


def split(images: Array, labels: Array | None = None) -> Split:
    if labels is None:
        labels = np.arange(len(images), dtype=np.uint8) % 3
    return Split(ArrayCounts(images), labels, measure_batch(images, CPU))


def compared(
    train: Split, test: Split, seed: int = 0, device: torch.device = CPU
) -> dict[str, Any]:
    return compare(train, test, 99, seed, device, "class {}".format)


def as_json(report: dict[str, Any]) -> bytes:
    return json.dumps(report, allow_nan=False).encode()


def numbers(content: Any) -> Iterator[Any]:
    if isinstance(content, dict):
        for value in content.values():
            yield from numbers(value)
    else:
        yield content


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return compared(split(TRAIN), split(TEST))


def test_the_report_has_these_keys(report: dict[str, Any]) -> None:
    whole = {"images", "constant_channels", "interval_95", "p_value", "psi_bins"}
    whole |= {"class_mix", "classes", "largest_class_gap", "most_unusual_class_gap"}
    whole |= {"labelled"}
    assert report.keys() == {*OF_CHANNELS, *whole}
    assert report["images"] == {"train": 60, "test": 24}
    assert report["psi_bins"] == {"levels": 16, "least_share": 0.0001}
    for name in OF_CHANNELS:
        assert list(report[name]) == CHANNELS
    assert list(report["interval_95"]) == list(report["p_value"]) == INFERRED
    for name in INFERRED:
        assert list(report["p_value"][name]) == [*CHANNELS, "any_channel"]
        ends = report["interval_95"][name]
        assert [list(ends[end]) for end in ("low", "high")] == [CHANNELS, CHANNELS]
    assert list(report["classes"]) == ["class 0", "class 1", "class 2"]
    assert list(report["largest_class_gap"]) == ["mean_levels", "std_levels"]


def test_the_numbers_are_of_their_channel(report: dict[str, Any]) -> None:
    for index, channel in enumerate(CHANNELS):
        train, test = TRAIN[:, index], TEST[:, index]
        assert report["mean_levels"][channel] == pytest.approx(test.mean() - train.mean())
        assert report["std_ratio"][channel] == pytest.approx(test.std() / train.std())
        assert report["overlap"][channel] == pytest.approx(1 - report["total_variation"][channel])
        means_N, test_means_N = train.mean(axis=(1, 2)), test.mean(axis=(1, 2))
        variances = means_N.var(ddof=1), test_means_N.var(ddof=1)
        pooled_std = np.sqrt(np.average(variances, weights=(59, 23)))
        assert report["image_mean_cohens_d"][channel] == pytest.approx(
            (test_means_N.mean() - means_N.mean()) / pooled_std
        )
        gap = test[1::3].mean() - train[1::3].mean()  # the labels are 0, 1, 2, 0, 1, ...
        assert report["classes"]["class 1"]["mean_levels"]["gap"][channel] == pytest.approx(gap)


def test_gray_images_are_as_each_of_three_channels_that_are_alike() -> None:
    def of_channel(content: Any, channel: str) -> Any:
        if not isinstance(content, dict):
            return content
        if channel in content:
            others = [name for name in CHANNELS if name != channel]
            kept = {name: value for name, value in content.items() if name not in others}
            return {"gray" if name == channel else name: value for name, value in kept.items()}
        return {name: of_channel(value, channel) for name, value in content.items()}

    train, test = TRAIN[:, :1], TEST[:, :1]
    gray = compared(split(train), split(test))
    alike = compared(split(train.repeat(3, axis=1)), split(test.repeat(3, axis=1)))
    for report in (gray, alike):
        largest = report["largest_class_gap"].values()
        named = {gap.pop("channel") for gap in (*largest, report["most_unusual_class_gap"])}
        assert named == ({"gray"} if report is gray else {"red"})
    for channel in CHANNELS:
        assert of_channel(alike, channel) == gray


def test_intervals_hold_the_value_and_p_values_are_shares_of_the_deals(
    report: dict[str, Any],
) -> None:
    for name in INFERRED:
        for channel in CHANNELS:
            low, high = (report["interval_95"][name][end][channel] for end in ("low", "high"))
            assert low <= report[name][channel] <= high
        for p in report["p_value"][name].values():
            assert 1 <= p * 100 <= 100
            assert p * 100 == pytest.approx(round(p * 100))


def test_the_same_seed_gives_the_same_bytes(report: dict[str, Any]) -> None:
    assert as_json(compared(split(TRAIN), split(TEST))) == as_json(report)


@pytest.mark.cuda
def test_cuda_and_cpu_give_the_same_bytes(report: dict[str, Any]) -> None:
    on_cuda = compared(split(TRAIN), split(TEST), device=torch.device("cuda"))
    assert as_json(on_cuda) == as_json(report)


def test_another_seed_changes_nothing_but_the_inference(report: dict[str, Any]) -> None:
    other = compared(split(TRAIN), split(TEST), seed=1)
    changed = {name for name in report if report[name] != other[name]}
    assert changed == {"interval_95", "p_value", "most_unusual_class_gap"}
    gaps = (of["most_unusual_class_gap"] for of in (report, other))
    assert [gap.pop("p_value") for gap in map(dict, gaps)] != [None, None]


def test_swapping_the_splits_turns_the_sign() -> None:
    there, back = compared(split(TRAIN), split(TEST)), compared(split(TEST), split(TRAIN))
    for name in ("mean_levels", "image_mean_cohens_d", "image_std_cohens_d"):
        assert [-value for value in back[name].values()] == pytest.approx([*there[name].values()])


def test_another_mix_of_classes_alone_is_no_shift() -> None:
    """Dark and light images, more of the light ones in the test split: labels reach the deals."""
    dark, light = TRAIN // 3, 170 + TRAIN // 3
    train, test = np.concatenate([dark[:40], light[:10]]), np.concatenate([dark[40:], light[10:]])
    mix = [np.repeat(np.array([0, 1], np.uint8), sizes) for sizes in ((40, 10), (20, 50))]
    by_class = compared(split(train, mix[0]), split(test, mix[1]))
    together = compared(split(train, 0 * mix[0]), split(test, 0 * mix[1]))
    assert by_class["mean_levels"] == together["mean_levels"]
    assert by_class["p_value"]["mean_levels"]["any_channel"] > 0.05
    assert together["p_value"]["mean_levels"]["any_channel"] == 0.01
    # An interval is of the splits as they are, not of deals: both mixtures are far from 0.
    for report in (by_class, together):
        assert min(report["interval_95"]["mean_levels"]["low"].values()) > 0


def flat_in_green(images: Array, level: int) -> Array:
    flat = images.copy()
    flat[:, 1] = level
    return flat


@pytest.mark.parametrize(("train_level", "test_level"), [(9, None), (None, 9), (9, 10)])
def test_a_channel_of_one_level_has_nothing_in_stds_and_no_p_value_of_0(
    train_level: int | None, test_level: int | None
) -> None:
    train, test = (
        images if level is None else flat_in_green(images, level)
        for images, level in ((TRAIN, train_level), (TEST, test_level))
    )
    report = compared(split(train), split(test))
    as_json(report)  # which refuses NaN and infinity
    for name in INFERRED:
        assert 0 not in report["p_value"][name].values()
    undefined = {name for name in INFERRED if report[name]["green"] is None}
    in_stds = {"mean_stds", "std_ratio", "wasserstein_stds"}
    assert undefined == (in_stds if train_level else set())
    assert report["constant_channels"] == {}


def test_a_channel_of_the_same_level_in_both_splits_has_no_shift_and_stands_in_no_way(
    report: dict[str, Any],
) -> None:
    """Of the other channels every number is what it is without it, but those of any channel."""
    flat = compared(split(flat_in_green(TRAIN, 9)), split(flat_in_green(TEST, 9)))
    assert flat["constant_channels"] == {"green": 9}
    assert report["constant_channels"] == {}
    for name in [*INFERRED, "image_mean_cohens_d", "image_std_cohens_d", "total_variation"]:
        alike = 1 if name == "std_ratio" else 0
        assert flat[name] == {**report[name], "green": alike}
        if name in INFERRED:
            for end in ("low", "high"):
                ends = flat["interval_95"][name][end]
                assert ends == {**report["interval_95"][name][end], "green": alike}
            p = {**flat["p_value"][name]}
            any_channel = p.pop("any_channel")
            assert p["green"] == 1
            assert min(p.values()) <= any_channel <= 1
            assert p == {**{c: report["p_value"][name][c] for c in CHANNELS}, "green": 1}
    limits = dict.fromkeys(("mean_stds", "std_ratio", "wasserstein_stds", "psi"), 99.0)
    assert check(flat, limits)["passed"]


def test_floats_have_ten_digits(report: dict[str, Any]) -> None:
    floats = [value for value in numbers(report) if isinstance(value, float)]
    assert len(floats) > 100
    assert all(value == float(f"{value:.9e}") for value in floats)
    assert any(value != float(f"{value:.8e}") for value in floats)


@pytest.mark.parametrize("of", ["train", "test"])
def test_statistics_of_other_images_are_refused(of: str) -> None:
    splits = {"train": split(TRAIN), "test": split(TEST)}
    other = {"train": TRAIN, "test": TEST}[of].copy()
    other[0, 0, 0, 0] ^= 1
    splits[of] = replace(splits[of], statistics=measure_batch(other, CPU))
    with pytest.raises(ValueError, match=r"of other images; run `dvc repro measure`"):
        compared(splits["train"], splits["test"])


@pytest.mark.parametrize(
    ("images", "labels"),
    [(TRAIN[1:], None), (TRAIN, np.zeros(59, np.uint8)), (TRAIN[1:], np.zeros(59, np.uint8))],
)
def test_statistics_of_another_number_of_images_are_refused(
    images: Array, labels: Array | None
) -> None:
    with pytest.raises(ValueError, match=r"of other images; run `dvc repro measure`"):
        Split(ArrayCounts(images), labels, measure_batch(TRAIN, CPU))


@pytest.mark.parametrize("channels", [1, 3])
def test_without_a_common_class_nothing_is_said_of_chance(channels: int) -> None:
    train = split(TRAIN[:, :channels], np.zeros(60, np.uint8))
    found = compared(train, split(TEST[:, :channels], np.ones(24, np.uint8)))
    assert len(found["p_value"]["psi"]) == channels + 1
    assert set(numbers(found["p_value"])) == {None}
    assert None not in numbers(found["interval_95"])
    assert found["class_mix"] == {"total_variation": 1}


@pytest.mark.parametrize("unlabelled", [["train"], ["test"], ["train", "test"]])
def test_without_labels_images_are_dealt_and_drawn_as_of_one_class(unlabelled: list[str]) -> None:
    """Whatever the labels of the other split: all numbers are those of splits of one class."""
    parts = {"train": split(TRAIN), "test": split(TEST)}
    parts |= {name: replace(parts[name], labels=None) for name in unlabelled}
    found = compared(parts["train"], parts["test"])
    assert found["labelled"] == {name: name not in unlabelled for name in parts}
    assert (found["class_mix"], found["classes"]) == (None, {})
    assert found["largest_class_gap"] == {"mean_levels": None, "std_levels": None}
    assert found["most_unusual_class_gap"] is None
    of_one_class = compared(
        split(TRAIN, np.zeros(60, np.uint8)), split(TEST, np.zeros(24, np.uint8))
    )
    assert all(of_one_class["labelled"].values())
    for name in [*OF_CHANNELS, "interval_95", "p_value"]:
        assert found[name] == of_one_class[name]
    assert None not in numbers(found["p_value"])


@pytest.mark.parametrize("channels", [1, 3])
def test_with_one_image_of_each_class_there_is_no_interval(channels: int) -> None:
    train = split(TRAIN[:5, :channels], np.arange(5, dtype=np.uint8))
    found = compared(train, split(TEST[:5, :channels], np.arange(5, dtype=np.uint8)))
    assert len(found["interval_95"]["psi"]["low"]) == channels
    assert set(numbers(found["interval_95"])) == {None}
    assert None not in numbers(found["p_value"])


def test_the_class_mix_is_the_part_of_the_images_to_exchange() -> None:
    of_train, of_test = np.repeat([0, 1], [30, 30]), np.repeat([0, 1, 2], [6, 12, 6])
    found = compared(split(TRAIN, of_train), split(TEST, of_test))
    assert found["class_mix"] == {"total_variation": 0.25}
    assert compared(split(TRAIN), split(TEST))["class_mix"] == {"total_variation": 0}
