"""Replicates of two splits, against numpy on the images that were dealt and drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from stages.compare.replicates import Replicates, replicate
from stages.compare.resample import Resampling
from stages.compare.reweigh import ArrayCounts
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")
FIELDS = ("dealt_train", "dealt_test", "drawn_train", "drawn_test")
TRAIN, TEST = random_images(30, seed=0), random_images(11, seed=1)
SPLIT_SLICES = (slice(30), slice(30, None))


def resampling(seed: int = 5) -> Resampling:
    return Resampling(np.arange(30) % 3, np.arange(11) % 4, seed)


def replicated(device: torch.device = CPU) -> Replicates:
    return replicate(ArrayCounts(TRAIN), ArrayCounts(TEST), resampling().draw(range(21)), device)


def histogram(images: Array) -> Array:
    return np.stack([np.bincount(images[:, c].ravel(), minlength=256) for c in range(3)])


def same(left: Replicates, right: Replicates) -> bool:
    pairs = [(getattr(left, name), getattr(right, name)) for name in FIELDS]
    return all(one.tobytes() == other.tobytes() for one, other in pairs)


def test_row_0_is_the_data() -> None:
    found = replicated()
    for name, images in zip(FIELDS, (TRAIN, TEST) * 2, strict=True):
        assert getattr(found, name).shape == (21, 3, 256)
        assert np.array_equal(getattr(found, name)[0], histogram(images))


def test_every_row_equals_numpy_on_its_images() -> None:
    found, both = replicated(), np.concatenate([TRAIN, TEST])
    for row, (dealt_N, drawn_N) in enumerate(resampling().draw(range(21)).swapaxes(0, 1)):
        assert np.array_equal(found.dealt_train[row], histogram(both[dealt_N == 0]))
        assert np.array_equal(found.dealt_test[row], histogram(both[dealt_N == 1]))
        drawn_train, drawn_test = (np.repeat(both[s], drawn_N[s], axis=0) for s in SPLIT_SLICES)
        assert np.array_equal(found.drawn_train[row], histogram(drawn_train))
        assert np.array_equal(found.drawn_test[row], histogram(drawn_test))


def test_a_replicate_is_the_same_whatever_is_made_beside_it() -> None:
    whole = replicated()
    part = replicate(ArrayCounts(TRAIN), ArrayCounts(TEST), resampling().draw([0, 7, 20]), CPU)
    for name in FIELDS:
        assert np.array_equal(getattr(part, name), getattr(whole, name)[[0, 7, 20]])


@pytest.mark.cuda
def test_cuda_and_cpu_give_the_same_bytes() -> None:
    assert same(replicated(torch.device("cuda")), replicated())
