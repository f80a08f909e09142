"""Pictures as files of any format, and what torchvision's `ImageFolder` loads of them."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision.datasets.folder import default_loader

from stages.images.decode import MeasuredImage, NotAnImageError, measure_image
from stages.shared.preparation import Preparation

HEIGHT, WIDTH = 23, 31

SHORT, LONG, ASCII = 3, 4, 2  # types of a TIFF's tags

Tags = dict[int, int | tuple[int, ...] | bytes]


def picture(mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A smooth picture with some noise, in which every channel differs."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    channels = [rows * 7, columns * 6, rows * 3 + columns * 2, 255 - rows * 5][:4]
    pixels = np.stack(channels, axis=-1) + rng.integers(0, 30, (HEIGHT, WIDTH, 4))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8), "RGBA")
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def encoded_by_opencv(extension: str, pixels: NDArray[np.generic], *options: int) -> bytes:
    return bytes(cv2.imencode(extension, np.ascontiguousarray(pixels), options)[1])


def tiff(*pages: tuple[Tags, bytes]) -> bytes:
    """A TIFF by hand, of tags and pixels; TIFF 6.0, section 2. Tags are SHORT, LONG or ASCII."""
    content = b"II*\0" + b"\0" * 4
    link = 4  # where the offset of the next directory is written
    for tags, pixels in pages:
        strip, content = len(content), content + pixels + b"\0" * (len(pixels) % 2)
        entries = b""
        for tag, value in sorted((tags | {273: strip, 279: len(pixels)}).items()):
            if isinstance(value, bytes):
                kind, count, data = ASCII, len(value), value
            else:
                values = value if isinstance(value, tuple) else (value,)
                kind, count = (LONG if max(values) > 0xFFFF or tag == 273 else SHORT), len(values)
                data = struct.pack(f"<{count}{'HL'[kind == LONG]}", *values)
            if len(data) > 4:
                offset, content = len(content), content + data + b"\0" * (len(data) % 2)
                data = struct.pack("<L", offset)
            entries += struct.pack("<HHL4s", tag, kind, count, data.ljust(4, b"\0"))
        at = struct.pack("<L", len(content))
        content = content[:link] + at + content[link + 4 :]
        content += struct.pack("<H", len(entries) // 12) + entries
        link, content = len(content), content + b"\0" * 4
    return content


def measured(content: bytes) -> MeasuredImage:
    return measure_image(content, Preparation())


def refused(content: bytes, preparation: Preparation | None = None) -> str:
    with pytest.raises(NotAnImageError) as error:
        measure_image(content, preparation or Preparation())
    return str(error.value)


def counts(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """By hand: (C, 256)."""
    return np.stack(
        [[np.count_nonzero(channel == level) for level in range(256)] for channel in pixels]
    )


def as_image_folder_loads(content: bytes, path: Path) -> NDArray[np.int64]:
    path.write_bytes(content)
    return counts(np.asarray(default_loader(str(path))).transpose(2, 0, 1))


def assert_as_image_folder(content: bytes, path: Path, *converted: str) -> MeasuredImage:
    """The image has the pixels that `ImageFolder` loads, and these conversions are named."""
    found = measured(content)
    assert found.converted == list(converted)
    loaded = as_image_folder_loads(content, path)
    assert np.array_equal(np.broadcast_to(found.counts, loaded.shape), loaded)
    return found
