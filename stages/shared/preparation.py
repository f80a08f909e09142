"""Resizing and cropping before measuring, with the sizes that torchvision computes.

Sizes are height and width in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[int, int]

# Twice Pillow's own limit, where its warning of a decompression bomb becomes an error.
MAX_PIXELS = 2 * 89_478_485
MOST_PIXELS = 2**32 - 1  # the highest limit, as the store keeps a count in 32 bits


@dataclass(frozen=True)
class Preparation:
    """What is done to an image before it is measured: `Resize`, then `CenterCrop`.

    `resize` is the shorter side or both sides, `crop` both sides; None leaves an image as it is.
    An image of more than `max_pixels`, as it is or after a step, is refused.
    """

    resize: int | Size | None = None
    crop: Size | None = None
    max_pixels: int = MAX_PIXELS

    def sizes(self, size: Size) -> list[Size]:
        """The sizes that an image has in turn: its own, then resized, then cropped."""
        resize = [] if self.resize is None else [resized(size, self.resize)]
        return [size, *resize, *([] if self.crop is None else [self.crop])]


def resized(size: Size, resize: int | Size) -> Size:
    """The size after torchvision's `Resize(resize)`, which cuts the longer side to an integer.

    >>> resized((480, 640), 224)
    (224, 298)
    """
    if not isinstance(resize, int):
        return resize
    height, width = size
    if width <= height:
        return int(resize * height / width), resize
    return resize, int(resize * width / height)


def center_crop_offset(size: Size, crop: Size) -> tuple[int, int]:
    """Top and left of torchvision's `CenterCrop(crop)`, negative where it pads with zeros.

    A side that is too short by an odd number is padded with one pixel less before than after. The
    crop rounds halves to the even integer, as Python does.

    >>> center_crop_offset((224, 298), (224, 224))
    (0, 37)
    """
    padding = [max(0, to - of) for of, to in zip(size, crop, strict=True)]
    padded = [of + pad for of, pad in zip(size, padding, strict=True)]
    top, left = (
        round((of - to) / 2) - pad // 2 for of, to, pad in zip(padded, crop, padding, strict=True)
    )
    return top, left
