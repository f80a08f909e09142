"""Counts pixels with torch: uint8 images in, integer statistics out, exact on every device.

N images, C channels, H x W = P pixels, V = 256 levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.core.statistics import LEVELS, SplitStatistics

# Float32 adds are the fastest sums that torch has, and exact below 2^24: so are those of
# 256 squared levels, in any order, since 256 * 255^2 < 2^24.
EXACT_TERMS = 256

# On a CPU the work goes block by block through one scratch buffer that stays in the cache of a
# core (1 MiB of pixels, 4 MiB as float32): fresh memory for a whole batch costs ten times as much
# as the arithmetic. A GPU has no such cost and wants few, large kernels.
CPU_BLOCK_VALUES = 2**20

# Enough for one batch to be copied while others are counted.
GPU_WORKERS = 4


class ImageBatches(Protocol):
    """Images whose slices are uint8 arrays (n, C, H, W): an array, or a file read in slices."""

    def __len__(self) -> int: ...

    def __getitem__(self, images: slice, /) -> NDArray[np.uint8]: ...


def measure_batches(
    images: ImageBatches, batch_images: int, device: torch.device
) -> Iterator[SplitStatistics]:
    """Yield the statistics of each batch, in order, measuring several batches at once.

    A batch is read when a worker takes it up, so at most one per worker is in memory.
    """
    slices = [slice(i, i + batch_images) for i in range(0, len(images), batch_images)]
    with ThreadPoolExecutor(
        max_workers=_workers(device), initializer=_start_worker, initargs=(device,)
    ) as pool:
        yield from pool.map(lambda part: measure_batch(images[part], device), slices)


def measure_batch(images_NCHW: NDArray[np.uint8], device: torch.device) -> SplitStatistics:
    """Statistics of a batch of uint8 images (N, C, H, W), counted on `device`."""
    pixels_NCP = torch.from_numpy(images_NCHW).to(device).flatten(2)
    n_images, n_channels, n_pixels = pixels_NCP.shape
    histogram_CV = torch.zeros(n_channels, LEVELS, dtype=torch.int64, device=device)
    sums_CN = torch.empty(n_channels, n_images, dtype=torch.int64, device=device)
    squares_CN = torch.empty_like(sums_CN)

    block_images = n_images
    if device.type == "cpu":
        block_images = max(1, min(n_images, CPU_BLOCK_VALUES // (n_channels * n_pixels)))
    planes = torch.empty(n_channels, block_images, n_pixels, dtype=torch.uint8, device=device)
    scratch = torch.empty_like(planes, dtype=torch.float32)
    for start in range(0, n_images, block_images):
        block = slice(start, min(start + block_images, n_images))
        size = block.stop - start  # the last block may be shorter
        planes_CnP = planes[:, :size].copy_(pixels_NCP[block].transpose(0, 1))
        for channel, plane_nP in enumerate(planes_CnP):
            histogram_CV[channel] += torch.bincount(plane_nP.view(-1), minlength=LEVELS)
        floats_CnP = scratch[:, :size].copy_(planes_CnP)
        sums_CN[:, block] = _exact_sums(floats_CnP)
        squares_CN[:, block] = _exact_sums(floats_CnP.mul_(floats_CnP))

    return SplitStatistics(
        histogram=histogram_CV.cpu().numpy(),
        image_pixels=np.full(n_images, n_pixels, dtype=np.int64),
        image_sums=np.ascontiguousarray(sums_CN.cpu().numpy().T),
        image_sums_of_squares=np.ascontiguousarray(squares_CN.cpu().numpy().T),
    )


def _exact_sums(values_CNP: Tensor) -> Tensor:
    """Int64 sums (C, N) of float32 integers up to 255^2, exact for any number of pixels P."""
    whole = values_CNP.shape[-1] // EXACT_TERMS * EXACT_TERMS
    groups = values_CNP[..., :whole].view(*values_CNP.shape[:-1], whole // EXACT_TERMS, EXACT_TERMS)
    sums = groups.sum(-1).long().sum(-1)
    if whole < values_CNP.shape[-1]:
        sums += values_CNP[..., whole:].sum(-1).long()
    return sums


def _workers(device: torch.device) -> int:
    match device.type:
        case "cpu":
            return torch.get_num_threads()
        case "cuda":
            return GPU_WORKERS
        case _:
            return 1  # torch's MPS backend is not thread-safe


def _start_worker(device: torch.device) -> None:
    if device.type == "cpu":
        # The workers are the parallelism: threads inside torch's operations would only compete.
        torch.set_num_threads(1)
    elif device.type == "cuda":
        # Streams of their own let the copies of one worker overlap with the kernels of another.
        torch.cuda.set_stream(torch.cuda.Stream(device))
