"""P-values and intervals, by hand and against scipy; test_calibration.py holds their promises."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from stages.compare.inference import interval, p_values
from stages.compare.replicates import replicate
from stages.compare.resample import Resampling
from stages.compare.reweigh import ArrayCounts
from stages.compare.shift import MEASURES, shift_measures
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
MEAN, RATIO, DISTANCE = (
    MEASURES[name] for name in ("mean_levels", "std_ratio", "wasserstein_levels")
)


def distances_by_hand(name: str, values: list[Fraction]) -> list[Fraction]:
    """For ratios their sizes, which are in the same order as the logarithms."""
    if name == "wasserstein_levels":
        return values
    usual = statistics.median(values)
    if name == "std_ratio":
        return [max(value / usual, usual / value) for value in values]
    return [abs(value - usual) for value in values]


@pytest.mark.parametrize("name", ["mean_levels", "std_ratio", "wasserstein_levels"])
@given(hnp.arrays(np.float64, (9, 3), elements=st.integers(1, 9)))
def test_a_p_value_is_the_share_of_deals_at_least_as_far_apart(name: str, dealt_RC: Array) -> None:
    p_C, _ = p_values(dealt_RC, MEASURES[name])
    for values_R, p in zip(dealt_RC.T.tolist(), p_C, strict=True):
        apart_R = distances_by_hand(name, list(map(Fraction, values_R)))
        assert p == sum(apart >= apart_R[0] for apart in apart_R) / 9


@pytest.mark.parametrize("measure", [MEAN, RATIO, DISTANCE])
def test_no_more_rows_are_significant_than_the_p_value_says(measure: Any) -> None:
    """Take each of 200 rows as the data in turn: at most k of them have a p up to k / 200."""
    rows_RC = np.random.default_rng(0).gamma(2.0, [1, 5, 99], (200, 3))
    found = [p_values(np.roll(rows_RC, turn, axis=0), measure) for turn in range(200)]
    columns = np.array([[*p_C, p_any] for p_C, p_any in found]).T
    for p_R in columns:
        assert (np.sort(p_R) >= np.arange(1, 201) / 200 - 1e-12).all()


@pytest.mark.parametrize(
    ("apart_R", "p"),
    [
        ([1e6, 1e6 - 1e-5, 1e6 - 1e-3, 0], 0.5),
        ([1e-12, 0, 0, 1], 1),
        ([1e-9, 0, 0, 1], 0.5),
        ([0.5, 0.5 - 1e-11, 0.5 + 1e-11, np.inf], 1),
    ],
)
def test_values_tie_if_they_agree_to_ten_digits_of_the_largest_or_of_1(
    apart_R: list[float], p: float
) -> None:
    p_C, p_any = p_values(np.array(apart_R)[:, None], DISTANCE)
    assert (p_C.tolist(), p_any) == ([p], p)


@pytest.mark.parametrize("measure", [MEAN, RATIO, DISTANCE])
def test_the_p_value_of_any_of_equal_channels_is_that_of_each(measure: Any) -> None:
    dealt_RC = np.repeat(np.random.default_rng(1).gamma(2.0, 1, (50, 1)), 3, axis=1)
    p_C, p_any = p_values(dealt_RC, measure)
    assert set(p_C.tolist()) == {p_any}


@pytest.mark.parametrize("noise", [1, 100])
@pytest.mark.parametrize("measure", [MEAN, DISTANCE])
def test_one_channels_shift_is_not_lost_among_noisier_channels(measure: Any, noise: int) -> None:
    dealt_RC = np.random.default_rng(2).gamma(2.0, [1, noise, noise], (1000, 3))
    dealt_RC[0] = [50, 2 * noise, 2 * noise]
    p_C, p_any = p_values(dealt_RC, measure)
    assert p_C[0] == 0.001
    assert p_any <= 0.01


@pytest.mark.parametrize("measure", [MEAN, RATIO, DISTANCE])
@given(
    hnp.arrays(np.float64, (7, 3), elements=st.sampled_from([0, 1, 2, np.inf, np.nan])),
)
def test_no_p_value_is_0_even_if_measures_are_not_finite(measure: Any, dealt_RC: Array) -> None:
    p_C, p_any = p_values(dealt_RC, measure)
    assert not (np.array([*p_C, p_any]) < 1 / 7).any()


@pytest.mark.parametrize(("replicates", "place"), [(19, 19), (39, 38), (99, 95), (1000, 951)])
def test_an_interval_holds_95_percent_of_the_replicates(replicates: int, place: int) -> None:
    off_RC = np.random.default_rng(replicates).normal(0, 9, (replicates, 3))
    low_C, high_C = interval(np.full(3, 7.0), np.vstack([np.zeros((1, 3)), abs(off_RC)]), MEAN)
    for channel in range(3):
        radius = sorted(abs(off_RC[:, channel]))[place - 1]
        assert low_C[channel] == pytest.approx(7 - radius)
        assert high_C[channel] == pytest.approx(7 + radius)


def test_an_interval_ends_where_the_values_end() -> None:
    changes_RC = np.array([[0], *[[0.5]] * 19])
    for measure, value, ends in (
        (MEASURES["kolmogorov_smirnov"], 0.25, (0, 0.75)),
        (MEASURES["kolmogorov_smirnov"], 0.75, (0.25, 1)),
        (MEAN, 254.75, (254.25, 255)),
        (RATIO, 2, (2 * np.exp(-0.5), 2 * np.exp(0.5))),
    ):
        low_C, high_C = interval(np.array([value]), changes_RC, measure)
        assert (low_C[0], high_C[0]) == pytest.approx(ends)


def gap(left: Array, right: Array) -> float:
    return float(abs(left.mean() - right.mean()))


def wasserstein(left: Array, right: Array) -> float:
    return float(scipy.stats.wasserstein_distance(left.ravel(), right.ravel()))


@pytest.mark.parametrize(
    ("name", "distance"), [("mean_levels", gap), ("wasserstein_levels", wasserstein)]
)
def test_p_values_equal_scipys_over_all_deals(
    name: str, distance: Callable[[Array, Array], float]
) -> None:
    """scipy takes all 210 ways to deal 4 of 10 images to the test split."""
    both = random_images(10, seed=0)
    both[6:] |= 64
    resampling = Resampling(np.zeros(6, int), np.zeros(4, int), seed=0)
    deals = replicate(
        ArrayCounts(both[:6]), ArrayCounts(both[6:]), resampling.draw(range(4001)), CPU
    )
    values_RC = shift_measures(deals.dealt_train, deals.dealt_test)[name]
    found_C, _ = p_values(values_RC, MEASURES[name])
    for channel in range(3):
        exact = scipy.stats.permutation_test(
            (np.arange(6), np.arange(6, 10)),
            lambda *sides, c=channel: distance(*(both[side.astype(int), c] for side in sides)),
            alternative="greater",
            vectorized=False,
        ).pvalue
        assert found_C[channel] == pytest.approx(exact, abs=0.03)


def test_the_interval_of_a_mean_equals_scipys_bootstrap() -> None:
    train, test = random_images(300, seed=4), random_images(150, seed=5)
    resampling = Resampling(np.zeros(300, int), np.zeros(150, int), seed=1)
    drawn = replicate(ArrayCounts(train), ArrayCounts(test), resampling.draw(range(2001)), CPU)
    values_RC = shift_measures(drawn.drawn_train, drawn.drawn_test)["mean_levels"]
    low_C, high_C = interval(values_RC[0], abs(values_RC - values_RC[0]), MEAN)
    for channel in range(3):
        image_means = [split[:, channel].mean(axis=(1, 2)) for split in (test, train)]
        expected = scipy.stats.bootstrap(
            image_means, lambda a, b, axis: a.mean(axis) - b.mean(axis), rng=5, n_resamples=2000
        )
        error = expected.standard_error
        assert values_RC[1:, channel].std() == pytest.approx(error, rel=0.1)
        ends = expected.confidence_interval
        assert (low_C[channel], high_C[channel]) == pytest.approx(tuple(ends), abs=0.3 * error)
