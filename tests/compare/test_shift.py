"""Every measure between two splits, against scipy and numpy on the pixels themselves."""

from __future__ import annotations

import operator
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.compare.shift import MEASURES, shift_changes, shift_measures, total_variation
from stages.download.ready_made.labelled import LabelledImages

Array = np.ndarray[Any, Any]
Values = dict[str, float]

SPLITS = ("train", "test")
LEVELS = np.arange(256)
ALIKE = {name: 1.0 if name == "std_ratio" else 0.0 for name in MEASURES}
SWAPPED = {"difference": operator.neg, "ratio": lambda ratio: 1 / ratio, "distance": operator.pos}
IN_STDS = {"mean_stds", "wasserstein_stds"}

any_counts = hnp.arrays(np.int64, 256, elements=st.integers(0, 9)).filter(np.any)
few_levels = st.lists(st.integers(0, 255), min_size=1, max_size=9).map(
    lambda pixels: np.bincount(pixels, minlength=256)
)
any_histogram = any_counts | few_levels
spread_histogram = any_histogram.filter(lambda counts_V: np.count_nonzero(counts_V) > 1)


def measured(train_V: Array, test_V: Array) -> Values:
    """The measures between two histograms of one channel."""
    measures = shift_measures(train_V[None, None], test_V[None, None])
    return {name: float(values_RC[0, 0]) for name, values_RC in measures.items()}


def psi_by_hand(train_V: Array, test_V: Array) -> float:
    """16 bins of 16 levels; a share below 0.0001 counts as 0.0001."""
    total = 0.0
    for first in range(0, 256, 16):
        p = max(train_V[first : first + 16].sum() / train_V.sum(), 0.0001)
        q = max(test_V[first : first + 16].sum() / test_V.sum(), 0.0001)
        total += (q - p) * np.log(q / p)
    return total


def by_hand(train_V: Array, test_V: Array) -> Values:
    train, test = np.repeat(LEVELS, train_V), np.repeat(LEVELS, test_V)
    # Rounding may take scipy's divergence of equal splits below 0, and its root to NaN.
    jensen_shannon = scipy.spatial.distance.jensenshannon(train_V, test_V, base=2)
    wasserstein = scipy.stats.wasserstein_distance(LEVELS, LEVELS, train_V, test_V)
    return {
        "mean_levels": test.mean() - train.mean(),
        "mean_stds": (test.mean() - train.mean()) / train.std(),
        "std_ratio": test.std() / train.std(),
        "wasserstein_levels": wasserstein,
        "wasserstein_stds": wasserstein / train.std(),
        "kolmogorov_smirnov": scipy.stats.ks_2samp(train, test, method="asymp").statistic,
        "jensen_shannon_bits": np.nan_to_num(jensen_shannon) ** 2,
        "psi": psi_by_hand(train_V, test_V),
    }


@given(spread_histogram, any_histogram)
@example(np.eye(256, dtype=int)[0] + np.eye(256, dtype=int)[255], np.eye(256, dtype=int)[255])
def test_every_measure_equals_scipy_on_the_pixels(train_V: Array, test_V: Array) -> None:
    assert measured(train_V, test_V) == pytest.approx(by_hand(train_V, test_V), abs=1e-9)


def cdf_gap(train_V: Array, test_V: Array) -> Array:
    """The test split's share of pixels up to each level, minus the train split's."""
    gap_V: Array = test_V.cumsum() / test_V.sum() - train_V.cumsum() / train_V.sum()
    return gap_V


@settings(max_examples=20)
@given(*[st.lists(spread_histogram, min_size=2, max_size=3)] * 2)
def test_changes_are_from_row_0_and_for_distances_of_the_distribution_functions(
    train: list[Array], test: list[Array]
) -> None:
    rows = list(zip(train, test, strict=False))
    changes = shift_changes(*(np.array(split)[:, None] for split in zip(*rows, strict=True)))
    first, gap_0 = by_hand(*rows[0]), cdf_gap(*rows[0])
    std_0 = np.repeat(LEVELS, rows[0][0]).std()
    for number, row in enumerate(rows):
        now, std = by_hand(*row), np.repeat(LEVELS, row[0]).std()
        expected = {name: abs(now[name] - first[name]) for name in MEASURES}
        gap = cdf_gap(*row)
        expected |= {
            "std_ratio": abs(np.log(now["std_ratio"]) - np.log(first["std_ratio"])),
            "wasserstein_levels": abs(gap - gap_0).sum(),
            "wasserstein_stds": abs(gap / std - gap_0 / std_0).sum(),
            "kolmogorov_smirnov": abs(gap - gap_0).max(),
        }
        found = {name: float(values_RC[number, 0]) for name, values_RC in changes.items()}
        assert found == pytest.approx(expected, abs=1e-9)


@given(any_histogram, any_histogram)
def test_total_variation_equals_numpy(train_V: Array, test_V: Array) -> None:
    p_V, q_V = train_V / train_V.sum(), test_V / test_V.sum()
    (ours,) = total_variation(train_V[None], test_V[None])
    assert ours == pytest.approx((q_V - p_V)[q_V > p_V].sum(), abs=1e-12)
    assert 1 - ours == pytest.approx(np.minimum(p_V, q_V).sum(), abs=1e-12)


@given(any_histogram, st.integers(1, 1000))
@example(np.eye(256, dtype=int)[9], 7)
def test_equal_splits_are_exactly_so(counts_V: Array, times: int) -> None:
    assert measured(counts_V, times * counts_V) == ALIKE
    assert total_variation(counts_V[None], times * counts_V[None]) == [0.0]


@given(any_histogram, any_histogram)
def test_splits_with_no_level_in_common_are_as_far_apart_as_can_be(low: Array, high: Array) -> None:
    """One split is in the lower half of the levels, the other in the upper half."""
    train_V, test_V = np.zeros((2, 256), int)
    train_V[:128], test_V[128:] = low.reshape(128, 2).sum(1), high.reshape(128, 2).sum(1)
    found = measured(train_V, test_V)
    assert found["kolmogorov_smirnov"] == pytest.approx(1)
    assert found["jensen_shannon_bits"] == pytest.approx(1)
    assert found["wasserstein_levels"] == pytest.approx(found["mean_levels"])
    assert total_variation(train_V[None], test_V[None]) == pytest.approx(1)


def test_rounding_puts_no_measure_outside_its_range() -> None:
    """Shares of disjoint levels may add up to more than 2; terms of a divergence cancel out."""
    low, high = np.random.default_rng(0).integers(0, 10, (2, 100, 128))
    distances = total_variation(np.pad(low, [(0, 0), (0, 128)]), np.pad(high, [(0, 0), (128, 0)]))
    assert distances == pytest.approx(1)
    assert distances.max() == 1
    nearly = np.array([[10**power, few] + 254 * [0] for power in range(6, 10) for few in range(30)])
    found = shift_measures(nearly[None], nearly[None] + np.eye(256, dtype=int)[0])
    assert found["jensen_shannon_bits"] == pytest.approx(0, abs=1e-12)
    assert (found["jensen_shannon_bits"] >= 0).all()


@given(spread_histogram, spread_histogram)
def test_swapping_the_splits_negates_a_difference_and_inverts_a_ratio(
    train_V: Array, test_V: Array
) -> None:
    there, back = measured(train_V, test_V), measured(test_V, train_V)
    for name, measure in MEASURES.items():
        unit = there["std_ratio"] if name in IN_STDS else 1  # `back` is in stds of the test pixels
        assert back[name] * unit == pytest.approx(SWAPPED[measure.kind](there[name]), abs=1e-12)


@given(st.data(), st.integers(1, 127))
def test_moved_levels_move_the_mean_and_the_mass_as_far(data: st.DataObject, by: int) -> None:
    low = data.draw(hnp.arrays(np.int64, 128, elements=st.integers(0, 9)))
    low[[0, -1]] += 1
    train_V = np.pad(low, (0, 128))
    for moved, sign in ((train_V, 1), (train_V[::-1], -1)):
        found = measured(moved, np.roll(moved, sign * by))
        assert found["mean_levels"] == pytest.approx(sign * by)
        assert found["wasserstein_levels"] == pytest.approx(by)
        assert found["std_ratio"] == pytest.approx(1)
        for name in ("mean", "wasserstein"):
            in_levels, in_stds = found[f"{name}_levels"], found[f"{name}_stds"]
            assert in_levels / in_stds == pytest.approx(np.repeat(LEVELS, moved).std())


@given(hnp.arrays(np.int64, (2, 4, 3, 256), elements=st.integers(0, 9)), any_counts)
def test_rows_and_channels_at_once_equal_one_at_a_time(counts: Array, some_V: Array) -> None:
    """To the last bit: replicates are compared with the data, and ties must stay ties."""
    train_RCV, test_RCV = counts + some_V
    together = shift_measures(train_RCV, test_RCV)
    for row in range(4):
        alone = shift_measures(train_RCV[row : row + 1], test_RCV[row : row + 1])
        for name in MEASURES:
            assert alone[name][0].tobytes() == together[name][row].tobytes()


def test_sums_run_level_after_level() -> None:
    """To the last bit: another order of additions would round otherwise."""
    counts = np.random.default_rng(1).integers(1, 1000, (2, 3, 256))
    expected = []
    for channel in range(3):
        p_V, q_V = ((counts_V / counts_V.sum()).tolist() for counts_V in counts[:, channel])
        apart = 0.0
        for p, q in zip(p_V, q_V, strict=True):
            apart += abs(q - p)
        expected.append(apart / 2)
    assert total_variation(*counts).tolist() == expected


def test_measures_reach_the_ends_of_their_range() -> None:
    black_V, white_V = np.eye(256, dtype=int)[[0, 255]]
    least, most = measured(white_V, black_V), measured(black_V, white_V)
    alike, flat = measured(black_V, black_V), measured(black_V + white_V, black_V)
    assert {name: measure.low for name, measure in MEASURES.items()} == {
        **alike,
        "mean_levels": least["mean_levels"],
        "mean_stds": -np.inf,
        "std_ratio": flat["std_ratio"],
    }
    endless = {"mean_stds", "std_ratio", "wasserstein_stds", "psi"}
    assert {name: measure.high for name, measure in MEASURES.items()} == {
        name: np.inf if name in endless else pytest.approx(value) for name, value in most.items()
    }


def test_bins_of_psi_end_every_16_levels_and_are_never_empty() -> None:
    at = np.eye(256, dtype=int)
    assert measured(at[0] + at[32], at[15] + at[47])["psi"] == 0
    expected = 2 * (1 - 0.0001) * np.log(1 / 0.0001)
    assert measured(at[15], at[16])["psi"] == pytest.approx(expected)
    rare = 100_000 * at[0] + 9 * at[255]  # a share below the floor in one split, none in the other
    assert measured(rare, 100_009 * at[0])["psi"] == pytest.approx(0, abs=1e-8)


def test_a_train_split_of_one_level_has_no_measures_in_stds() -> None:
    flat_V, other_V = np.bincount([9], minlength=256), np.bincount([9, 11], minlength=256)
    found = measured(flat_V, other_V)
    assert {name for name in MEASURES if not np.isfinite(found[name])} == {*IN_STDS, "std_ratio"}
    assert (found["mean_levels"], found["wasserstein_levels"]) == (1, 1)


def test_the_largest_counts_do_not_overflow() -> None:
    counts_V = np.full(256, 2**62 // (256 * 255))
    assert measured(counts_V, counts_V[::-1]) == ALIKE


def channel_histograms(images: Array) -> Array:
    return np.stack([np.bincount(images[:, c].ravel(), minlength=256) for c in range(3)])


def test_what_another_program_found_for_cifar10(cifar10: dict[str, LabelledImages]) -> None:
    train_CV, test_CV = (channel_histograms(cifar10[split].images) for split in SPLITS)
    measures = shift_measures(train_CV[None], test_CV[None])
    for measure, digits, printed in (
        ("mean_levels", 3, [0.718, 0.758, 0.989]),
        ("wasserstein_levels", 3, [0.720, 0.762, 0.996]),
        ("kolmogorov_smirnov", 4, [0.0061, 0.0048, 0.0059]),
        ("jensen_shannon_bits", 6, [8.2e-5, 10.2e-5, 13.8e-5]),
    ):
        assert [round(value, digits) for value in measures[measure][0].tolist()] == printed


def test_real_images_equal_scipy(cifar10: dict[str, LabelledImages]) -> None:
    train_CV, test_CV = (channel_histograms(cifar10[split].images[:200]) for split in SPLITS)
    measures = shift_measures(train_CV[None], test_CV[None])
    for channel in range(3):
        found = {name: values_RC[0, channel] for name, values_RC in measures.items()}
        assert found == pytest.approx(by_hand(train_CV[channel], test_CV[channel]), rel=1e-9)
