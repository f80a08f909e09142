"""Counts pixels with torch: uint8 images in, integer statistics out, exact on every device.

N images, C channels, H x W = P pixels, V = 256 levels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.shared.names import LEVELS
from stages.statistics.integers import SplitStatistics

# Torch adds float32 the fastest, and exactly below 2^24. So the sum of 256 squared levels is exact
# in any order, since 256 * 255^2 < 2^24.
EXACT_TERMS = 256

# A batch of large images is cut down to this, or to one image, whatever `batch_images` says.
MAX_BATCH_BYTES = 2**26

# On a CPU each block goes through one scratch buffer that stays in the cache of a core (1 MiB of
# pixels, 4 MiB as float32). New memory for a whole batch would cost ten times as much as the
# arithmetic. A GPU has no such cost and wants few, large kernels.
CPU_BLOCK_VALUES = 2**20

GPU_WORKERS = 4  # enough to copy a batch while others are counted


class ImageBatches(Protocol):
    """Images whose slices are uint8 arrays (n, C, H, W): an array, or a file on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, images: slice, /) -> NDArray[np.uint8]: ...


def measure_batches(
    images: ImageBatches, batch_images: int, device: torch.device
) -> Iterator[SplitStatistics]:
    """Yield the statistics of each batch, in order; several batches are measured at once.

    A batch has at most `batch_images` images, and fewer if they are large. A worker reads a batch
    when it begins with it, so at most one batch per worker is in memory.

    >>> images = np.zeros((5, 1, 2, 2), dtype=np.uint8)
    >>> [part.images for part in measure_batches(images, 2, torch.device("cpu"))]
    [2, 2, 1]
    """
    step = batch_size(images, batch_images)
    workers = _workers(device)
    pending: deque[Future[SplitStatistics]] = deque()
    with ThreadPoolExecutor(workers, initializer=_start_worker, initargs=(device,)) as pool:
        try:
            for batch in _slices(len(images), step):
                pending.append(pool.submit(lambda b: measure_batch(images[b], device), batch))
                if len(pending) > 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # After an error or an interrupt, no further batch is begun.
            pool.shutdown(wait=False, cancel_futures=True)


def batch_size(images: ImageBatches, batch_images: int) -> int:
    """How many images a batch has: `batch_images`, or fewer if `MAX_BATCH_BYTES` hold no more.

    >>> batch_size(np.zeros((5, 1, 2, 2), dtype=np.uint8), 4096)
    4096
    """
    return min(batch_images, max(1, MAX_BATCH_BYTES // images[:1].nbytes))


def measure_batch(images_NCHW: NDArray[np.uint8], device: torch.device) -> SplitStatistics:
    """Statistics of a batch of uint8 images (N, C, H, W), counted on `device`.

    >>> images = np.full((1, 3, 2, 2), 7, dtype=np.uint8)
    >>> measure_batch(images, torch.device("cpu")).image_sums.tolist()
    [[28, 28, 28]]
    """
    pixels_NCP = torch.from_numpy(images_NCHW).to(device).flatten(2)
    n_images, n_channels, n_pixels = pixels_NCP.shape
    histogram_CV = torch.zeros(n_channels, LEVELS, dtype=torch.int64, device=device)
    sums_CN = torch.zeros(n_channels, n_images, dtype=torch.int64, device=device)
    squares_CN = torch.zeros_like(sums_CN)

    block_values = CPU_BLOCK_VALUES if device.type == "cpu" else pixels_NCP.numel()
    block_pixels = min(n_pixels, block_values // n_channels)
    block_images = min(n_images, block_values // (n_channels * block_pixels))
    block_shape = (n_channels, block_images, block_pixels)
    planes = torch.empty(block_shape, dtype=torch.uint8, device=device)
    scratch = torch.empty(block_shape, dtype=torch.float32, device=device)
    for images in _slices(n_images, block_images):
        for pixels in _slices(n_pixels, block_pixels):
            block_nCp = pixels_NCP[images, :, pixels]
            n, _, p = block_nCp.shape
            planes_Cnp = planes[:, :n, :p].copy_(block_nCp.transpose(0, 1))
            histogram_CV += _histogram(planes_Cnp)
            floats_Cnp = scratch[:, :n, :p].copy_(planes_Cnp)
            sums_CN[:, images] += _exact_sums(floats_Cnp)
            squares_CN[:, images] += _exact_sums(floats_Cnp.mul_(floats_Cnp))

    return SplitStatistics(
        histogram=histogram_CV.cpu().numpy(),
        image_pixels=np.full(n_images, n_pixels, dtype=np.int64),
        image_sums=np.ascontiguousarray(sums_CN.cpu().numpy().T),
        image_sums_of_squares=np.ascontiguousarray(squares_CN.cpu().numpy().T),
    )


def _slices(length: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _histogram(planes_CNP: Tensor) -> Tensor:
    # On MPS, bincount is slow or fails, depending on the release of torch.
    counted = planes_CNP.cpu() if planes_CNP.device.type == "mps" else planes_CNP
    counts_CV = torch.stack([torch.bincount(c.reshape(-1), minlength=LEVELS) for c in counted])
    return counts_CV.to(planes_CNP.device)


def _exact_sums(values_CNP: Tensor) -> Tensor:
    """Int64 sums (C, N) of float32 integers up to 255^2, exact for any number of pixels P."""
    whole = values_CNP.shape[-1] // EXACT_TERMS * EXACT_TERMS
    groups = values_CNP[..., :whole].view(*values_CNP.shape[:-1], whole // EXACT_TERMS, EXACT_TERMS)
    sums = groups.sum(-1).long().sum(-1)
    if whole < values_CNP.shape[-1]:
        sums += values_CNP[..., whole:].sum(-1).long()
    return sums


def _workers(device: torch.device) -> int:
    # One on MPS, as torch's backend for it is not thread-safe.
    return {"cpu": torch.get_num_threads(), "cuda": GPU_WORKERS}.get(device.type, 1)


def _start_worker(device: torch.device) -> None:
    if device.type == "cpu":
        # The workers run in parallel already: threads inside torch's operations would compete with
        # them. (This is also the new default for threads that are started later.)
        torch.set_num_threads(1)
    elif device.type == "cuda":
        # With streams of their own, one worker copies while another one counts.
        torch.cuda.set_stream(torch.cuda.Stream(device))
