"""Statistics from the counts of images' levels are those of the pixels themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.shared.names import LEVELS
from stages.statistics.histograms import in_one_mode, joined_in_one_mode, statistics_of_counts
from stages.statistics.integers import IntArray

Sizes = list[tuple[int, int, int]]

sizes = st.lists(
    st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)), min_size=1
)


def pixels_of(shapes: Sizes) -> list[IntArray]:
    rng = np.random.default_rng(len(shapes))
    return [rng.integers(0, 256, shape) for shape in shapes]


def counts_of(image_CHW: IntArray) -> IntArray:
    return np.stack([np.bincount(channel.ravel(), minlength=LEVELS) for channel in image_CHW])


@given(sizes)
def test_images_of_any_sizes_and_modes_join_as_rgb(shapes: Sizes) -> None:
    images = pixels_of(shapes)
    channels = max(len(image) for image in images)
    as_loaded = [np.broadcast_to(image, (channels, *image.shape[1:])) for image in images]
    found = statistics_of_counts(in_one_mode([counts_of(image) for image in images]))
    assert found.image_pixels.tolist() == [image[0].size for image in as_loaded]
    assert found.image_sums.tolist() == [image.sum(axis=(1, 2)).tolist() for image in as_loaded]
    assert found.image_sums_of_squares.tolist() == [
        (image**2).sum(axis=(1, 2)).tolist() for image in as_loaded
    ]
    joined = np.concatenate([image.reshape(channels, -1) for image in as_loaded], axis=1)
    assert np.array_equal(found.histogram, counts_of(joined))


@given(sizes, sizes)
def test_parts_join_to_the_whole(first: Sizes, second: Sizes) -> None:
    parts = [[counts_of(image) for image in pixels_of(shapes)] for shapes in (first, second)]
    whole = statistics_of_counts(in_one_mode(parts[0] + parts[1]))
    joined = joined_in_one_mode([statistics_of_counts(in_one_mode(part)) for part in parts])
    for name in ("histogram", "image_pixels", "image_sums", "image_sums_of_squares"):
        assert np.array_equal(getattr(joined, name), getattr(whole, name))
