"""Counting equals numpy for any images, batches, order and device."""

from __future__ import annotations

from typing import Any, ClassVar

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from stages.download.ready_made.labelled import LabelledImages
from stages.measure.counting import CPU_BLOCK_VALUES, batch_size, measure_batches
from stages.statistics.integers import FIELDS, SplitStatistics

CPU = torch.device("cpu")
Images = np.ndarray[Any, Any]

any_images = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 6), st.just(3), st.integers(1, 24), st.integers(1, 24)),
    elements=st.integers(0, 255),
)


def measure(images: Images, batch_images: int = 4096, device: torch.device = CPU) -> Any:
    return SplitStatistics.joined(list(measure_batches(images, batch_images, device)))


def by_hand(images: Images) -> dict[str, Images]:
    """The four arrays, computed with numpy alone."""
    wide = images.astype(np.int64)
    return {
        "histogram": np.stack(
            [np.bincount(wide[:, c].ravel(), minlength=256) for c in range(images.shape[1])]
        ),
        "image_pixels": np.array([image[0].size for image in images]),
        "image_sums": wide.sum(axis=(2, 3)),
        "image_sums_of_squares": (wide**2).sum(axis=(2, 3)),
    }


def assert_equal(statistics: SplitStatistics, expected: dict[str, Images]) -> None:
    for name in FIELDS:
        array = getattr(statistics, name)
        assert array.dtype == np.int64
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


@given(any_images, st.integers(1, 7))
@example(np.zeros((1, 3, 1, 1), np.uint8), 1)
@example(np.full((3, 3, 16, 16), 255, np.uint8), 2)
@example(np.full((2, 3, 17, 31), 255, np.uint8), 2)
def test_any_images_in_any_batches_equal_numpy(images: Images, batch_images: int) -> None:
    assert_equal(measure(images, batch_images), by_hand(images))


@given(any_images, st.randoms(use_true_random=False))
def test_order_moves_the_images_and_nothing_else(images: Images, random: Any) -> None:
    order = list(range(len(images)))
    random.shuffle(order)
    straight, shuffled = measure(images), measure(images[order])
    np.testing.assert_array_equal(shuffled.histogram, straight.histogram)
    np.testing.assert_array_equal(shuffled.image_sums, straight.image_sums[order])


def test_white_images_are_exact_at_every_size() -> None:
    """Their sums are the largest, so float32 would round these first."""
    for size in (1, 15, 16, 17, 255, 256, 257, 1500):
        images = np.full((2, 3, size, size), 255, np.uint8)
        assert_equal(measure(images), by_hand(images))


def test_nearly_white_images_are_exact_too() -> None:
    """Groups of 259 such pixels have odd sums of squares above 2^24, which float32 would round."""
    shape = (8, 3, 64, 128)
    images = np.where(np.random.default_rng(0).random(shape) < 0.05, 254, 255).astype(np.uint8)
    assert_equal(measure(images), by_hand(images))


def test_images_larger_than_a_block_equal_numpy() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 1013, 977), dtype=np.uint8)
    assert images[0].size > CPU_BLOCK_VALUES
    assert_equal(measure(images), by_hand(images))


def test_a_batch_of_large_images_is_cut_down() -> None:
    images = np.zeros((9, 3, 2000, 2000), np.uint8)
    assert batch_size(images, 4096) == 5  # of 12 MB each: 64 MiB hold no sixth
    assert batch_size(images[:, :, :32, :32], 4096) == 4096
    assert batch_size(np.broadcast_to(np.uint8(0), (9, 3, 9000, 9000)), 4096) == 1


def test_an_error_ends_the_measuring() -> None:
    class FailsAtTheThird:
        read: ClassVar[list[int]] = []

        def __len__(self) -> int:
            return 100_000

        def __getitem__(self, images: slice) -> Images:
            self.read.append(images.start)
            if images.start == 2:
                raise OSError("unreadable")
            return np.zeros((1, 3, 1, 1), np.uint8)

    with pytest.raises(OSError, match="unreadable"):
        measure(FailsAtTheThird(), batch_images=1)  # type: ignore[arg-type]
    assert len(FailsAtTheThird.read) < 100


def test_images_need_not_be_contiguous() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 5, 6, 3), dtype=np.uint8)
    channels_first = images.transpose(0, 3, 1, 2)
    assert_equal(measure(channels_first), by_hand(channels_first))


def test_cifar10_equals_numpy(cifar10: dict[str, LabelledImages]) -> None:
    for split in cifar10.values():
        assert_equal(measure(split.images), by_hand(split.images))


@pytest.mark.cuda
@pytest.mark.parametrize("batch_images", [1000, 4096])
def test_cuda_and_cpu_give_the_same_bytes(
    cifar10: dict[str, LabelledImages], batch_images: int
) -> None:
    images = cifar10["train"].images
    on_cpu, on_cuda = measure(images), measure(images, batch_images, torch.device("cuda"))
    for name in FIELDS:
        assert getattr(on_cpu, name).tobytes() == getattr(on_cuda, name).tobytes()
