"""Which files are images and read as what: held to what torchvision's `ImageFolder` loads."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torchvision.datasets.folder import default_loader

from stages.core.prepare import Preparation
from stages.files import decode as decoding
from stages.files.decode import MeasuredImage, NotAnImageError, measure_image

AS_IT_IS = Preparation()
ORIENTATION = 0x0112


def picture(mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A smooth picture with some noise, in which every channel differs."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:23, 0:31]
    channels = [rows * 7, columns * 6, rows * 3 + columns * 2, 255 - rows * 5][:4]
    pixels = np.stack(channels, axis=-1) + rng.integers(0, 30, (23, 31, 4))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8), "RGBA")
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def measured(content: bytes) -> MeasuredImage:
    return measure_image(content, AS_IT_IS)


def refused(content: bytes) -> str:
    with pytest.raises(NotAnImageError) as error:
        measured(content)
    return str(error.value)


def counts(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """By hand: (C, 256)."""
    return np.stack(
        [[np.count_nonzero(channel == level) for level in range(256)] for channel in pixels]
    )


def as_image_folder_loads(content: bytes, path: Path) -> NDArray[np.int64]:
    path.write_bytes(content)
    return counts(np.asarray(default_loader(str(path))).transpose(2, 0, 1))


FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("JPEG", {"quality": 80}),
    ("JPEG", {"quality": 95, "subsampling": 0}),
    ("JPEG", {"progressive": True}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"quality": 50}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
]


@pytest.mark.parametrize(("name", "options"), FORMATS)
def test_colour_images_are_what_image_folder_loads(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    content = encoded(picture(), name, **options)
    found = measured(content)
    assert np.array_equal(found.counts, as_image_folder_loads(content, tmp_path / "image"))
    assert (found.size, found.converted) == ((23, 31), [])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_gray_image_stays_gray(name: str, tmp_path: Path) -> None:
    """`ImageFolder` makes three equal channels of it, as joining it with colour images does."""
    content = encoded(picture("L"), name)
    found = measured(content)
    assert found.counts.shape == (1, 256)
    assert found.converted == []
    loaded = as_image_folder_loads(content, tmp_path / "image")
    assert np.array_equal(found.counts.repeat(3, axis=0), loaded)


def transparent_palette() -> Image.Image:
    image = picture().quantize(20)
    image.info["transparency"] = 3
    return image


CONVERTED: list[tuple[str, Image.Image, str, list[str]]] = [
    ("palette", picture().quantize(64), "PNG", ["palette"]),
    ("transparent palette", transparent_palette(), "PNG", ["palette"]),
    ("alpha", picture("RGBA"), "PNG", ["alpha"]),
    ("alpha in WebP", picture("RGBA"), "WEBP", ["alpha"]),
    ("gray with alpha", picture("LA"), "PNG", ["alpha"]),
    ("CMYK", picture("CMYK"), "JPEG", ["CMYK"]),
    ("CMYK in TIFF", picture("CMYK"), "TIFF", ["CMYK"]),
    ("bilevel", picture("1"), "PNG", ["bilevel"]),
]


@pytest.mark.parametrize(("case", "image", "name", "converted"), CONVERTED)
def test_what_is_converted_is_named_and_is_what_image_folder_loads(
    case: str, image: Image.Image, name: str, converted: list[str], tmp_path: Path
) -> None:
    content = encoded(image, name)
    found = measured(content)
    assert found.converted == converted
    loaded = as_image_folder_loads(content, tmp_path / "image")
    assert np.array_equal(np.broadcast_to(found.counts, (3, 256)), loaded)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_not_applied_and_said_so(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(picture(), "JPEG", exif=exif)
    found = measured(content)
    assert found.size == (23, 31)
    assert found.converted == ([] if orientation == 1 else ["EXIF orientation"])
    assert np.array_equal(found.counts, as_image_folder_loads(content, tmp_path / "image"))


def test_the_photo_of_a_phone_with_more_pictures_in_it_is_its_first(tmp_path: Path) -> None:
    content = encoded(picture(), "MPO", save_all=True, append_images=[picture(seed=1)])
    loaded = as_image_folder_loads(content, tmp_path / "image")
    assert np.array_equal(measured(content).counts, loaded)


def encoded_by_opencv(extension: str, pixels: NDArray[np.generic]) -> bytes:
    return bytes(cv2.imencode(extension, np.ascontiguousarray(pixels))[1])


DEEP = np.random.default_rng(0).integers(0, 2**16, (9, 8, 4), dtype=np.uint16)


@pytest.mark.parametrize(
    "content",
    [
        encoded_by_opencv(".png", DEEP[..., 0]),
        encoded_by_opencv(".png", DEEP[..., :3]),
        encoded_by_opencv(".png", DEEP),
        encoded_by_opencv(".tiff", DEEP[..., 0]),
        encoded_by_opencv(".tiff", DEEP[..., :3]),
        encoded_by_opencv(".tiff", DEEP[..., 0].astype(np.float32)),
    ],
    ids=["gray png", "png", "alpha png", "gray tiff", "tiff", "float tiff"],
)
def test_more_than_8_bits_are_refused(content: bytes) -> None:
    assert refused(content).startswith("more than 8 bits a channel")


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
def test_animations_are_refused(name: str) -> None:
    content = encoded(
        picture(), name, save_all=True, append_images=[picture(seed=1), picture(seed=2)]
    )
    assert refused(content) == "3 frames: which of them is the image?"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"hello", "not a PNG, JPEG, WebP, BMP or TIFF image"),
        (
            b"<html>404 not found</html>" * 50,
            "not a PNG, JPEG, WebP, BMP or TIFF image, but an HTML page: was the download refused?",
        ),
        (encoded(picture(), "GIF"), "not a PNG, JPEG, WebP, BMP or TIFF image"),
        (encoded(picture("LAB"), "TIFF"), "of Pillow's mode LAB, which has no reading as RGB"),
    ],
    ids=["empty", "text", "html", "gif", "lab"],
)
def test_what_is_no_image_is_refused(content: bytes, reason: str) -> None:
    assert refused(content) == reason


def test_a_decompression_bomb_is_refused_before_it_takes_memory() -> None:
    """10^10 pixels in a few bytes: decoded, they would be 30 GB."""
    small = bytearray(encoded(Image.new("L", (1, 1)), "BMP"))
    small[18:26] = (100_000).to_bytes(4, "little") * 2
    assert refused(bytes(small)).startswith("100000 x 100000 pixels, more than 89478485")


def test_an_image_at_the_limit_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 23 * 31)
    assert measured(encoded(picture(), "PNG")).size == (23, 31)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 23 * 31 - 1)
    refused(encoded(picture(), "PNG"))


# Of a BMP and an uncompressed TIFF the last rows may be padding or tags that Pillow can do without.
@pytest.mark.parametrize(("name", "options"), FORMATS[:6])
def test_every_truncation_is_refused(name: str, options: dict[str, Any]) -> None:
    content = encoded(picture(), name, **options)
    # The checksums and marks at the end, of up to 20 bytes, carry no pixel: Pillow may do without.
    for length in range(0, len(content) - 20, 7):
        refused(content[:length])


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
    content = encoded(picture(), name, **options)
    for changed in changes:
        content = changed(content)
    try:
        found = measured(content)
    except NotAnImageError:
        return
    height, width = found.size
    assert (found.counts.sum(axis=1) == height * width).all()
