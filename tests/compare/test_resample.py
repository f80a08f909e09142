"""What is drawn: fair, in the right strata, and the same bytes everywhere."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from stages.compare import resample
from stages.compare.resample import Resampling

Array = np.ndarray[Any, Any]

labels = st.lists(st.integers(0, 3), min_size=1, max_size=12).map(np.array)


def counts_by_label(labels_N: Array, weights_RN: Array) -> Array:
    """How many images of each label every replicate has, (R, 4)."""
    return np.stack([weights_RN[:, labels_N == label].sum(axis=1) for label in range(4)], axis=1)


@given(labels, labels, st.integers(0, 2**40))
def test_strata_keep_their_counts(train: Array, test: Array, seed: int) -> None:
    dealt_RN, drawn_RN = Resampling(train, test, seed).draw(range(6))
    both = np.concatenate([train, test])
    assert set(dealt_RN.ravel().tolist()) <= {0, 1}
    in_train, in_test = (np.bincount(split, minlength=4) for split in (train, test))
    assert (counts_by_label(both, dealt_RN) == in_test).all()
    assert (counts_by_label(train, drawn_RN[:, : len(train)]) == in_train).all()
    assert (counts_by_label(test, drawn_RN[:, len(train) :]) == in_test).all()


@given(labels, labels, st.integers(0, 2**40))
def test_replicate_0_is_the_data(train: Array, test: Array, seed: int) -> None:
    dealt_N, drawn_N = Resampling(train, test, seed).draw(range(2))[:, 0]
    assert dealt_N.tolist() == [0] * len(train) + [1] * len(test)
    assert drawn_N.tolist() == [1] * (len(train) + len(test))


@given(labels, labels, st.integers(0, 9), st.integers(0, 9))
def test_a_replicate_is_the_same_whatever_is_drawn_beside_it(
    train: Array, test: Array, start: int, stop: int
) -> None:
    resampling = Resampling(train, test, seed=3)
    part = resampling.draw(range(start, stop))
    assert part.tobytes() == resampling.draw(range(10))[:, start:stop].tobytes()


def test_a_stratum_of_one_split_stays_there() -> None:
    """Label 1 is in the train split only, label 2 in the test split only."""
    train, test = np.array([0, 1, 0, 1, 1]), np.array([2, 0, 2])
    dealt_RN, drawn_RN = Resampling(train, test, seed=0).draw(range(200))
    assert (dealt_RN[:, [1, 3, 4]] == 0).all()
    assert (dealt_RN[:, [5, 7]] == 1).all()
    assert (drawn_RN[:, [1, 3, 4]].sum(axis=1) == 3).all()
    assert (drawn_RN[:, [5, 7]].sum(axis=1) == 2).all()
    assert (drawn_RN[:, 6] == 1).all()
    assert dealt_RN[:, [0, 2, 6]].any(axis=0).all()


def test_all_deals_are_equally_frequent() -> None:
    """Two strata, mixed up: 3 of 5 images and 1 of 3 are dealt to the test split."""
    train, test = np.array([7, 2, 2, 7]), np.array([2, 7, 2, 2])
    weights_RN = Resampling(train, test, seed=0).draw(range(1, 6001))[0]
    found = Counter(tuple(np.flatnonzero(weights_N).tolist()) for weights_N in weights_RN)
    deals = [
        tuple(sorted((*of_2, *of_7)))
        for of_2 in combinations([1, 2, 4, 6, 7], 3)
        for of_7 in combinations([0, 3, 5], 1)
    ]
    assert found.keys() == set(deals)
    assert scipy.stats.chisquare([found[deal] for deal in deals]).pvalue > 0.001


def test_all_drawings_are_as_frequent_as_they_should_be() -> None:
    """Three images drawn three times: of the 27 ways, 6 give (1, 1, 1), 3 give (2, 1, 0), ..."""
    weights_RN = Resampling(np.zeros(3, int), np.zeros(3, int), seed=1).draw(range(1, 6001))[1]
    ways = Counter(tuple(np.bincount(drawn, minlength=3).tolist()) for drawn in np.ndindex(3, 3, 3))
    for split in (weights_RN[:, :3], weights_RN[:, 3:]):
        found = Counter(map(tuple, split.tolist()))
        assert found.keys() == ways.keys()
        counts, expected = zip(*[(found[key], 6000 * ways[key] / 27) for key in ways], strict=True)
        assert scipy.stats.chisquare(counts, expected).pvalue > 0.001


def test_how_often_an_image_is_drawn_is_binomial() -> None:
    images = 400
    drawn_RN = Resampling(np.zeros(images, int), np.zeros(50, int), seed=2).draw(range(1, 301))[1]
    times = np.bincount(drawn_RN[:, :images].ravel(), minlength=8)
    chances = scipy.stats.binom.pmf(np.arange(7), images, 1 / images)
    expected = times.sum() * np.append(chances, 1 - chances.sum())
    found = np.append(times[:7], times[7:].sum())
    assert scipy.stats.chisquare(found, expected).pvalue > 0.001


def test_a_split_is_drawn_independently_of_the_other_and_of_the_deal() -> None:
    dealt_RN, drawn_RN = Resampling(np.zeros(20, int), np.zeros(20, int), 4).draw(range(1, 2001))
    correlations = np.corrcoef(np.hstack([dealt_RN, drawn_RN[:, :20], drawn_RN[:, 20:]]).T)
    between = [correlations[:20, 20:], correlations[20:40, 40:]]
    assert max(np.abs(part).max() for part in between) < 5 / np.sqrt(2000)


@pytest.mark.parametrize("other", [1, 2**32, 2**64 + 5])
def test_seeds_differ(other: int) -> None:
    split = np.zeros(50, int)
    drawn = [Resampling(split, split, seed).draw(range(1, 3)) for seed in (0, other)]
    assert (drawn[0] != drawn[1]).any(axis=2).all()
    assert (drawn[0][:, 0] != drawn[0][:, 1]).any(axis=1).all()


def by_definition(
    train: list[int], test: list[int], seed: int, replicate: int, key_bits: int = 32
) -> list[list[int]]:
    """A replicate in Python's integers: sort by the upper bits that PCG64 gives, then by place."""
    raw = np.random.PCG64(np.random.SeedSequence((seed, replicate))).random_raw
    strata = sorted({*train, *test})
    both = [*train, *test]
    dealt, drawn = [0] * len(both), [0] * len(both)
    for stratum in strata:
        members = [image for image, label in enumerate(both) if label == stratum]
        tests = test.count(stratum)
        if tests:
            keys = [(int(raw()) >> 64 - key_bits, place) for place in range(len(members))]
            for _, place in sorted(keys)[:tests]:
                dealt[members[place]] = 1
    for stratum in strata:
        for split in (range(len(train)), range(len(train), len(both))):
            members = [image for image in split if both[image] == stratum]
            for _ in members:
                drawn[members[(int(raw()) >> 32) * len(members) >> 32]] += 1
    return [dealt, drawn]


def test_the_drawn_bytes_are_these_on_every_machine() -> None:
    """The digest was taken of `by_definition`; a release of numpy that breaks it breaks results."""
    train, test = [index % 3 for index in range(40)], [index % 4 for index in range(17)]
    drawn_2RN = Resampling(np.array(train), np.array(test), seed=12345).draw(range(1, 9))
    expected = [by_definition(train, test, 12345, replicate) for replicate in range(1, 9)]
    assert drawn_2RN.swapaxes(0, 1).tolist() == expected
    digest = hashlib.sha256(drawn_2RN.tobytes()).hexdigest()
    assert digest == "86581cafe380f3019835da9624f81d0390c0124e3aab87f205074b3cb9753569"


def test_of_equal_keys_the_earlier_images_are_dealt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of 32 bits are rarely equal; most keys of 2 bits are."""
    monkeypatch.setattr(resample, "HIGH_HALF", np.uint64(0b11 << 62))
    train, test = [index % 3 for index in range(40)], [index % 4 for index in range(17)]
    drawn_2RN = Resampling(np.array(train), np.array(test), seed=1).draw(range(1, 9))
    expected = [by_definition(train, test, 1, replicate, 2) for replicate in range(1, 9)]
    assert drawn_2RN.swapaxes(0, 1).tolist() == expected


@pytest.mark.parametrize(
    ("raw", "dealt"), [((2**32, 2**32 - 1), [0, 1]), ((1, 0), [1, 0]), ((2**33, 2**32), [0, 1])]
)
def test_a_key_is_the_upper_32_bits(
    raw: tuple[int, int], dealt: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image with the lower key is dealt to the test split; if both are equal, the first."""
    bits = SimpleNamespace(random_raw=lambda count: np.array(raw[:count], dtype=np.uint64))
    monkeypatch.setattr(np.random, "PCG64", lambda _: bits)
    one = np.zeros(1, int)
    assert Resampling(one, one, seed=0).draw([1])[0].tolist() == [dealt]


def test_an_error_in_a_replicate_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(bits: object, images: int) -> Array:
        raise MemoryError(bits, images)

    monkeypatch.setattr(resample, "_times_drawn", fail)
    with pytest.raises(MemoryError):
        Resampling(np.zeros(3, int), np.zeros(3, int), seed=0).draw(range(3))


def test_large_strata_keep_their_counts() -> None:
    """numpy selects the lowest of many keys by another way than of few."""
    for tests in (1, 250, 1000, 1999):
        split = np.zeros(2000 - tests, int), np.zeros(tests, int)
        dealt_RN, _ = Resampling(*split, seed=tests).draw(range(1, 101))
        assert (dealt_RN.sum(axis=1) == tests).all()


@pytest.mark.parametrize(
    ("train", "test", "deals", "draws"),
    [
        ([0, 0, 1], [0, 2], True, False),  # one class is shared: the others stay where they are
        ([0, 0], [1, 1], False, True),
        ([0, 1], [0, 0], True, False),  # each split has to vary
        ([0, 0], [0, 1], True, False),
        ([0, 1], [1, 1], True, False),
        ([0, 0], [0, 0], True, True),
    ],
)
def test_what_can_vary_does_vary_in_200_deals_and_drawings(
    *, train: list[int], test: list[int], deals: bool, draws: bool
) -> None:
    resampling = Resampling(np.array(train), np.array(test), seed=0)
    dealt_RN, drawn_RN = resampling.draw(range(200))
    assert resampling.can_deal == deals == (len(np.unique(dealt_RN, axis=0)) > 1)
    splits = drawn_RN[:, : len(train)], drawn_RN[:, len(train) :]
    assert resampling.can_draw == draws == all(len(np.unique(s, axis=0)) > 1 for s in splits)
