"""What classes do to the report of two splits, and what it says without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.comparisons import TEST, TRAIN, compared, numbers, split


def test_another_mix_of_classes_alone_is_no_shift() -> None:
    """Dark and light images, and more light ones in the test split: labels reach the deals."""
    dark, light = TRAIN // 3, 170 + TRAIN // 3
    train, test = np.concatenate([dark[:40], light[:10]]), np.concatenate([dark[40:], light[10:]])
    mix = [np.repeat(np.array([0, 1], np.uint8), sizes) for sizes in ((40, 10), (20, 50))]
    by_class = compared(split(train, mix[0]), split(test, mix[1]))
    together = compared(split(train, 0 * mix[0]), split(test, 0 * mix[1]))
    assert by_class["mean_levels"] == together["mean_levels"]
    assert by_class["p_value"]["mean_levels"]["any_channel"] > 0.05
    assert together["p_value"]["mean_levels"]["any_channel"] == 0.01
    # An interval is about the splits as they are, not about deals: both are far from 0.
    for report in (by_class, together):
        assert min(report["interval_95"]["mean_levels"]["low"].values()) > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_without_a_common_class_there_is_no_p_value(channels: int) -> None:
    train = split(TRAIN[:, :channels], np.zeros(60, np.uint8))
    found = compared(train, split(TEST[:, :channels], np.ones(24, np.uint8)))
    assert len(found["p_value"]["psi"]) == channels + 1
    assert set(numbers(found["p_value"])) == {None}
    assert None not in numbers(found["interval_95"])
    assert found["class_mix"] == {"total_variation": 1}


@pytest.mark.parametrize("unlabelled", [["train"], ["test"], ["train", "test"]])
def test_without_labels_all_images_are_of_one_class(unlabelled: list[str]) -> None:
    """The labels of the other split do not matter: all is as in splits of one class."""
    parts = {"train": split(TRAIN), "test": split(TEST)}
    parts |= {name: replace(parts[name], labels=None) for name in unlabelled}
    found = compared(parts["train"], parts["test"])
    of_one_class = compared(
        split(TRAIN, np.zeros(60, np.uint8)), split(TEST, np.zeros(24, np.uint8))
    )
    assert found == of_one_class | {
        "labelled": {name: name not in unlabelled for name in parts},
        "class_mix": None,
        "classes": {},
        "largest_class_gap": {"mean_levels": None, "std_levels": None},
        "most_unusual_class_gap": None,
    }
    assert all(of_one_class["labelled"].values())
    assert None not in numbers(found["p_value"])


@pytest.mark.parametrize("channels", [1, 3])
def test_with_one_image_of_each_class_there_is_no_interval(channels: int) -> None:
    train = split(TRAIN[:5, :channels], np.arange(5, dtype=np.uint8))
    found = compared(train, split(TEST[:5, :channels], np.arange(5, dtype=np.uint8)))
    assert len(found["interval_95"]["psi"]["low"]) == channels
    assert set(numbers(found["interval_95"])) == {None}
    assert None not in numbers(found["p_value"])


def test_the_class_mix_is_the_share_of_the_images_to_exchange() -> None:
    of_train, of_test = np.repeat([0, 1], [30, 30]), np.repeat([0, 1, 2], [6, 12, 6])
    found = compared(split(TRAIN, of_train), split(TEST, of_test))
    assert found["class_mix"] == {"total_variation": 0.25}
    assert compared(split(TRAIN), split(TEST))["class_mix"] == {"total_variation": 0}
