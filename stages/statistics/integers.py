"""The integers that describe a split of uint8 images.

N images, C channels, V = 256 levels. Integer sums do not depend on order, so the parts of a
split may be measured anywhere, in any batches, and always join to the same arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from stages.shared.names import LEVELS, channel_names

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SplitStatistics:
    """Per-channel histogram and per-image sums of a split or of a part of it, all int64.

    Raises ValueError if no set of images has these arrays.
    """

    histogram: IntArray  # (C, V) pixels of the channel at each level
    image_pixels: IntArray  # (N,) pixels per channel of each image
    image_sums: IntArray  # (N, C) sum of the levels
    image_sums_of_squares: IntArray  # (N, C) sum of the squared levels

    def __post_init__(self) -> None:
        arrays = (self.histogram, self.image_pixels, self.image_sums, self.image_sums_of_squares)
        if any(array.dtype != np.int64 for array in arrays):
            raise ValueError("inconsistent statistics: not all arrays are int64")
        n_images, n_channels = self.image_sums.shape if self.image_sums.ndim == 2 else (0, 0)
        shapes = [(n_channels, LEVELS), (n_images,), *[(n_images, n_channels)] * 2]
        if n_images * n_channels == 0 or [array.shape for array in arrays] != shapes:
            raise ValueError(
                "inconsistent statistics: no images, or shapes that do not belong together: "
                f"{[array.shape for array in arrays]}"
            )
        if not (self._fits_int64() and self._images_can_be() and self._adds_up()):
            raise ValueError(
                "inconsistent statistics: no images have these numbers, or the histogram and the "
                "image sums contradict each other"
            )

    def _fits_int64(self) -> bool:
        """Whether int64 holds every sum over pixels, also that of squared levels."""
        counts_CV, pixels_N = self.histogram, self.image_pixels
        largest = 2**63 / (LEVELS - 1) ** 2
        return bool(
            (counts_CV >= 0).all()
            and (pixels_N > 0).all()
            and counts_CV.sum(axis=1, dtype=np.float64).max() < largest
            and pixels_N.sum(dtype=np.float64) < largest
        )

    def _images_can_be(self) -> bool:
        """Whether pixels of levels 0..255 can have these sums and sums of squares.

        For P integers with the sum S = qP + r, 0 <= r < P, the sum of (x - q)^2 is at least r.
        """
        pixels_N1, sums_NC = self.image_pixels[:, None], self.image_sums
        squares_NC = self.image_sums_of_squares
        most = LEVELS - 1
        if not ((sums_NC >= 0) & (sums_NC <= most * pixels_N1)).all():
            return False
        q_NC, r_NC = np.divmod(sums_NC, pixels_N1)
        least_NC = r_NC + 2 * q_NC * sums_NC - q_NC * q_NC * pixels_N1
        return bool(((least_NC <= squares_NC) & (squares_NC <= most * sums_NC)).all())

    def _adds_up(self) -> bool:
        """Whether the histogram and the images have the same number of pixels and the same sums."""
        levels = np.arange(LEVELS, dtype=np.int64)
        return bool(
            (self.histogram.sum(axis=1) == self.image_pixels.sum()).all()
            and np.array_equal(self.histogram @ levels, self.image_sums.sum(axis=0))
            and np.array_equal(self.histogram @ levels**2, self.image_sums_of_squares.sum(axis=0))
        )

    @property
    def channel_names(self) -> tuple[str, ...]:
        return channel_names(len(self.histogram))

    @property
    def constant_channels(self) -> dict[str, int]:
        """The level of each channel whose pixels all have the same level."""
        levels = zip(self.channel_names, map(np.flatnonzero, self.histogram), strict=True)
        return {name: int(found[0]) for name, found in levels if len(found) == 1}

    @property
    def images(self) -> int:
        return len(self.image_pixels)

    @property
    def pixels_per_channel(self) -> int:
        return int(self.image_pixels.sum())

    @staticmethod
    def joined(parts: Sequence[SplitStatistics]) -> SplitStatistics:
        """The statistics of all images of the parts, in the order of the parts."""
        return SplitStatistics(
            histogram=np.sum([part.histogram for part in parts], axis=0, dtype=np.int64),
            image_pixels=np.concatenate([part.image_pixels for part in parts]),
            image_sums=np.concatenate([part.image_sums for part in parts]),
            image_sums_of_squares=np.concatenate([part.image_sums_of_squares for part in parts]),
        )

    def __add__(self, other: SplitStatistics) -> SplitStatistics:
        return SplitStatistics.joined([self, other])


FIELDS = tuple(field.name for field in fields(SplitStatistics))
