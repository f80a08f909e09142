"""JPEG files to decode, of real pixels at the size of photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.tutorial import images_path

HEIGHT, WIDTH = 375, 500  # the usual size in ImageNet
QUALITY = 92


def write_jpegs(folder: Path, files: int) -> None:
    """Write files of four CIFAR-10 images each, enlarged, with noise like a camera's.

    A file takes about 95 kB. In ImageNet a file takes 110 kB on average.
    """
    images_NCHW = np.load(images_path("train"), mmap_mode="r")
    rng = np.random.default_rng(0)
    for number in range(files):
        quarters = [
            Image.fromarray(np.array(image_CHW).transpose(1, 2, 0)).resize(
                (WIDTH // 2, (HEIGHT + 1) // 2), Image.Resampling.BICUBIC
            )
            for image_CHW in images_NCHW[4 * number : 4 * number + 4]
        ]
        rows = [np.concatenate([np.asarray(q) for q in quarters[i : i + 2]], 1) for i in (0, 2)]
        pixels = np.concatenate(rows)[:HEIGHT].astype(np.float32)
        pixels += rng.normal(0, 14, (HEIGHT, WIDTH, 1)) + rng.normal(0, 4, (HEIGHT, WIDTH, 3))
        path = folder / f"class {number % 10}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=QUALITY)
