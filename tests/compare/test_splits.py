"""The report as a whole: it is complete, and the same seed gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from stages.check.verdict import check
from stages.compare.reweigh import ArrayCounts
from stages.compare.splits import Split
from stages.measure.counting import measure_batch
from tests.comparisons import CPU, TEST, TRAIN, Array, compared, numbers, split

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


def as_json(report: dict[str, Any]) -> bytes:
    return json.dumps(report, allow_nan=False).encode()


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return compared(split(TRAIN), split(TEST))


def test_the_report_has_these_keys(report: dict[str, Any]) -> None:
    whole = {"images", "constant_channels", "interval_95", "p_value", "psi_bins"}
    whole |= {"class_mix", "classes", "largest_class_gap", "most_unusual_class_gap", "labelled"}
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
        gap = test[1::3].mean() - train[1::3].mean()
        assert report["classes"]["class 1"]["mean_levels"]["gap"][channel] == pytest.approx(gap)


def test_gray_images_give_the_numbers_of_each_of_three_equal_channels() -> None:
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
    gap, other_gap = (made["most_unusual_class_gap"] for made in (report, other))
    assert gap == {**other_gap, "p_value": gap["p_value"]}


def test_swapping_the_splits_turns_the_sign() -> None:
    there, back = compared(split(TRAIN), split(TEST)), compared(split(TEST), split(TRAIN))
    for name in ("mean_levels", "image_mean_cohens_d", "image_std_cohens_d"):
        assert [-value for value in back[name].values()] == pytest.approx([*there[name].values()])


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


def test_a_channel_of_the_same_level_in_both_splits_has_no_shift_and_changes_no_other(
    report: dict[str, Any],
) -> None:
    """Only the p-value of any channel depends on it."""
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


@pytest.mark.parametrize("name", ["train", "test"])
def test_statistics_of_other_images_are_refused(name: str) -> None:
    splits = {"train": split(TRAIN), "test": split(TEST)}
    other = {"train": TRAIN, "test": TEST}[name].copy()
    other[0, 0, 0, 0] ^= 1
    splits[name] = replace(splits[name], statistics=measure_batch(other, CPU))
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
