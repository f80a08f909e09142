"""Effects over images, against numpy on the images themselves, and against drawing images."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from stages.compare.effects import cohens_d, design_effect, image_effects, mean_and_error
from stages.download.ready_made.labelled import LabelledImages
from stages.measure.counting import measure_batch
from stages.statistics.integers import SplitStatistics
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
CHANNELS = ("red", "green", "blue")


def measured(images: Array) -> SplitStatistics:
    return measure_batch(images, CPU)


def cohens_d_by_hand(train: Array, test: Array) -> float:
    """The pooled variance is the mean of the sample variances, weighted by degrees of freedom."""
    degrees = [len(train) - 1, len(test) - 1]
    pooled = np.average([train.var(ddof=1), test.var(ddof=1)], weights=degrees)
    return float((test.mean() - train.mean()) / np.sqrt(pooled))


values = st.lists(st.integers(0, 99), min_size=2, max_size=9, unique=True).map(
    lambda numbers: np.array(numbers) / 7
)


@given(values, values)
@example(np.array([1.0, 3.0]), np.array([5.0, 7.0]))  # of the same spread
def test_cohens_d_equals_numpy(train: Array, test: Array) -> None:
    expected = cohens_d_by_hand(train, test)
    assert cohens_d(train, test) == pytest.approx(expected, abs=1e-12)
    assert cohens_d(test, train) == pytest.approx(-expected, abs=1e-12)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 5), (3, 4)])
def test_without_spread_there_is_no_cohens_d(sizes: tuple[int, int]) -> None:
    train, test = np.full(sizes[0], 0.1), np.full(sizes[1], 0.3)
    assert math.isnan(cohens_d(train, test))


def test_without_spread_or_difference_cohens_d_is_0() -> None:
    assert cohens_d(np.full(3, 0.1), np.full(4, 0.1)) == 0


def test_one_image_has_no_spread_of_its_own() -> None:
    assert cohens_d(np.array([1.0, 3.0, 5.0]), np.array([7.0])) == pytest.approx(2)


@given(
    *[
        hnp.arrays(np.uint8, (images, 3, 3, 5), elements=st.integers(0, 255), fill=st.nothing())
        for images in (4, 6)
    ]
)
def test_image_effects_equal_numpy_on_the_images(train: Array, test: Array) -> None:
    effects = image_effects(measured(train), measured(test))
    assert effects.keys() == {"image_mean_cohens_d", "image_std_cohens_d"}
    for index, channel in enumerate(CHANNELS):
        for name, of_images in (("image_mean", np.mean), ("image_std", np.std)):
            sides = [of_images(split[:, index] / 255, axis=(1, 2)) for split in (train, test)]
            if max(side.std() for side in sides) > 1e-9:
                found = effects[f"{name}_cohens_d"][channel]
                assert found == pytest.approx(cohens_d_by_hand(*sides), abs=1e-9)


def test_the_design_effect_of_independent_pixels_is_1() -> None:
    effect = design_effect(measured(random_images(4000, seed=0)))
    assert list(effect) == list(CHANNELS)
    assert list(effect.values()) == pytest.approx([1, 1, 1], abs=5 * math.sqrt(2 / 4000))


@pytest.mark.parametrize("side", [1, 5, 32])
def test_the_design_effect_of_images_of_one_colour_is_their_number_of_pixels(side: int) -> None:
    colours = np.random.default_rng(side).integers(0, 256, (50, 3, 1, 1), dtype=np.uint8)
    images = np.tile(colours, (side, side))
    effect = design_effect(measured(images))
    assert list(effect.values()) == pytest.approx([side * side] * 3, rel=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_one_image_has_no_design_effect_and_two_have(channels: int) -> None:
    images = random_images(2, seed=3)[:, :channels]
    alone, two = (list(design_effect(measured(some)).values()) for some in (images[:1], images))
    assert len(alone) == len(two) == channels
    assert all(map(math.isnan, alone))
    assert not any(map(math.isnan, two))


def test_a_channel_of_one_level_has_no_design_effect() -> None:
    images = random_images(9, seed=1)
    images[:, 1] = 77
    effect = design_effect(measured(images))
    assert [channel for channel, value in effect.items() if math.isnan(value)] == ["green"]


def test_the_design_effect_of_cifar10(cifar10: dict[str, LabelledImages]) -> None:
    """Another program gave about 276, 273 and 352."""
    images = cifar10["train"].images
    effect = design_effect(measured(images))
    assert [round(value) for value in effect.values()] == [276, 273, 352]
    for index, value in enumerate(effect.values()):
        means_N = images[:, index].mean(axis=(1, 2))
        assert value == pytest.approx(means_N.var() / (images[:, index].var() / 1024), rel=1e-9)


def test_the_error_of_a_mean_is_its_std_when_images_are_drawn_anew() -> None:
    """For images of unequal sizes: the means over pixels of 20000 drawings of 200 images."""
    rng = np.random.default_rng(2)
    pixels_N = rng.integers(50, 150, 200)
    sums_N = pixels_N * rng.integers(20, 200, 200)
    drawn = rng.integers(0, 200, (20_000, 200))
    means = sums_N[drawn].sum(axis=1) / pixels_N[drawn].sum(axis=1)
    mean, error = mean_and_error(pixels_N, sums_N)
    assert mean == pytest.approx(sums_N.sum() / pixels_N.sum(), rel=1e-12)
    assert error == pytest.approx(means.std(), rel=0.03)
