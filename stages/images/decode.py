"""Decodes image files and counts their levels; refuses other files.

Pillow decodes and converts to RGB, exactly as in torchvision's `ImageFolder`: so these are the
pixels that a model is trained on. Each conversion is named. An image of more than 8 bits a channel
or of several frames is refused.
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

from stages.images import headers
from stages.images.magic import FIRST_BYTES, named_content
from stages.shared.names import LEVELS
from stages.shared.preparation import (
    MAX_PIXELS,
    MOST_PIXELS,
    Preparation,
    Size,
    center_crop_offset,
    resized,
)

# Pillow's names. A TGA file does not start with a mark, so TGA is tried last.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF", "TGA")
NO_IMAGE = "not a PNG, JPEG, WebP, BMP, TIFF, GIF, PPM, JPEG 2000, AVIF or TGA image"

Image.MAX_IMAGE_PIXELS = None  # checked here, as an error

# Modes in which Pillow or `ImageFolder` would lose bits. PNG files of 16 bits have other modes.
DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")

# Pillow's raw modes for channels of 2 to 6 bits, which it spreads over the levels 0 to 255.
SHALLOW_RAW_MODES = ("L;2", "L;4", "BGR;15", "BGR;16", "BGRA;15")

# By Pillow's mode: the mode to convert to, and the name of a conversion that loses something.
READ_AS = dict.fromkeys(("L", "LA", "1"), "L") | dict.fromkeys(
    ("RGB", "RGBA", "P", "PA", "CMYK", "LAB"), "RGB"
)
CONVERTED = {"1": "bilevel", "P": "palette", "PA": "palette", "CMYK": "CMYK", "LAB": "LAB"}

# What Pillow raises for a damaged file, depending on where the damage is.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    struct.error,
)


# A range of `Preparation.max_pixels`, both ends included.
Limits = tuple[int, int]
ANY_LIMIT = (0, MOST_PIXELS)


class NotAnImageError(ValueError):
    """Why a file cannot be measured as an image, for any `max_pixels` within `limits`."""

    def __init__(self, reason: str, limits: Limits = ANY_LIMIT) -> None:
        super().__init__(reason)
        self.limits = limits


@dataclass(frozen=True)
class MeasuredImage:
    """The counts of a prepared image, the same for any `max_pixels` within `limits`."""

    counts: NDArray[np.int64]  # (C, V), C = 1 for a gray image, 3 for one in colour
    size: Size  # in its file
    converted: list[str]  # names of its conversions, and of what was ignored in its header
    limits: Limits = ANY_LIMIT


def measure_image(content: bytes, preparation: Preparation) -> MeasuredImage:
    """Decode, prepare and count an image; NotAnImageError says why it cannot be measured."""
    image, converted = decode(content, preparation.max_pixels)
    size = (image.height, image.width)
    limits = (max(height * width for height, width in preparation.sizes(size)), MOST_PIXELS)
    histogram = prepare(image, preparation).histogram()
    counts = np.array(histogram, dtype=np.int64).reshape(-1, LEVELS)
    return MeasuredImage(counts, size, converted, limits)


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> tuple[Image.Image, list[str]]:
    """The image in mode L or RGB, and the names of its conversions.

    NotAnImageError says why it cannot be measured.
    """
    # Pillow warns of damaged metadata, on which no pixel depends.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode(content, max_pixels)


def _decode(content: bytes, max_pixels: int) -> tuple[Image.Image, list[str]]:
    file = open_image(io.BytesIO(content), max_pixels)
    limits = (file.width * file.height, MOST_PIXELS)
    converted = []
    try:
        if "exif" in file.info and file.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            converted.append("EXIF orientation")  # not applied, as `ImageFolder` does not
        if file.format == "TIFF":
            converted += headers.ignored(io.BytesIO(content))
        if _raw_mode(file).startswith(SHALLOW_RAW_MODES) or _highest_level(file) < LEVELS - 1:
            converted.append("fewer than 8 bits")
        file.load()
        if file.mode in CONVERTED:
            converted.append(CONVERTED[file.mode])
        if file.has_transparency_data:
            converted.append("alpha")
        mode = READ_AS.get(file.mode)
        image = file if mode in (file.mode, None) else file.convert(mode)
    except DAMAGE as error:
        raise NotAnImageError(f"damaged: {error}", limits) from error
    if mode is None:
        raise NotAnImageError(f"Pillow's mode {file.mode}, which is not read as RGB", limits)
    return image, converted


def open_image(content: BinaryIO, max_pixels: int) -> ImageFile.ImageFile:
    """Read the header of an image; NotAnImageError says why it cannot be measured."""
    try:
        reason = headers.refusal(content)
        if not reason:
            image = Image.open(content, formats=FORMATS)
            if image.format == "TGA":  # a CUR may look like one: Pillow tries CUR first
                image = Image.open(content)
            reason = _refusal(image)
    except PIL.UnidentifiedImageError:
        reason = _why_unidentified(content)
    except DAMAGE as error:
        reason = f"damaged: {error}"
    if reason:
        raise NotAnImageError(reason)
    _check_pixels(image.width, image.height, max_pixels)
    return image


def prepare(image: Image.Image, preparation: Preparation) -> Image.Image:
    """Resize (bilinear, the default of `Resize`) and crop, as torchvision does with PIL images.

    NotAnImageError if the result would have more than `max_pixels`.
    """
    if preparation.resize is not None:
        height, width = resized((image.height, image.width), preparation.resize)
        _check_pixels(width, height, preparation.max_pixels, "dataset.resize makes it ")
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    if preparation.crop is not None:
        height, width = preparation.crop
        _check_pixels(width, height, preparation.max_pixels, "dataset.crop makes it ")
        top, left = center_crop_offset((image.height, image.width), preparation.crop)
        image = image.crop((left, top, left + width, top + height))
    return image


def _check_pixels(width: int, height: int, max_pixels: int, cause: str = "") -> None:
    if width * height > max_pixels:
        raise NotAnImageError(
            f"{cause}{width} x {height} pixels, more than {max_pixels}: a decompression bomb? "
            "If not, raise dataset.max_pixels in params.yaml",
            (max_pixels, max_pixels),
        )


def _refusal(image: ImageFile.ImageFile) -> str:
    """Why an image that Pillow reads cannot be measured, or an empty text if it can."""
    if image.format not in (*FORMATS, "MPO"):
        return NO_IMAGE
    deep = image.mode in DEEP_MODES or _highest_level(image) >= LEVELS
    if deep or (image.format == "PNG" and ";16" in _raw_mode(image)):
        return headers.TOO_DEEP
    # A phone's JPEG may hold more pictures (MPO): the first is the photo.
    if image.format not in ("MPO", "TIFF") and getattr(image, "is_animated", False):
        return headers.SEVERAL_FRAMES
    return ""


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Pillow's name for how the pixels are stored, or an empty text."""
    args = image.tile[0].args if image.tile else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _highest_level(image: ImageFile.ImageFile) -> int:
    """The level of white: any number in a PGM or PPM image, 255 in others."""
    codec, args = (image.tile[0].codec_name, image.tile[0].args) if image.tile else ("", "")
    return args[1] if codec.startswith("ppm") and isinstance(args, tuple) else LEVELS - 1


def _why_unidentified(content: BinaryIO) -> str:
    """Why Pillow does not read a file: what is wrong with the image, or what else the file is."""
    content.seek(0)
    start = content.read(FIRST_BYTES)
    if not start:
        return "an empty file"
    for name in FORMATS:
        read, is_marked = Image.OPEN[name]
        if is_marked and is_marked(start):
            content.seek(0)
            try:
                read(content, "")
            except DAMAGE as error:
                if str(error).startswith("not a"):  # a text that starts with "Py" was tried as PPM
                    continue
                return f"a {name} image that Pillow cannot read: {error}"
    found = named_content(start)
    return f"{NO_IMAGE}, but {found}" if found else NO_IMAGE
