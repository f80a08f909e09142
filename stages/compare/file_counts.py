"""The histograms of a split's images, read from the store block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from stages.images.decode import MeasuredImage
from stages.measure.store import Store
from stages.shared.names import LEVELS
from stages.statistics.integers import SplitStatistics


@dataclass(frozen=True)
class FileCounts:
    """Histograms of images of any size, which the store finds by their contents."""

    contents: Sequence[str]
    statistics: SplitStatistics
    version: str  # of the records in the store
    max_pixels: int  # of an image in the store

    @property
    def channels(self) -> int:
        return len(self.statistics.histogram)

    @cached_property
    def largest(self) -> int:
        return int(self.statistics.image_pixels.max())

    def __len__(self) -> int:
        return len(self.contents)

    def counts(self, images: slice, device: torch.device) -> Tensor:
        contents = self.contents[images]
        counts_NCV = np.empty((len(contents), self.channels, LEVELS), dtype=np.int64)
        with Store.open(self.version, self.max_pixels) as store:
            for counts_CV, measured in zip(counts_NCV, store.get(contents), strict=True):
                if not isinstance(measured, MeasuredImage):
                    raise ValueError("the index is of other images; run `dvc repro measure`")
                counts_CV[:] = measured.counts  # a gray image has the same for each channel
        return torch.from_numpy(counts_NCV).flatten(1).to(device)
