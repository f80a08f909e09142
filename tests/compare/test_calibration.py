"""Whether p-values and intervals keep what they promise, computed from images.

Most splits are simulated. The 16 pixels of an image are nearly alike: to take them as independent
would give about a sixteenth of the true variance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch

from stages.compare.inference import interval, p_values
from stages.compare.replicates import replicate
from stages.compare.resample import Resampling
from stages.compare.reweigh import ArrayCounts
from stages.compare.shift import MEASURES, shift_changes, shift_measures
from stages.download.ready_made.labelled import LabelledImages

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
SPREAD, SHIFT = 20.0, 15.0  # std of an image's level, and how much brighter a shifted test split is
DARK, LIGHT = 90.0, 165.0  # levels of two classes
PROMISED = ("mean_levels", "std_ratio", "wasserstein_levels")
EACH, ANY = [0, 1, 2], [3]


class Findings:
    """What was inferred for each of many pairs of splits."""

    def __init__(self) -> None:
        self.ps: dict[str, list[Array]] = {name: [] for name in MEASURES}
        self.ends: dict[str, list[Array]] = {name: [] for name in MEASURES}

    def add(self, train: Array, test: Array, resampling: Resampling) -> None:
        made = replicate(ArrayCounts(train), ArrayCounts(test), resampling.draw(range(100)), CPU)
        dealt = shift_measures(made.dealt_train, made.dealt_test)
        changes = shift_changes(made.drawn_train, made.drawn_test)
        for name, measure in MEASURES.items():
            self.ps[name].append(np.append(*p_values(dealt[name], measure)))
            self.ends[name].append(np.stack(interval(dealt[name][0], changes[name], measure)))

    def p(self, name: str) -> Array:
        """One p-value of each pair, so all are independent: red, green, blue, any, in turn."""
        return np.array([p[pair % 4] for pair, p in enumerate(self.ps[name])])

    def found(self, name: str, channels: list[int]) -> float:
        """How often the splits are called different in one of the channels, at 5 %."""
        return float(np.mean([p[channels] <= 0.05 for p in self.ps[name]]))

    def coverage(self, name: str, truth: float) -> float:
        """The share of intervals that hold the true value; channels are independent here."""
        return float(np.mean([(low <= truth) & (truth <= high) for low, high in self.ends[name]]))


def simulated(rng: np.random.Generator, levels_N: Array, contrast: float) -> Array:
    """Images (N, 3, 4, 4): each channel has a level of its own, and a little noise."""
    levels_NC = levels_N[:, None] + rng.normal(0, SPREAD, (len(levels_N), 3))
    pixels = levels_NC[..., None, None] + rng.normal(0, contrast, (len(levels_N), 3, 4, 4))
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def findings(
    pairs: int,
    train_levels_N: Array,
    test_levels_N: Array,
    *,
    shift: float = 0,
    contrast: float = 5,
    stratify: bool = True,
) -> Findings:
    """Infer for many pairs of splits; images of the same level are of the same class."""
    result = Findings()
    for pair in range(pairs):
        rng = np.random.default_rng(pair)
        train = simulated(rng, train_levels_N, contrast=5)
        test = simulated(rng, test_levels_N + shift, contrast)
        classes = (train_levels_N * stratify).astype(int), (test_levels_N * stratify).astype(int)
        result.add(train, test, Resampling(*classes, seed=pair))
    return result


def levels(dark: int, light: int) -> Array:
    return np.repeat([DARK, LIGHT], [dark, light])


@pytest.fixture(scope="module")
def alike() -> Findings:
    return findings(200, np.full(160, 128.0), np.full(60, 128.0))


@pytest.fixture(scope="module")
def other_mix() -> Findings:
    return findings(150, levels(120, 40), levels(20, 40))


@pytest.fixture(scope="module")
def shifted() -> Findings:
    return findings(120, np.full(160, 128.0), np.full(60, 128.0), shift=SHIFT)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("pairs_of", ["alike", "other_mix"])
def test_p_is_uniform_where_the_classes_are_alike(
    name: str, pairs_of: str, request: pytest.FixtureRequest
) -> None:
    """Also where the splits have other shares of the classes."""
    pairs: Findings = request.getfixturevalue(pairs_of)
    assert scipy.stats.kstest(pairs.p(name), "uniform").pvalue > 0.001
    assert pairs.found(name, EACH) == pytest.approx(0.05, abs=0.035)
    assert pairs.found(name, ANY) == pytest.approx(0.05, abs=0.055)


def test_without_the_classes_another_mix_of_them_looks_like_a_shift() -> None:
    pairs = findings(10, levels(120, 40), levels(20, 40), stratify=False)
    assert pairs.found("mean_levels", EACH) == pairs.found("wasserstein_levels", EACH) == 1


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "std_ratio"])
def test_a_shift_is_found(name: str, shifted: Findings) -> None:
    assert shifted.found(name, EACH) > 0.9
    assert shifted.found(name, ANY) > 0.95


def test_more_contrast_is_found() -> None:
    pairs = findings(30, np.full(160, 128.0), np.full(60, 128.0), contrast=30)
    assert pairs.found("std_ratio", EACH) > 0.95


def test_a_shift_that_another_mix_of_classes_hides_is_found() -> None:
    """Each class is brighter, but the test split has more of the dark one: the means are equal."""
    train_N, test_N = levels(120, 40), levels(57, 3)
    assert train_N.mean() == test_N.mean() + SHIFT
    assert findings(30, train_N, test_N, shift=SHIFT).found("mean_levels", EACH) > 0.95
    ignoring = findings(30, train_N, test_N, shift=SHIFT, stratify=False)
    assert ignoring.found("mean_levels", EACH) < 0.1


@pytest.mark.parametrize("name", [*PROMISED, "wasserstein_stds", "kolmogorov_smirnov"])
def test_intervals_hold_the_truth_where_nothing_is_shifted(name: str, alike: Findings) -> None:
    assert alike.coverage(name, truth=1 if name == "std_ratio" else 0) >= 0.9


@pytest.mark.parametrize("name", PROMISED)
def test_intervals_hold_a_shift(name: str, shifted: Findings) -> None:
    assert shifted.coverage(name, truth=1 if name == "std_ratio" else SHIFT) >= 0.9


def test_cifar10_without_its_classes(cifar10: dict[str, LabelledImages]) -> None:
    """An independent program found .045, .035, .020 for Wasserstein, give or take .007."""
    train, test = cifar10["train"].images, cifar10["test"].images
    resampling = Resampling(np.zeros(len(train), int), np.zeros(len(test), int), seed=1)
    made = replicate(ArrayCounts(train), ArrayCounts(test), resampling.draw(range(1001)), CPU)
    dealt = shift_measures(made.dealt_train, made.dealt_test)
    found_C, _ = p_values(dealt["wasserstein_levels"], MEASURES["wasserstein_levels"])
    assert found_C.tolist() == pytest.approx([0.045, 0.035, 0.020], abs=0.02)
