"""Histograms of many reweighted splits at once: a matrix product, exact on every device.

N images, C channels, P pixels, V = 256 levels, F = C * V counts; any number of weightings x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.measure.counting import ImageBatches, batch_size
from stages.shared.names import LEVELS
from stages.statistics.integers import IntArray

# Float32 holds every integer up to here, so sums of counts below it are exact in any order.
EXACT_FLOAT32 = 2**24

# More images at once would not make the product faster.
MAX_BLOCK_IMAGES = 4096

# If float32 is exact only for blocks of fewer images, larger blocks are taken in float64.
MIN_BLOCK_IMAGES = 64
DOUBLE_BLOCK_IMAGES = 1024

# As many indices of pixels as the cache of a core holds (1 MiB as int32).
CPU_BLOCK_VALUES = 2**18


class ImageCounts(Protocol):
    """The histograms of images, made or read block by block."""

    @property
    def channels(self) -> int: ...

    @property
    def largest(self) -> int:
        """Pixels of the largest image."""
        ...

    def __len__(self) -> int: ...

    def counts(self, images: slice, device: torch.device) -> Tensor:
        """The histograms of some images, channel after channel: int64 (n, F)."""
        ...


@dataclass(frozen=True)
class ArrayCounts:
    """Histograms of images of one size, counted when they are asked for.

    They are read in batches of `MAX_BATCH_BYTES` or of one image. A GPU counts a batch at once and
    takes 5 bytes for a value and its index: 14 GiB for a block of 1024 images of 1000 x 1000.
    """

    images: ImageBatches

    @property
    def channels(self) -> int:
        return int(self.images[:1].shape[1])

    @property
    def largest(self) -> int:
        return math.prod(self.images[:1].shape[2:])

    def __len__(self) -> int:
        return len(self.images)

    def counts(self, images: slice, device: torch.device) -> Tensor:
        numbers = range(len(self))[images]
        step = batch_size(self.images, len(numbers))
        parts = (numbers[first : first + step] for first in range(0, len(numbers), step))
        batches = (self.images[part.start : part.stop] for part in parts)
        return torch.cat([image_histograms(torch.from_numpy(b).to(device)) for b in batches])


def weighted_histograms(
    images: ImageCounts, weights_xN: NDArray[np.uint8], device: torch.device
) -> IntArray:
    """The histograms (..., C, V), int64, of a split in which image n occurs weights[..., n] times.

    The product is in float32 if no count reaches 2^24, else in float64, which holds counts up to
    2^53. Raises ValueError for a device that is set to round float32 to fewer bits.
    """
    # Weights are 1 on average; room for four times that keeps nearly every block in float32.
    step = min(MAX_BLOCK_IMAGES, EXACT_FLOAT32 // (4 * images.largest))
    if step < MIN_BLOCK_IMAGES:
        step = DOUBLE_BLOCK_IMAGES
    shape = (*weights_xN.shape[:-1], images.channels * LEVELS)
    total_xF = torch.zeros(shape, dtype=torch.int64, device=device)
    pixels_x = torch.zeros(shape[:-1], dtype=torch.int64, device=device)
    for start in range(0, len(images), step):
        block = slice(start, start + step)
        counts_NF = images.counts(block, device)
        weights_xn = torch.from_numpy(weights_xN[..., block]).to(device).double()
        # Summed apart from the product and in float64, to find what the product loses.
        block_pixels_x = weights_xn @ counts_NF[:, :LEVELS].sum(1).double()
        if block_pixels_x.max() < EXACT_FLOAT32:
            weights_xn = weights_xn.float()
        total_xF += (weights_xn @ counts_NF.to(weights_xn.dtype)).long()
        pixels_x += block_pixels_x.long()
    if not torch.equal(total_xF.sum(-1), images.channels * pixels_x):
        raise ValueError(
            f"pixels were lost on {device}: it rounds float32 to fewer bits (TF32, BF16); switch "
            "that off, as with TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=0, or set measure.device to cpu"
        )
    histograms: IntArray = total_xF.unflatten(-1, (images.channels, LEVELS)).cpu().numpy()
    return histograms


def image_histograms(images_NCHW: Tensor) -> Tensor:
    """The histogram of each image's channels, one after the other: int64 (N, C * V).

    >>> image_histograms(torch.zeros(1, 1, 2, 2, dtype=torch.uint8)).shape
    torch.Size([1, 256])
    """
    pixels_NCP = images_NCHW.flatten(2)
    n_images, n_channels, n_pixels = pixels_NCP.shape
    values = pixels_NCP.numel() if images_NCHW.is_cuda else CPU_BLOCK_VALUES
    step = min(n_images, max(1, values // (n_channels * n_pixels)))
    # Each channel of each image gets 256 levels of its own, so one count is enough for all.
    offsets_NC1 = LEVELS * torch.arange(
        step * n_channels, dtype=torch.int32, device=images_NCHW.device
    ).view(step, n_channels, 1)
    scratch = torch.empty_like(pixels_NCP[:step], dtype=torch.int32)
    blocks = []
    for block_nCP in pixels_NCP.split(step):
        n = len(block_nCP)
        levels_nCP = torch.add(block_nCP, offsets_NC1[:n], out=scratch[:n])
        blocks.append(torch.bincount(levels_nCP.view(-1), minlength=n * n_channels * LEVELS))
    return torch.cat(blocks).view(n_images, n_channels * LEVELS)
