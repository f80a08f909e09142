"""The statistics of images from the counts of their levels.

N images, C channels (1 for gray images), V = 256 levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stages.shared.names import LEVELS
from stages.statistics.integers import IntArray, SplitStatistics


def statistics_of_counts(counts_NCV: IntArray) -> SplitStatistics:
    """The statistics of images, each given by the counts of its levels.

    >>> statistics_of_counts(np.eye(256, dtype=int)[[[0], [255]]]).image_sums.tolist()
    [[0], [255]]
    """
    levels_V = np.arange(LEVELS, dtype=np.int64)
    return SplitStatistics(
        histogram=counts_NCV.sum(axis=0),
        image_pixels=counts_NCV[:, 0].sum(axis=1),
        image_sums=counts_NCV @ levels_V,
        image_sums_of_squares=counts_NCV @ levels_V**2,
    )


def in_one_mode(parts_NCV: Sequence[IntArray]) -> IntArray:
    """Stack the counts of images. Gray images count as RGB, unless all are gray.

    >>> in_one_mode([np.ones((1, 256)), np.ones((3, 256))]).shape
    (2, 3, 256)
    """
    channels = max(len(part_CV) for part_CV in parts_NCV)
    return np.stack([np.broadcast_to(part_CV, (channels, LEVELS)) for part_CV in parts_NCV])


def joined_in_one_mode(parts: Sequence[SplitStatistics]) -> SplitStatistics:
    """The statistics of all images of the parts. Gray images count as RGB, unless all are gray.

    >>> gray, rgb = (statistics_of_counts(np.ones((1, c, 256), dtype=int)) for c in (1, 3))
    >>> joined_in_one_mode([gray, rgb]).histogram.shape
    (3, 256)
    """
    return SplitStatistics.joined(all_in_one_mode(parts))


def all_in_one_mode(parts: Sequence[SplitStatistics]) -> list[SplitStatistics]:
    """The statistics of each part. Gray images count as RGB, unless all parts are gray.

    >>> gray, rgb = (statistics_of_counts(np.ones((1, c, 256), dtype=int)) for c in (1, 3))
    >>> [part.histogram.shape for part in all_in_one_mode([gray, rgb])]
    [(3, 256), (3, 256)]
    """
    channels = max(len(part.histogram) for part in parts)
    return [_widened(part, channels) for part in parts]


def _widened(part: SplitStatistics, channels: int) -> SplitStatistics:
    if len(part.histogram) == channels:
        return part
    return replace(
        part,
        histogram=part.histogram.repeat(channels, axis=0),
        image_sums=part.image_sums.repeat(channels, axis=1),
        image_sums_of_squares=part.image_sums_of_squares.repeat(channels, axis=1),
    )
