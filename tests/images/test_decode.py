"""Images are decoded as in torchvision's `ImageFolder`; other files are refused."""

from __future__ import annotations

import functools
import io
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets.folder import default_loader

from stages.images import headers
from stages.images.decode import NO_IMAGE, NotAnImageError, decode
from stages.shared.preparation import Preparation
from tests.pictures import (
    HEIGHT,
    WIDTH,
    assert_as_image_folder,
    encoded,
    encoded_by_opencv,
    measured,
    picture,
    refused,
    tiff,
)

ORIENTATION = 0x0112

FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("JPEG", {"quality": 80}),
    ("JPEG", {"quality": 95, "subsampling": 0}),
    ("JPEG", {"progressive": True}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"quality": 50}),
    ("PPM", {}),
    ("JPEG2000", {}),
    ("JPEG2000", {"no_jp2": True}),
    ("JPEG2000", {"irreversible": True, "quality_layers": (8,), "mct": 1}),
    ("AVIF", {"quality": 50}),
    ("AVIF", {"subsampling": "4:4:4"}),
    ("TGA", {"compression": "tga_rle"}),
    ("TGA", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
]


@functools.cache
def encoded_once(name: str, **options: Any) -> bytes:
    return encoded(picture(), name, **options)


@pytest.mark.parametrize(("name", "options"), FORMATS)
def test_colour_images_are_what_image_folder_loads(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    found = assert_as_image_folder(encoded_once(name, **options), tmp_path / "image")
    assert found.size == (HEIGHT, WIDTH)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA"])
def test_a_gray_image_stays_gray(name: str, tmp_path: Path) -> None:
    """`ImageFolder` makes three equal channels of it; here, joining it with colour images does."""
    found = assert_as_image_folder(encoded(picture("L"), name), tmp_path / "image")
    assert found.counts.shape == (1, 256)


def transparent_palette() -> Image.Image:
    image = picture().quantize(20)
    image.info["transparency"] = 3
    return image


def transparent_colour() -> Image.Image:
    image = picture()
    image.info["transparency"] = image.getpixel((3, 5))
    return image


def palette_and_alpha() -> Image.Image:
    return picture("RGBA").quantize(64).convert("PA")


CONVERTED: list[tuple[str, Image.Image, str, list[str]]] = [
    ("palette", picture().quantize(64), "PNG", ["palette"]),
    ("transparent palette", transparent_palette(), "PNG", ["palette", "alpha"]),
    ("transparent palette in GIF", transparent_palette(), "GIF", ["palette", "alpha"]),
    ("transparent colour", transparent_colour(), "PNG", ["alpha"]),
    ("palette in GIF", picture(), "GIF", ["palette"]),
    ("palette in TIFF", picture().quantize(64), "TIFF", ["palette"]),
    ("palette in TGA", picture().quantize(64), "TGA", ["palette"]),
    ("palette and alpha", palette_and_alpha(), "TIFF", ["palette", "alpha"]),
    ("alpha", picture("RGBA"), "PNG", ["alpha"]),
    ("alpha in WebP", picture("RGBA"), "WEBP", ["alpha"]),
    ("alpha in TIFF", picture("RGBA"), "TIFF", ["alpha"]),
    ("alpha in TGA", picture("RGBA"), "TGA", ["alpha"]),
    ("alpha in JPEG 2000", picture("RGBA"), "JPEG2000", ["alpha"]),
    ("alpha in AVIF", picture("RGBA"), "AVIF", ["alpha"]),
    ("gray with alpha", picture("LA"), "PNG", ["alpha"]),
    ("gray with alpha in TIFF", picture("LA"), "TIFF", ["alpha"]),
    ("gray with alpha in JPEG 2000", picture("LA"), "JPEG2000", ["alpha"]),
    ("CMYK", picture("CMYK"), "JPEG", ["CMYK"]),
    ("CMYK in TIFF", picture("CMYK"), "TIFF", ["CMYK"]),
    ("CMYK in JPEG 2000", picture("CMYK"), "JPEG2000", ["CMYK"]),
    ("LAB", picture("LAB"), "TIFF", ["LAB"]),
    ("bilevel", picture("1"), "PNG", ["bilevel"]),
    ("bilevel in PBM", picture("1"), "PPM", ["bilevel"]),
]


@pytest.mark.parametrize(("case", "image", "name", "converted"), CONVERTED)
def test_a_conversion_is_named_and_gives_what_image_folder_loads(
    case: str, image: Image.Image, name: str, converted: list[str], tmp_path: Path
) -> None:
    assert_as_image_folder(encoded(image, name), tmp_path / "image", *converted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_named_and_not_applied(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(picture(), "JPEG", exif=exif)
    converted = [] if orientation == 1 else ["EXIF orientation"]
    found = assert_as_image_folder(content, tmp_path / "image", *converted)
    assert found.size == (HEIGHT, WIDTH)


def test_a_photo_of_a_phone_is_the_first_picture_of_its_file(tmp_path: Path) -> None:
    content = encoded(picture(), "MPO", save_all=True, append_images=[picture(seed=1)])
    assert_as_image_folder(content, tmp_path / "image")


DEEP = np.random.default_rng(0).integers(0, 2**16, (9, 8, 4), dtype=np.uint16)
LARGE = np.tile(DEEP[..., :3], (8, 8, 1))
DEEP_FILES = {
    "gray PNG": encoded_by_opencv(".png", DEEP[..., 0]),
    "PNG": encoded_by_opencv(".png", DEEP[..., :3]),
    "PNG with alpha": encoded_by_opencv(".png", DEEP),
    "gray TIFF": encoded_by_opencv(".tiff", DEEP[..., 0]),
    "TIFF": encoded_by_opencv(".tiff", DEEP[..., :3]),
    "TIFF of floats": encoded_by_opencv(".tiff", DEEP[..., 0].astype(np.float32)),
    "TIFF of colours in floats": encoded_by_opencv(".tiff", DEEP[..., :3].astype(np.float32)),
    "gray JPEG 2000": encoded_by_opencv(".jp2", LARGE[..., 0]),
    "JPEG 2000": encoded_by_opencv(".jp2", LARGE),
    "AVIF of 10 bits": encoded_by_opencv(".avif", DEEP[..., :3] >> 6, cv2.IMWRITE_AVIF_DEPTH, 10),
    "AVIF of 12 bits": encoded_by_opencv(".avif", DEEP[..., :3] >> 4, cv2.IMWRITE_AVIF_DEPTH, 12),
    "PGM": encoded_by_opencv(".pgm", DEEP[..., 0]),
    "PPM": encoded_by_opencv(".ppm", DEEP[..., :3]),
    "PPM of 10 bits": b"P6 2 1 1023 " + bytes(range(12)),
    "plain PPM of 10 bits": b"P3 2 1 1023 0 1 2 3 4 1023",
    "PFM": encoded(picture("F"), "PPM"),
}


@pytest.mark.parametrize("content", DEEP_FILES.values(), ids=DEEP_FILES)
def test_more_than_8_bits_are_refused(content: bytes) -> None:
    assert headers.TOO_DEEP in refused(content)


def bmp_of_16_bits(*masks: int) -> bytes:
    """A BMP with a mask for the bits of each channel, as in BITMAPINFOHEADER."""
    pixels = DEEP[:4, :6, 0].tobytes()  # no padding, as rows are a multiple of 4 bytes long
    head = struct.pack("<3L2H6L", 40, 6, 4, 1, 16, 3 if masks else 0, len(pixels), 0, 0, 0, 0)
    head += struct.pack(f"<{len(masks)}L", *masks)
    start = 14 + len(head)
    return b"BM" + struct.pack("<3L", start + len(pixels), 0, start) + head + pixels


def png_of_few_bits(bits: int) -> bytes:
    """A gray PNG of 8 x 9 pixels with this number of bits each."""
    rows = DEEP.tobytes()
    lines = b"".join(b"\0" + rows[bits * row : bits * (row + 1)] for row in range(9))
    head = struct.pack(">2L5B", 8, 9, bits, 0, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        for kind, data in chunks
    )


SHALLOW = {
    "PGM to 100": b"P5 3 2 100 " + bytes([0, 20, 41, 60, 80, 100]),
    "PPM to 31": b"P6 2 1 31 " + bytes([0, 7, 13, 20, 29, 31]),
    "plain PPM to 1": b"P3 2 1 1 0 1 0 1 0 1",
    "PNG of 2 bits": png_of_few_bits(2),
    "PNG of 4 bits": png_of_few_bits(4),
    "TIFF of 4 bits": tiff(({256: 8, 257: 9, 258: 4, 262: 1}, DEEP.tobytes()[:36])),
    "BMP of 5, 6 and 5 bits": bmp_of_16_bits(0xF800, 0x7E0, 0x1F),
    "BMP of 5, 5 and 5 bits": bmp_of_16_bits(),
}


@pytest.mark.parametrize("content", SHALLOW.values(), ids=SHALLOW)
def test_fewer_than_8_bits_are_named_and_spread_as_image_folder_does(
    content: bytes, tmp_path: Path
) -> None:
    assert_as_image_folder(content, tmp_path / "image", "fewer than 8 bits")


def test_colours_of_5_bits_in_tga_are_what_image_folder_loads(tmp_path: Path) -> None:
    """The 16th bit is alpha."""
    content = struct.pack("<3B2HB4H2B", 0, 0, 2, 0, 0, 0, 0, 0, 4, 9, 16, 0) + DEEP.tobytes()[:72]
    assert_as_image_folder(content, tmp_path / "image", "fewer than 8 bits", "alpha")


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF", "GIF", "AVIF"])
def test_animations_are_refused(name: str) -> None:
    others = [picture(seed=seed) for seed in (1, 2)]
    content = encoded(picture(), name, save_all=True, append_images=others)
    assert refused(content) == headers.SEVERAL_FRAMES


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"hello", NO_IMAGE),
        (b"Python is a language", NO_IMAGE),
        (
            b"<html>404 not found</html>" * 50,
            f"{NO_IMAGE}, but an HTML page: was the download refused?",
        ),
    ],
    ids=["empty", "text", "text that starts as a PPM", "html"],
)
def test_what_is_no_image_is_refused(content: bytes, reason: str) -> None:
    assert refused(content) == reason


def test_an_icon_that_looks_like_a_tga_is_refused() -> None:
    """The third byte of its size, here of over 512 KiB, stands where a TGA has its depth."""
    pixels = np.random.default_rng(0).integers(0, 256, (430, 430, 3), dtype=np.uint8)
    inside = encoded(Image.fromarray(pixels), "PNG")
    icon = struct.pack("<3H4B2H2L", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(inside), 22) + inside
    assert Image.open(io.BytesIO(icon), formats=["TGA"]).format == "TGA"
    assert refused(icon) == NO_IMAGE


def test_an_image_that_pillow_cannot_read_is_refused_with_its_reason() -> None:
    """A JPEG of 12 bits: the byte after the length in SOF0 is changed."""
    content = bytearray(encoded(picture(), "JPEG"))
    content[content.index(b"\xff\xc0") + 4] = 12
    said = "a JPEG image that Pillow cannot read: cannot handle 12-bit layers"
    assert refused(bytes(content)) == said


def test_a_decompression_bomb_is_refused_before_it_takes_memory() -> None:
    """10^10 pixels in a few bytes: decoded, they would be 30 GB."""
    small = bytearray(encoded(Image.new("L", (1, 1)), "BMP"))
    small[18:26] = (100_000).to_bytes(4, "little") * 2
    assert refused(bytes(small)).startswith("100000 x 100000 pixels, more than 178956970")


def test_the_limit_is_pillows_unless_another_is_set() -> None:
    """Another process asks for it, as this project takes it away from Pillow."""
    ask = "from PIL import Image; print(Image.MAX_IMAGE_PIXELS)"
    pillows = 2 * int(subprocess.check_output([sys.executable, "-c", ask]))
    assert Preparation().max_pixels == pillows == 178_956_970
    content, pixels = encoded(picture(), "PNG"), HEIGHT * WIDTH
    assert decode(content, pixels)[0].size == (WIDTH, HEIGHT)
    assert refused(content, Preparation(max_pixels=pixels - 1)) == (
        "31 x 23 pixels, more than 712: a decompression bomb? If not, raise dataset.max_pixels in "
        "params.yaml"
    )


NARROW = encoded(Image.new("L", (1, 300_000)), "PNG")


@pytest.mark.parametrize(
    ("content", "preparation", "reason"),
    [
        (
            NARROW,
            Preparation(resize=64),
            "dataset.resize makes it 64 x 192",
        ),
        (NARROW, Preparation(resize=224, crop=(224, 224)), "dataset.resize makes it 224 x 67"),
        (NARROW, Preparation(crop=(16_384, 16_384)), "dataset.crop makes it 16384 x 16384"),
    ],
)
def test_a_prepared_image_beyond_the_limit_is_refused_before_it_takes_memory(
    content: bytes, preparation: Preparation, reason: str
) -> None:
    started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refused(content, preparation).startswith(reason)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - started < 2**16  # of 1 KiB


# Without the last formats: they end in padding or tags, and Pillow can do without those.
@pytest.mark.parametrize(("name", "options"), FORMATS[:-3])
def test_every_truncation_is_refused(name: str, options: dict[str, Any]) -> None:
    content = encoded_once(name, **options)
    # Up to 26 bytes at the end are checksums and marks: Pillow may do without them.
    for length in range(0, len(content) - 26, 7):
        refused(content[:length])


def test_a_jpeg_2000_that_ends_between_two_packets_is_damaged() -> None:
    """Pillow would decode what is there."""
    content = encoded(picture(), "JPEG2000", irreversible=True, quality_layers=(8,))
    for length in range(200, len(content) - 1):
        assert "damaged: its codestream has no end" in refused(content[:length])


def change(position: float, bit: int) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        at = int(position * len(content))
        return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]

    return changed


CHANGES = st.builds(change, st.floats(0, 1, exclude_max=True), st.integers(0, 7))


@pytest.mark.parametrize(("name", "options"), FORMATS)
@given(st.lists(CHANGES, max_size=3))
def test_damage_is_refused_or_decoded_but_never_a_crash(
    name: str, options: dict[str, Any], changes: list[Callable[[bytes], bytes]]
) -> None:
    content = encoded_once(name, **options)
    for changed in changes:
        content = changed(content)
    try:
        found = measured(content)
    except NotAnImageError:
        return
    height, width = found.size
    assert (found.counts.sum(axis=1) == height * width).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_as_pillow_turns_it(orientation: int, tmp_path: Path) -> None:
    content = encoded(picture(), "TIFF", tiffinfo={ORIENTATION: orientation})
    (tmp_path / "image").write_bytes(content)
    image, _ = decode(content)
    assert np.array_equal(np.asarray(image), np.asarray(default_loader(str(tmp_path / "image"))))
    assert image.size == ((WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH))
