"""Chance: which images a permuted test split has, and how often a bootstrap draws each image.

N images of both splits, train before test; R replicates. Each replicate has its own seed, so it
does not depend on what is drawn beside it. It is made of the raw bits of PCG64: numpy promises to
keep those, while the methods of its Generator may change between releases (NEP 19).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

HIGH_HALF = np.uint64(0xFFFFFFFF00000000)
HALF = np.uint64(32)

# Drawing is many small operations of numpy: more threads only wait for Python's lock.
THREADS = 2


class Resampling:
    """Draws replicates of two splits whose images belong to strata (classes, or one for all).

    A permutation deals the images of each stratum out anew, as many to the test split as are in it
    now: if the splits are alike within every stratum, each such deal is as likely as the real one.
    A bootstrap draws, from each stratum of each split, as many images as there are, with
    replacement (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 15 and 6).
    For n images this understates the variance by 1 in n: for a class of one image, it is 0.
    """

    def __init__(
        self, train_strata: NDArray[np.integer], test_strata: NDArray[np.integer], seed: int
    ) -> None:
        strata_N = np.concatenate([train_strata, test_strata])
        in_test_N = np.repeat([0, 1], [len(train_strata), len(test_strata)])
        self._in_test_N = in_test_N
        # Replicates are drawn for images sorted by stratum and split, then put back in order.
        order_N = np.lexsort((in_test_N, strata_N))
        self._place_N = np.argsort(order_N)
        self._numbers_N = np.arange(len(order_N), dtype=np.uint64)
        self._seed = seed
        _, sizes = np.unique(strata_N, return_counts=True)
        tests = np.add.reduceat(in_test_N[order_N], np.cumsum(sizes) - sizes)
        self._strata = list(zip(sizes.tolist(), tests.tolist(), strict=True))
        self._groups = np.stack([sizes - tests, tests], axis=1).ravel().tolist()

    @property
    def can_deal(self) -> bool:
        """Whether there are other deals than the real one: a stratum has images of both splits."""
        return any(0 < tests < images for images, tests in self._strata)

    @property
    def can_draw(self) -> bool:
        """Whether drawing can change each split: it has a stratum of more than one image."""
        return all(max(self._groups[split::2]) > 1 for split in (0, 1))

    def __len__(self) -> int:
        """How many images both splits have together."""
        return len(self._place_N)

    def draw(self, replicates: Sequence[int]) -> NDArray[np.uint8]:
        """A permutation and a bootstrap for each replicate: (2, R, N).

        The first says whether an image is dealt to the test split, 1 or 0; the second how often it
        is drawn. Replicate 0 is the data itself.
        """
        weights_2RN = np.empty((2, len(replicates), len(self)), dtype=np.uint8)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._draw_one, replicates, weights_2RN.swapaxes(0, 1)))
        return weights_2RN

    def _draw_one(self, replicate: int, weights_2N: NDArray[np.uint8]) -> None:
        if replicate == 0:
            weights_2N[:] = self._in_test_N, np.ones(len(self), dtype=np.uint8)
            return
        bits = np.random.PCG64(np.random.SeedSequence((self._seed, replicate)))
        dealt = [self._dealt_to_test(bits, *stratum) for stratum in self._strata]
        drawn = [_times_drawn(bits, images) for images in self._groups]
        weights_2N[0] = np.concatenate(dealt).view(np.uint8)[self._place_N]
        # An image is never drawn more than 255 times: the chance is below one in 255 factorial.
        weights_2N[1] = np.concatenate(drawn).astype(np.uint8)[self._place_N]

    def _dealt_to_test(self, bits: np.random.PCG64, images: int, tests: int) -> NDArray[np.bool_]:
        if tests == 0:
            return np.zeros(images, dtype=np.bool_)
        # The images with the lowest keys. The low half of a key is the image's number, so no two
        # keys are equal, and as many images are dealt as there should be.
        keys = bits.random_raw(images) & HIGH_HALF | self._numbers_N[:images]
        dealt: NDArray[np.bool_] = keys <= np.partition(keys, tests - 1)[tests - 1]
        return dealt


def _times_drawn(bits: np.random.PCG64, images: int) -> NDArray[np.intp]:
    # With 32 random bits, the chance of each image is off by at most a share of images / 2^32.
    drawn = (bits.random_raw(images) >> HALF) * np.uint64(images) >> HALF
    return np.bincount(drawn.view(np.int64), minlength=images)
