"""The classes of two splits, against numpy on the images of each class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from stages.compare.classes import compare_classes
from stages.measure.counting import measure_batch
from stages.statistics.integers import SplitStatistics
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
CHANNELS = ("red", "green", "blue")
TRAIN, TEST = random_images(60, seed=0), random_images(25, seed=1) // 2
TRAIN_LABELS = np.random.default_rng(2).integers(0, 4, 60).astype(np.uint8)
TEST_LABELS = np.random.default_rng(3).integers(1, 6, 25).astype(np.uint8)


def measured(images: Array) -> SplitStatistics:
    return measure_batch(images, CPU)


def compared(
    train: Array, train_labels: Array | list[int], test: Array, test_labels: Array | list[int]
) -> dict[str, Any]:
    return compare_classes(
        (measured(train), np.asarray(train_labels)),
        (measured(test), np.asarray(test_labels)),
        "class {}".format,
    )


def of_class(images: Array, labels: Array, label: int, channel: int) -> Array:
    """The pixels (n, H, W) of a channel in the images of a class."""
    pixels: Array = images[labels == label, channel].astype(float)
    return pixels


@pytest.mark.parametrize("channels", [("gray",), CHANNELS])
def test_every_number_equals_numpy_on_the_pixels_of_the_class(channels: tuple[str, ...]) -> None:
    chosen = slice(len(channels))
    classes = compared(TRAIN[:, chosen], TRAIN_LABELS, TEST[:, chosen], TEST_LABELS)["classes"]
    for label in (1, 2, 3):
        found = classes[f"class {label}"]
        counts = [int((labels == label).sum()) for labels in (TRAIN_LABELS, TEST_LABELS)]
        assert found["images"] == {"train": counts[0], "test": counts[1]}
        assert list(found["mean_levels"]["gap"]) == list(channels)
        for index, channel in enumerate(channels):
            train = of_class(TRAIN, TRAIN_LABELS, label, index)
            test = of_class(TEST, TEST_LABELS, label, index)
            for name, function in (("mean_levels", np.mean), ("std_levels", np.std)):
                expected = {
                    "train": function(train),
                    "test": function(test),
                    "gap": function(test) - function(train),
                }
                ours = {key: found[name][key][channel] for key in expected}
                assert ours == pytest.approx(expected, abs=1e-9)
            means = [images.mean(axis=(1, 2)) for images in (train, test)]
            squared = sum(means_N.var(ddof=1) / len(means_N) for means_N in means)
            error = found["mean_levels"]["gap_standard_error"][channel]
            assert error == pytest.approx(np.sqrt(squared), rel=1e-9)


def test_a_class_of_one_split_has_no_gap() -> None:
    assert set(TRAIN_LABELS.tolist()) == {0, 1, 2, 3}
    assert set(TEST_LABELS.tolist()) == {1, 2, 3, 4, 5}
    found = compared(TRAIN, TRAIN_LABELS, TEST, TEST_LABELS)
    classes = found["classes"].values()
    assert list(found["classes"]) == [f"class {label}" for label in range(6)]
    for of_class, absent in zip(classes, ["test", "", "", "", "train", "train"], strict=True):
        for measure in ("mean_levels", "std_levels"):
            for column in ("train", "test", "gap"):
                nothing = {math.isnan(value) for value in of_class[measure][column].values()}
                assert nothing == {bool(absent) and column in (absent, "gap")}
    for measure in ("mean_levels", "std_levels"):
        assert found["largest_class_gap"][measure]["class"] in ("class 1", "class 2", "class 3")


def test_the_largest_gap_may_have_either_sign() -> None:
    train = np.full((2, 3, 2, 2), 100, np.uint8)
    test = train.copy()
    test[1, 2], test[0, 0] = 70, 120
    test[0, 1, 0] = 110
    largest = compared(train, [4, 8], test, [4, 8])["largest_class_gap"]
    assert math.isnan(largest["mean_levels"].pop("gap_standard_error"))
    assert largest["mean_levels"] == {"class": "class 8", "channel": "blue", "gap": -30}
    assert largest["std_levels"] == {"class": "class 4", "channel": "green", "gap": 5}


def test_without_a_common_class_there_is_no_gap() -> None:
    found = compared(TRAIN, np.zeros(60, int), TEST, np.ones(25, int))
    assert found["largest_class_gap"] == {"mean_levels": None, "std_levels": None}


def test_the_standard_error_of_a_gap_is_its_std_when_images_are_drawn_anew() -> None:
    """20000 drawings of 60 and of 25 images."""
    rng = np.random.default_rng(4)
    drawn = {60: rng.integers(0, 60, (20_000, 60)), 25: rng.integers(0, 25, (20_000, 25))}
    found = compared(TRAIN, np.zeros(60, int), TEST, np.zeros(25, int))["classes"]["class 0"]
    for index, channel in enumerate(CHANNELS):
        means = [
            images[:, index].mean(axis=(1, 2))[drawn[len(images)]].mean(axis=1)
            for images in (TRAIN, TEST)
        ]
        error = found["mean_levels"]["gap_standard_error"][channel]
        assert error == pytest.approx((means[1] - means[0]).std(), rel=0.04)


def test_a_class_is_exact_although_its_squares_exceed_int64() -> None:
    """Half black, half white: the product of pixels and squares is beyond 2^63."""
    half, white = 2**26, 255
    histogram = np.zeros((1, 256), np.int64)
    histogram[0, [0, white]] = half
    split = SplitStatistics(
        histogram=histogram,
        image_pixels=np.array([half, half]),
        image_sums=np.array([[0], [half * white]]),
        image_sums_of_squares=np.array([[0], [half * white**2]]),
    )
    found = compare_classes((split, np.array([7, 7])), (split, np.array([7, 7])), str)
    assert found["classes"]["7"]["std_levels"]["train"] == {"gray": 127.5}


def test_two_images_in_each_split_are_enough_for_a_standard_error() -> None:
    """Means of 10 and 30, and of 50 and 56: sqrt(200 / 2 + 18 / 2)."""
    train, test = (
        np.array(levels, np.uint8)[:, None, None, None] for levels in ([10, 30], [50, 56])
    )
    found = compared(train, [0, 0], test, [0, 0])["classes"]["class 0"]["mean_levels"]
    assert found["gap_standard_error"] == {"gray": pytest.approx(math.sqrt(109))}


@pytest.mark.parametrize("train_images", [1, 60])
def test_one_image_has_no_standard_error(train_images: int) -> None:
    labels = np.zeros(train_images, int)
    found = compared(TRAIN[:train_images], labels, TEST[:1], [0])["classes"]["class 0"]
    assert all(map(math.isnan, found["mean_levels"]["gap_standard_error"].values()))
