"""Histograms of reweighted splits, against numpy on images that are repeated."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from stages.compare import reweigh
from stages.compare.reweigh import ArrayCounts, image_histograms, weighted_histograms
from stages.measure import counting as measure
from tests.conftest import random_images

Array = np.ndarray[Any, Any]

CPU = torch.device("cpu")

any_images = hnp.arrays(
    np.uint8,
    st.tuples(*[st.integers(1, 7)] * 2, *[st.integers(1, 9)] * 2),
    elements=st.integers(0, 255),
)


def by_hand(images: Array, weights_N: Array) -> Array:
    """The histogram (C, V) of the split in which each image is repeated."""
    repeated = np.repeat(images, weights_N, axis=0)
    channels = range(images.shape[1])
    return np.stack([np.bincount(repeated[:, c].ravel(), minlength=256) for c in channels])


def random_weights(shape: tuple[int, ...], high: int = 256) -> Array:
    return np.random.default_rng(len(shape)).integers(0, high, shape, dtype=np.uint8)


@given(any_images, st.data())
@example(np.full((2, 3, 1, 1), 255, np.uint8), None)
def test_equals_numpy_on_the_repeated_images(images: Array, data: st.DataObject | None) -> None:
    shape = (2, 3, len(images))
    weights = random_weights(shape) if data is None else data.draw(hnp.arrays(np.uint8, shape))
    histograms = weighted_histograms(ArrayCounts(images), weights, CPU)
    assert histograms.dtype == np.int64
    assert histograms.shape == (2, 3, images.shape[1], 256)
    for index in np.ndindex(2, 3):
        assert np.array_equal(histograms[index], by_hand(images, weights[index]))


@pytest.mark.parametrize("block_images", [1, 2, 5, 16, 17, 100])
def test_blocks_of_images_add_up(block_images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images, weights = random_images(17, seed=0), random_weights((4, 17))
    monkeypatch.setattr(reweigh, "MAX_BLOCK_IMAGES", block_images)
    monkeypatch.setattr(reweigh, "MIN_BLOCK_IMAGES", 1)
    expected = [by_hand(images, weights_N) for weights_N in weights]
    assert np.array_equal(weighted_histograms(ArrayCounts(images), weights, CPU), expected)


@pytest.mark.parametrize("block_values", [1, 3 * 64, 7 * 3 * 64 + 5])
def test_every_image_is_counted_on_its_own(
    block_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = random_images(17, seed=1)
    monkeypatch.setattr(reweigh, "CPU_BLOCK_VALUES", block_values)
    counts = image_histograms(torch.from_numpy(images)).numpy().reshape(17, 3, 256)
    for image, counts_CV in zip(images, counts, strict=True):
        assert np.array_equal(counts_CV, by_hand(image[None], np.array([1])))


class Watched:
    """Images that note how many bytes are read at once."""

    def __init__(self, images: Array) -> None:
        self.images = images
        self.bytes: list[int] = []

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, images: slice) -> Array:
        read: Array = self.images[images]
        self.bytes.append(read.nbytes)
        return read


@pytest.mark.parametrize("images_at_once", [0.5, 1, 3, 5.5, 17])
def test_images_are_read_and_counted_a_few_bytes_at_a_time(
    images_at_once: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA counts at once what is read at once, so this bounds both. At least one image is read."""
    images, weights = random_images(17, seed=3), random_weights((4, 17))
    watched = Watched(images)
    limit = int(images_at_once * images[0].nbytes)
    monkeypatch.setattr(measure, "MAX_BATCH_BYTES", limit)
    found = weighted_histograms(ArrayCounts(watched), weights, CPU)
    assert np.array_equal(found, [by_hand(images, weights_N) for weights_N in weights])
    assert max(watched.bytes) <= max(limit, images[0].nbytes)


def test_images_need_not_be_contiguous() -> None:
    images = random_images(9, seed=2).transpose(0, 1, 3, 2)[::2]
    weights = random_weights((2, 9))[:, ::2]
    expected = [by_hand(images, weights_N) for weights_N in weights]
    assert np.array_equal(weighted_histograms(ArrayCounts(images), weights, CPU), expected)


def heavy_black_images() -> tuple[Array, Array]:
    """Black but for one pixel each: 255 * 17 * (2^14 - 1) black pixels, odd and above 2^26."""
    images = np.zeros((17, 1, 128, 128), np.uint8)
    images[:, 0, 0, 0] = 1
    return images, np.full((1, 17), 255, np.uint8)


@pytest.mark.parametrize("block_images", [1, 4, 17])
def test_counts_beyond_2_to_the_24_are_exact(
    block_images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one block that exceeds float32, and in several of which only the sum does."""
    images, weights = heavy_black_images()
    monkeypatch.setattr(reweigh, "MAX_BLOCK_IMAGES", block_images)
    monkeypatch.setattr(reweigh, "MIN_BLOCK_IMAGES", 1)
    (histogram_CV,) = weighted_histograms(ArrayCounts(images), weights, CPU)
    assert histogram_CV[0, :2].tolist() == [255 * 17 * (2**14 - 1), 255 * 17]
    assert not histogram_CV[0, 2:].any()


def test_float32_would_get_those_counts_wrong() -> None:
    images, weights = heavy_black_images()
    counts = image_histograms(torch.from_numpy(images)).float()
    total = torch.from_numpy(weights).float() @ counts
    assert int(total[0, 0]) != 255 * 17 * (2**14 - 1)


@pytest.mark.parametrize("heavy", [255, 16, 15])
def test_a_count_at_the_edge_of_float32_is_exact(heavy: int) -> None:
    """The first image has 2^20 pixels, all but one black: 16 times that is nearly 2^24."""
    images = np.zeros((2, 1, 1024, 1024), np.uint8)
    images[0, 0, 0, 0] = images[1, 0, :, 0] = 9
    (histogram_CV,) = weighted_histograms(
        ArrayCounts(images), np.array([[heavy, 1]], np.uint8), CPU
    )
    black = heavy * (2**20 - 1) + 1024 * 1023
    assert histogram_CV[0, [0, 9]].tolist() == [black, heavy + 1024]


def test_an_odd_count_just_above_2_to_the_24_is_exact() -> None:
    """17 * (2^20 - 1) is odd and between 2^24 and 2^25, where float32 has even numbers only."""
    black = ArrayCounts(np.zeros((1, 1, 1023, 1025), np.uint8))
    heavy_CV, light_CV = weighted_histograms(black, np.array([[17], [1]], np.uint8), CPU)
    assert heavy_CV[0].tolist() == [17 * (2**20 - 1)] + [0] * 255
    assert light_CV[0].tolist() == [2**20 - 1] + [0] * 255


class Blocks:
    """Images of one channel, all black, that note how many are asked for at once."""

    channels = 1

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.sizes: list[int] = []

    def __len__(self) -> int:
        return 5000

    def counts(self, images: slice, device: torch.device) -> torch.Tensor:
        self.sizes.append(len(range(len(self))[images]))
        black = torch.zeros((self.sizes[-1], 256), dtype=torch.int64, device=device)
        black[:, 0] = self.largest
        return black


@pytest.mark.parametrize(
    ("largest", "block"),
    [
        (1, 4096),
        (1024, 4096),  # 4 * 1024 * 4096 is 2^24
        (1025, 4092),
        (2**16, 64),
        (2**16 + 1, 1024),  # in float64, as blocks of 63 would be small
        (2**30, 1024),
    ],
)
def test_a_block_has_as_many_images_as_float32_holds_four_times(largest: int, block: int) -> None:
    images = Blocks(largest)
    (histogram_CV,) = weighted_histograms(images, np.ones((1, 5000), np.uint8), CPU)
    assert histogram_CV[0, 0] == 5000 * largest
    full, rest = divmod(5000, block)
    assert images.sizes == [block] * full + [rest]


def test_images_say_how_many_channels_and_pixels_they_have() -> None:
    counts = ArrayCounts(np.zeros((5, 3, 4, 6), np.uint8))
    assert (len(counts), counts.channels, counts.largest) == (5, 3, 24)


class Torn:
    """A large black image of two channels: the second lacks a pixel, as if rounded away."""

    channels, largest = 2, 2**24 + 1

    def __len__(self) -> int:
        return 1

    def counts(self, images: slice, device: torch.device) -> torch.Tensor:
        assert len(range(1)[images]) == 1
        counts = torch.zeros((1, 512), dtype=torch.int64, device=device)
        counts[0, 0], counts[0, 256] = self.largest, self.largest - 1
        return counts


def test_one_lost_pixel_is_noticed() -> None:
    with pytest.raises(ValueError, match="pixels were lost on cpu: it rounds float32"):
        weighted_histograms(Torn(), np.ones((2, 1), np.uint8), CPU)


@pytest.mark.cuda
@pytest.mark.parametrize("side", [8, 224])
def test_cuda_and_cpu_give_the_same_bytes(side: int) -> None:
    """Also for large images, whose counts would not fit into TF32's significand of 11 bits."""
    images = np.random.default_rng(side).integers(0, 9, (300, 3, side, side), dtype=np.uint8)
    weights = random_weights((5, 300), high=6)
    on_cpu = weighted_histograms(ArrayCounts(images), weights, CPU)
    on_cuda = weighted_histograms(ArrayCounts(images), weights, torch.device("cuda"))
    assert on_cpu.tobytes() == on_cuda.tobytes()
