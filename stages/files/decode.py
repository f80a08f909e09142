"""An image file's content as counts of its levels: which files are images, and read as what.

Pillow decodes, as torchvision's `ImageFolder` has it do, and what `ImageFolder` converts to RGB is
converted in the same way: so these are the pixels that a model is trained on. Nothing is converted
silently: each conversion is named, and what has no single 8-bit reading is refused.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from stages.core.prepare import Preparation, Size, center_crop_offset, resized
from stages.core.statistics import LEVELS
from stages.files.magic import FIRST_BYTES, named_content

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")

# Pillow's own limit, beyond which it warns of a decompression bomb: a few bytes that fill a memory.
MAX_PIXELS = 89_478_485
Image.MAX_IMAGE_PIXELS = None  # checked here, as an error

# Of these, and of PNG and TIFF files with 16 bits, Pillow or `ImageFolder` would lose some bits.
DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")

# By Pillow's mode: what it is called, and the mode that it is converted to.
CONVERSIONS = {
    "1": ("bilevel", "L"),
    "P": ("palette", "RGB"),
    "LA": ("alpha", "L"),
    "RGBA": ("alpha", "RGB"),
    "RGBX": ("alpha", "RGB"),
    "CMYK": ("CMYK", "RGB"),
}

# What Pillow raises for a damaged file, depending on where the damage is.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    struct.error,
)


class NotAnImageError(ValueError):
    """Why a file is not an image that can be measured."""


@dataclass(frozen=True)
class MeasuredImage:
    """The counts of an image, after its preparation."""

    counts: NDArray[np.int64]  # (C, V), C = 1 for a gray image, 3 for one in colour
    size: Size
    converted: list[str]  # what it was, where it had to be converted or an instruction was ignored


def version(preparation: Preparation) -> str:
    """What, besides a file's content, decides over its counts."""
    return f"Pillow {PIL.__version__}, resize {preparation.resize}, crop {preparation.crop}"


def measure_image(content: bytes, preparation: Preparation) -> MeasuredImage:
    """Decode and count an image; NotAnImageError says why not."""
    image, converted = decode(content)
    image = prepare(image, preparation)
    counts = np.array(image.histogram(), dtype=np.int64)
    return MeasuredImage(counts.reshape(-1, LEVELS), (image.height, image.width), converted)


def decode(content: bytes) -> tuple[Image.Image, list[str]]:
    """The image in mode L or RGB, and what was converted; NotAnImageError says why not."""
    # Pillow warns of damaged descriptions of an image, which no pixel depends on.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode(content)


def _decode(content: bytes) -> tuple[Image.Image, list[str]]:
    file = open_image(io.BytesIO(content))
    converted = []
    try:
        if "exif" in file.info and file.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            converted.append("EXIF orientation")  # not applied, as `ImageFolder` does not
        file.load()
        image: Image.Image = file
        if image.mode in CONVERSIONS:
            was, mode = CONVERSIONS[image.mode]
            converted.append(was)
            image = image.convert(mode)
    except DAMAGE as error:
        raise NotAnImageError(f"damaged: {error}") from error
    if image.mode not in ("L", "RGB"):
        raise NotAnImageError(f"of Pillow's mode {image.mode}, which has no reading as RGB")
    return image, converted


def open_image(content: BinaryIO) -> ImageFile.ImageFile:
    """Read the header of an image; NotAnImageError says why it is none that can be measured."""
    try:
        image = Image.open(content, formats=FORMATS)
    except PIL.UnidentifiedImageError:
        if not content.seek(0, io.SEEK_END):
            raise NotAnImageError("an empty file") from None
        content.seek(0)
        found = named_content(content.read(FIRST_BYTES))
        but = f", but {found}" if found else ""
        raise NotAnImageError(f"not a PNG, JPEG, WebP, BMP or TIFF image{but}") from None
    except DAMAGE as error:
        raise NotAnImageError(f"damaged: {error}") from error
    try:
        _refuse(image)
    except NotAnImageError:
        raise
    except DAMAGE as error:
        raise NotAnImageError(f"damaged: {error}") from error
    return image


def prepare(image: Image.Image, preparation: Preparation) -> Image.Image:
    """Resize (bilinear, as `Resize` does by default) and crop as torchvision does PIL images."""
    if preparation.resize is not None:
        height, width = resized((image.height, image.width), preparation.resize)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    if preparation.crop is not None:
        height, width = preparation.crop
        top, left = center_crop_offset((image.height, image.width), preparation.crop)
        image = image.crop((left, top, left + width, top + height))
    return image


def _refuse(image: ImageFile.ImageFile) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise NotAnImageError(
            f"{image.width} x {image.height} pixels, more than {MAX_PIXELS}: a decompression bomb?"
        )
    raw = str(image.tile[0].args) if image.tile else ""
    if image.mode in DEEP_MODES or ";16" in raw:
        raise NotAnImageError(
            "more than 8 bits a channel: convert it to 8 bits as your training code does"
        )
    # A phone's JPEG may carry further pictures (MPO): the first is the photo.
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise NotAnImageError(f"{frames} frames: which of them is the image?")
