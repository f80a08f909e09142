"""Finds in a header what Pillow drops without a word: bands, bits, pages, fill values.

Pillow's mode does not show it: the mode is RGB for a TIFF of 5 bands, for a JPEG 2000 image of 16
bits a channel and for an AVIF image of 10.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from PIL.Jpeg2KImagePlugin import BoxReader
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COMPRESSION,
    COMPRESSION_INFO,
    EXTRASAMPLES,
    IMAGELENGTH,
    IMAGEWIDTH,
    PHOTOMETRIC_INTERPRETATION,
    PREFIXES,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    TILELENGTH,
    TILEWIDTH,
    ImageFileDirectory_v2,
)

from stages.shared.preparation import MAX_PIXELS

TOO_DEEP = "more than 8 bits a channel: convert it to 8 bits as your training code does"
SEVERAL_FRAMES = "more than one frame: which of them is the image?"

# TIFF 6.0, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
COLOURS = {2: 3, 5: 4, 6: 3, 8: 3}  # bands of RGB, CMYK, YCbCr and Lab; others have 1
ALPHAS = (1, 2)  # values of ExtraSamples: alpha that is premultiplied, or not
KINDS = {1: "unsigned integers", 2: "signed integers", 3: "floats"}  # by SampleFormat
NEW_SUBFILE_TYPE, OVERVIEW, MASK = 254, 1, 4
GDAL_NODATA = 42113  # https://gdal.org/en/stable/drivers/raster/gtiff.html#nodata-value
MAX_DIRECTORIES = 64  # enough: each overview halves the sides, and each may have a mask

# JPEG 2000, ISO/IEC 15444-1: table I.16 has the types of channels, A.5.1 the bits of each.
CODESTREAM, END_OF_CODESTREAM = b"\xff\x4f\xff\x51", b"\xff\xd9"
JPEG2000 = (CODESTREAM, b"\0\0\0\x0cjP  ")
OPACITIES = (1, 2)
CMYK = b"\0\0\0\x0c"  # an enumerated colour space: ISO/IEC 15444-2, table M.25

AV1_HIGH_BITDEPTH = 0x40  # https://aomediacodec.github.io/av1-isobmff/#av1codecconfigurationbox


def refusal(content: BinaryIO) -> str:
    """Why an image would not be counted completely, or an empty text if it would."""
    content.seek(0)
    start = content.read(12)
    content.seek(0)
    if start.startswith(tuple(PREFIXES)):
        return _refusal_of_tiff(content)
    if start.startswith(JPEG2000):
        return _refusal_of_jpeg2000(content.read())
    if start.startswith((b"ftypavi", b"ftypmif1", b"ftypmsf1"), 4):
        return _refusal_of_avif(content)
    return ""


def ignored(content: BinaryIO) -> list[str]:
    """What a TIFF declares about its pixels and nothing here applies."""
    first, *others = islice(_directories(content), MAX_DIRECTORIES)
    found = ["nodata value, fill counted"] if GDAL_NODATA in first else []
    if any(other.get(NEW_SUBFILE_TYPE, 0) & MASK for other in others):
        found.append("mask, not applied")
    return found


def _loss(bands: int, counted: int, bits: int, kind: str) -> str:
    """Why an image with these bands is refused, or an empty text; only `counted` are counted."""
    what = f"{bits}-bit {kind}"
    if bands > counted:
        return (
            f"{bands} bands of {what}: {bands - counted} of them would be lost, as they are "
            "neither colours nor declared as alpha"
        )
    if bits > 8:
        return f"{what}, {TOO_DEEP}"
    if kind != KINDS[1]:
        return f"{what}, which Pillow takes for unsigned: convert it as your training code does"
    return ""


def _refusal_of_tiff(content: BinaryIO) -> str:
    directories = _directories(content)
    first = next(directories, None)
    if first is None:
        return "a TIFF without an image"
    colours = COLOURS.get(first.get(PHOTOMETRIC_INTERPRETATION, 0), 1)
    alphas = sum(extra in ALPHAS for extra in first.get(EXTRASAMPLES, ()))
    sample_format = max(first.get(SAMPLEFORMAT, (1,)))
    kind = KINDS.get(sample_format, f"values of SampleFormat {sample_format}")
    bands, bits = first.get(SAMPLESPERPIXEL, 1), max(first.get(BITSPERSAMPLE, (1,)))
    if reason := _loss(bands, colours + alphas, bits, kind):
        return reason
    compression = first.get(COMPRESSION, 1)
    if compression not in COMPRESSION_INFO:
        return f"a TIFF of compression {compression}, which Pillow does not read"
    # A large image may be one tile, which is somewhat larger: its sides are multiples of 16.
    most = max(MAX_PIXELS, 5 * first.get(IMAGEWIDTH, 1) * first.get(IMAGELENGTH, 1) // 4)
    if first.get(TILEWIDTH, 1) * first.get(TILELENGTH, 1) > most:
        return f"tiles of more than {most} pixels: a decompression bomb?"
    if first.get(NEW_SUBFILE_TYPE, 0) & (OVERVIEW | MASK):
        return "its first image is an overview or a mask of another"
    for number, other in enumerate(directories, start=1):
        if not other.get(NEW_SUBFILE_TYPE, 0) & (OVERVIEW | MASK) or number == MAX_DIRECTORIES:
            return SEVERAL_FRAMES
    return ""


def _directories(content: BinaryIO) -> Iterator[ImageFileDirectory_v2]:
    """The tags of each image of a TIFF; Pillow reads the first image only."""
    content.seek(0)
    head = content.read(16)
    head = head if head[2] == 43 else head[:8]  # 43: a BigTIFF
    at = ImageFileDirectory_v2(head).next
    while at:
        content.seek(at)
        directory = ImageFileDirectory_v2(head)
        directory.next = None
        directory.load(content)
        if directory.next is None:  # Pillow would go on without the missing tags
            raise ValueError("the file ends within its tags")
        yield directory
        at = directory.next


def _refusal_of_jpeg2000(data: bytes) -> str:
    boxes, _, codestream = data.partition(CODESTREAM)
    if END_OF_CODESTREAM not in codestream:
        return "damaged: its codestream has no end"
    (bands,) = struct.unpack_from(">H", codestream, 36)
    depths = codestream[38 : 38 + 3 * bands : 3]  # the bits minus 1; 0x80 marks signed values
    kind = KINDS[2 if any(depth & 0x80 for depth in depths) else 1]
    declared = re.search(rb"cdef..((?:.{6})*)", boxes, re.DOTALL)
    channels = struct.iter_unpack(">3H", declared[1]) if declared else ()
    alphas = sum(type_ in OPACITIES for _, type_, _ in islice(channels, bands))
    space = re.search(rb"colr\x01..(....)", boxes, re.DOTALL)
    most = 4 if space and space[1] == CMYK else 3
    colours = most if bands - alphas >= most else 1
    return _loss(bands, colours + alphas, max(depth & 0x7F for depth in depths) + 1, kind)


def _refusal_of_avif(content: BinaryIO) -> str:
    boxes = BoxReader(content)
    while boxes.next_box_type() != b"meta":
        pass
    configurations = re.finditer(rb"av1C..(.)", boxes.read_boxes().fp.read(), re.DOTALL)
    if any(found[1][0] & AV1_HIGH_BITDEPTH for found in configurations):
        return f"10 or 12 bits, {TOO_DEEP}"
    return ""
