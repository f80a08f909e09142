"""The largest gap of many classes, against counting all deals, and against noise of any kind."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

from stages.compare.class_gaps import LEAST_SPREAD, ClassGaps
from stages.statistics.integers import SplitStatistics

Array = np.ndarray[Any, Any]
Images = list[list[int]]  # the levels of each image's pixels

TRAIN_LABELS, TEST_LABELS = [4, 7, 4, 7, 4, 8], [7, 4, 4, 9]  # 8 and 9 are in one split only
BOTH_LABELS = TRAIN_LABELS + TEST_LABELS
image = st.lists(st.integers(0, 9), min_size=1, max_size=5)
images = st.lists(image, min_size=len(BOTH_LABELS), max_size=10)
pair = st.lists(image, min_size=2, max_size=2)
THIRDS = [[0, 0, 9], [3, 3, 3], [6], [3, 3], [1, 2, 6], [0, 9, 0], [4, 5, 0], [3], [3, 3], [9]]


def measured(images: Images) -> SplitStatistics:
    """Gray images of any sizes."""
    return SplitStatistics(
        histogram=np.bincount([pixel for image in images for pixel in image], minlength=256)[None],
        image_pixels=np.array([len(image) for image in images]),
        image_sums=np.array([[sum(image)] for image in images]),
        image_sums_of_squares=np.array([[sum(pixel**2 for pixel in image)] for image in images]),
    )


def gaps_of(images: Images) -> ClassGaps:
    train = measured(images[: len(TRAIN_LABELS)]), np.array(TRAIN_LABELS)
    return ClassGaps(train, (measured(images[len(TRAIN_LABELS) :]), np.array(TEST_LABELS)))


def all_deals() -> Array:
    """The test split has 2 of 5 images, 1 of 3, and the last image. The data itself is first."""
    of_4, of_7 = (np.flatnonzero(np.array(BOTH_LABELS) == label).tolist() for label in (4, 7))
    deals = np.zeros((30, len(BOTH_LABELS)), np.uint8)
    chosen = product(combinations(of_4, 2), combinations(of_7, 1))
    for deal, (some_4, some_7) in zip(deals, chosen, strict=True):
        deal[[*some_4, *some_7, 9]] = 1
    return deals[::-1]


def mean(images: Images) -> Fraction:
    return Fraction(sum(map(sum, images)), sum(map(len, images)))


def of_class(images: Images, label: int, deal: Array) -> tuple[Images, Images]:
    """Its images in the train and in the test split."""
    parts: tuple[Images, Images] = ([], [])
    for image, its_label, in_test in zip(images, BOTH_LABELS, deal.tolist(), strict=True):
        if its_label == label:
            parts[in_test].append(image)
    return parts


def squared_spread(train: Images, test: Images) -> Fraction:
    """The variance of the off-sums, ddof 1, times (1/n + 1/m), over the squared mean size."""
    both = train + test
    off = [sum(image) - len(image) * mean(both) for image in both]
    variance = sum((one**2 for one in off), Fraction(0)) / (len(both) - 1)
    of_gap = variance * (Fraction(1, len(train)) + Fraction(1, len(test)))
    in_levels = of_gap / Fraction(sum(map(len, both)), len(both)) ** 2
    return max(in_levels, Fraction(LEAST_SPREAD) ** 2)


def squared_sizes(images: Images) -> Iterator[list[Fraction]]:
    """Those of the classes 4 and 7, for every deal."""
    for deal in all_deals():
        yield [squared_size(*of_class(images, label, deal)) for label in (4, 7)]


def squared_size(train: Images, test: Images) -> Fraction:
    return (mean(test) - mean(train)) ** 2 / squared_spread(train, test)


@given(images)
@example(THIRDS)
def test_the_p_value_is_the_share_of_all_deals_with_as_large_a_gap(images: Images) -> None:
    deals, gaps = all_deals(), gaps_of(images)
    assert np.flatnonzero(deals[0]).tolist() == [6, 7, 8, 9]
    expected = list(squared_sizes(images))
    largest = [max(sizes) for sizes in expected]
    found = gaps.largest(deals)
    assert found[:, 0] ** 2 == pytest.approx([float(one) for one in largest], rel=1e-9, abs=1e-9)
    unusual = gaps.most_unusual(found, str)
    assert unusual is not None
    assert unusual["p_value"] == sum(one >= largest[0] for one in largest) / len(deals)
    label = int(unusual["class"])
    train, test = of_class(images, label, deals[0])
    assert expected[0][(4, 7).index(label)] == largest[0]
    assert unusual["channel"] == "gray"
    assert unusual["gap"] == pytest.approx(float(mean(test) - mean(train)), abs=1e-12)
    assert unusual["deal_std"] ** 2 == pytest.approx(float(squared_spread(train, test)))


def test_for_images_of_one_size_the_spread_is_the_std_over_all_deals() -> None:
    rng = np.random.default_rng(0)
    some = rng.integers(0, 256, (len(BOTH_LABELS), 5)).tolist()
    for label in (4, 7):
        parts = [of_class(some, label, deal) for deal in all_deals()]
        expected = squared_spread(*parts[0])
        of_deals = np.std([float(mean(test) - mean(train)) for train, test in parts])
        assert of_deals**2 == pytest.approx(float(expected))


@given(st.lists(pair, min_size=1, max_size=3))
@example([[[0], [9]]])
def test_classes_of_one_image_in_each_split_are_no_sign_of_a_shift(pairs: list[Images]) -> None:
    """Swapping the two only changes the sign of the gap, so it is as large in every deal."""
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    labels = np.arange(len(pairs))
    gaps = ClassGaps((measured(first), labels), (measured(second), labels))
    swapped = np.array(list(product([0, 1], repeat=len(pairs))))
    unusual = gaps.most_unusual(gaps.largest(np.hstack([swapped, 1 - swapped])), str)
    assert unusual is not None
    assert unusual["p_value"] == 1


@given(pair, st.lists(image, min_size=4, max_size=4))
@example([[0], [9]], [[0], [1], [2], [9]])
def test_a_class_of_one_image_in_each_split_counts_beside_others(two: Images, four: Images) -> None:
    """Class 0 has the two. Class 1 has the four, the last of them in the test split."""
    train = measured([two[0], *four[:3]]), np.array([0, 1, 1, 1])
    gaps = ClassGaps(train, (measured([two[1], four[3]]), np.array([0, 1])))
    deals, largest = [], []
    for swapped, out in product([0, 1], [3, 2, 1, 0]):
        in_test = [n == out for n in range(4)]
        deals.append([swapped, *in_test[:3], 1 - swapped, in_test[3]])
        of_two = squared_size([two[swapped]], [two[1 - swapped]])
        largest.append(max(of_two, squared_size(four[:out] + four[out + 1 :], [four[out]])))
    unusual = gaps.most_unusual(gaps.largest(np.array(deals, np.uint8)), str)
    assert unusual is not None
    assert unusual["p_value"] == sum(one >= largest[0] for one in largest) / len(deals)


def test_without_a_class_in_both_splits_no_gap_is_unusual() -> None:
    gaps = ClassGaps(
        (measured(THIRDS[:3]), np.array([1, 2, 1])), (measured(THIRDS[3:5]), np.array([0, 5]))
    )
    assert gaps.most_unusual(gaps.largest(np.array([[0, 0, 0, 1, 1]])), str) is None


CLASSES, DEALS = 200, 99


def noise(kind: str, images: int, rng: np.random.Generator) -> Array:
    """Images of one pixel (classes, images, channels), all from one distribution."""
    shape = (CLASSES, images, 3)
    levels = {
        "normal": rng.normal(128, 30, shape),
        "heavy tails": 20 * rng.lognormal(0, 1, shape),
        "rarely bright": np.where(rng.random(shape) < 0.05, 250, rng.normal(40, 5, shape)),
    }[kind]
    rounded: Array = np.clip(np.rint(levels), 0, 255).astype(np.int64)
    return rounded


def most_unusual(levels: Array, rng: np.random.Generator) -> dict[str, Any]:
    """From 99 deals; the test split has a quarter of the images of each class."""
    train = levels.shape[1] * 3 // 4
    test = levels.shape[1] - train
    parts = []
    for of_split in (levels[:, :train], levels[:, train:]):
        sums = of_split.reshape(-1, 3)
        statistics = SplitStatistics(
            histogram=np.stack([np.bincount(channel, minlength=256) for channel in sums.T]),
            image_pixels=np.ones(len(sums), np.int64),
            image_sums=sums,
            image_sums_of_squares=sums**2,
        )
        parts.append((statistics, np.repeat(np.arange(CLASSES), of_split.shape[1])))
    places = rng.random((DEALS, *levels.shape[:2])).argsort(axis=2) < test
    dealt = [places[..., :train], places[..., train:]]
    data = np.repeat([0, 1], [CLASSES * train, CLASSES * test])
    deals = np.vstack([data, np.hstack([part.reshape(DEALS, -1) for part in dealt])])
    gaps = ClassGaps(*parts)
    unusual = gaps.most_unusual(gaps.largest(deals), str)
    assert unusual is not None
    return unusual


@pytest.mark.parametrize("kind", ["normal", "heavy tails", "rarely bright"])
def test_200_classes_of_noise_are_as_rarely_unusual_as_the_p_value_says(kind: str) -> None:
    """With 6 train and 2 test images each: to count standard errors would find many shifts."""
    rng = np.random.default_rng(0)
    ps = np.array([most_unusual(noise(kind, 8, rng), rng)["p_value"] for _ in range(200)])
    # The p-values are hundredths: spread them evenly within a hundredth.
    smooth = ps - rng.random(len(ps)) / (DEALS + 1)
    assert scipy.stats.kstest(smooth, "uniform").pvalue > 0.001
    assert (ps <= 0.05).mean() == pytest.approx(0.05, abs=0.05)


def test_one_shifted_class_of_200_is_found_and_named() -> None:
    """Other classes have larger gaps, but their images differ more."""
    rng = np.random.default_rng(1)
    levels = noise("normal", 40, rng)
    levels[7] = 100 + np.arange(40)[:, None] % 2
    levels[7, 30:, 1] += 4
    unusual = most_unusual(levels, rng)
    assert (unusual["class"], unusual["channel"]) == ("7", "green")
    assert (unusual["gap"], unusual["p_value"]) == (4, 0.01)
