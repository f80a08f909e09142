"""Replicates made in passes: how many a pass makes, and numpy on the images of every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from stages.compare import splits
from stages.compare.class_gaps import ClassGaps
from stages.compare.resample import Resampling
from stages.compare.reweigh import ArrayCounts
from stages.compare.splits import Measured, Split, replicate_measures
from stages.measure.counting import measure_batch
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
REPLICATES = 99
TRAIN, TEST = random_images(60, seed=0), random_images(24, seed=1) // 2
LABELS = np.arange(60) % 3, np.arange(24) % 3
WEIGHT_BYTES = 2 * 84  # of a replicate: how often each of 84 images is dealt, and drawn


class Noted(Resampling):
    """Draws, and notes which replicates it was asked for at once."""

    passes: list[list[int]]

    def draw(self, replicates: Sequence[int]) -> Array:
        self.passes.append(list(replicates))
        return super().draw(replicates)


def resampling() -> Noted:
    made = Noted(*LABELS, seed=5)
    made.passes = []
    return made


def measured(noted: Noted) -> tuple[Measured, Measured]:
    train, test = (
        Split(ArrayCounts(images), labels, measure_batch(images, CPU))
        for images, labels in zip((TRAIN, TEST), LABELS, strict=True)
    )
    gaps = ClassGaps(train.in_strata(classes=True), test.in_strata(classes=True))
    return replicate_measures(train, test, noted, gaps, REPLICATES, CPU)


def as_bytes(measures: Sequence[Measured]) -> list[dict[str, bytes]]:
    return [{name: values.tobytes() for name, values in some.items()} for some in measures]


@pytest.mark.parametrize(
    ("max_rows", "max_bytes", "rows"),
    [
        (1, 2**29, 1),
        (20, 2**29, 20),
        (98, 2**29, 98),
        (99, 2**29, 99),
        (1024, 1, 1),  # less than a replicate: a pass has at least one
        (1024, 2 * WEIGHT_BYTES - 1, 1),
        (1024, 2 * WEIGHT_BYTES, 2),
        (1024, 40 * WEIGHT_BYTES + 7, 40),
        (40, 41 * WEIGHT_BYTES, 40),  # the lower limit counts
    ],
)
def test_a_pass_makes_few_replicates_and_the_data_and_changes_no_result(
    max_rows: int, max_bytes: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = resampling(), resampling()
    at_once = measured(whole)
    monkeypatch.setattr(splits, "MAX_ROWS", max_rows)
    monkeypatch.setattr(splits, "MAX_WEIGHT_BYTES", max_bytes)
    assert as_bytes(measured(parts)) == as_bytes(at_once)
    assert whole.passes == [[*range(REPLICATES + 1)]]
    drawn = [*range(1, REPLICATES + 1)]
    starts = range(0, REPLICATES, rows)
    assert parts.passes == [[0, *drawn[start : start + rows]] for start in starts]


def means_and_stds(images: Array, weights_N: Array) -> tuple[Array, Array]:
    """Of each channel (C,), over the pixels of images that are repeated."""
    pixels = np.repeat(images, weights_N, axis=0).astype(float)
    return pixels.mean(axis=(0, 2, 3)), pixels.std(axis=(0, 2, 3))


def test_rows_are_the_measures_of_dealt_images_and_the_changes_of_drawn_images() -> None:
    """By a measure that changes if the splits are exchanged."""
    dealt, changes = measured(resampling())
    both, in_train, in_test = np.concatenate([TRAIN, TEST]), slice(60), slice(60, None)
    expected_dealt, expected_drawn = [], []
    for dealt_N, drawn_N in resampling().draw(range(REPLICATES + 1)).swapaxes(0, 1):
        means, stds = means_and_stds(both, 1 - dealt_N)
        test_means, _ = means_and_stds(both, dealt_N)
        expected_dealt.append((test_means - means) / stds)
        means, stds = means_and_stds(TRAIN, drawn_N[in_train])
        test_means, _ = means_and_stds(TEST, drawn_N[in_test])
        expected_drawn.append((test_means - means) / stds)
    np.testing.assert_allclose(dealt["mean_stds"], expected_dealt, atol=1e-12)
    changed = np.abs(np.array(expected_drawn) - expected_drawn[0])
    np.testing.assert_allclose(changes["mean_stds"], changed, atol=1e-12)
