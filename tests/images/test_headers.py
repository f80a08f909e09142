"""No band, bit or page of a file is dropped without a word."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from stages.images import headers
from tests.pictures import (
    HEIGHT,
    WIDTH,
    Tags,
    assert_as_image_folder,
    encoded,
    measured,
    picture,
    refused,
    tiff,
)

WIDTH_TAG, HEIGHT_TAG, BITS, PHOTOMETRIC, BANDS = 256, 257, 258, 262, 277
PLANAR, SUBFILE_TYPE, EXTRA, FORMAT, NODATA = 284, 254, 338, 339, 42113
COLOURS, GRAY = 2, 1  # photometric interpretations


def page(bands: int, bits: int = 8, photometric: int = COLOURS) -> tuple[Tags, bytes]:
    """The tags and the pixels of an image of noise."""
    pixels = np.random.default_rng(bands).bytes(HEIGHT * WIDTH * bands * bits // 8)
    tags: Tags = {
        WIDTH_TAG: WIDTH,
        HEIGHT_TAG: HEIGHT,
        BITS: (bits,) * bands,
        PHOTOMETRIC: photometric,
        BANDS: bands,
    }
    return tags, pixels


def image(bands: int, bits: int = 8, photometric: int = COLOURS, more: Tags | None = None) -> bytes:
    tags, pixels = page(bands, bits, photometric)
    return tiff((tags | (more or {}), pixels))


LOST = "{} of them would be lost, as they are neither colours nor declared as alpha"


@pytest.mark.parametrize(
    ("content", "bands", "lost"),
    [
        (image(4), "4 bands of 8-bit unsigned integers", 1),
        (image(4, more={EXTRA: 0}), "4 bands of 8-bit unsigned integers", 1),
        (image(4, more={EXTRA: 0, PLANAR: 2}), "4 bands of 8-bit unsigned integers", 1),
        (image(5, more={EXTRA: (0, 0)}), "5 bands of 8-bit unsigned integers", 2),
        (image(5, more={EXTRA: (2, 0)}), "5 bands of 8-bit unsigned integers", 1),
        (image(5, more={EXTRA: (0, 0), PLANAR: 2}), "5 bands of 8-bit unsigned integers", 2),
        (image(2, photometric=GRAY), "2 bands of 8-bit unsigned integers", 1),
        (image(2, photometric=GRAY, more={EXTRA: 0}), "2 bands of 8-bit unsigned integers", 1),
        (image(3, photometric=GRAY), "3 bands of 8-bit unsigned integers", 2),
        (image(8, photometric=GRAY), "8 bands of 8-bit unsigned integers", 7),
        (image(13, 16, GRAY), "13 bands of 16-bit unsigned integers", 12),
        (image(4, 16, GRAY, {FORMAT: (2,) * 4}), "4 bands of 16-bit signed integers", 3),
        (image(6, 32, GRAY, {FORMAT: (3,) * 6}), "6 bands of 32-bit floats", 5),
        (image(2, 32, GRAY, {FORMAT: (6,) * 2}), "2 bands of 32-bit values of SampleFormat 6", 1),
    ],
)
def test_a_tiff_with_bands_that_would_not_be_counted_is_refused(
    content: bytes, bands: str, lost: int
) -> None:
    assert refused(content) == f"{bands}: {LOST.format(lost)}"


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (image(1, 16, GRAY), "16-bit unsigned integers"),
        (image(1, 12, GRAY), "12-bit unsigned integers"),
        (image(1, 16, GRAY, {FORMAT: 3}), "16-bit floats"),
        (image(1, 64, GRAY, {FORMAT: 3}), "64-bit floats"),
        (image(3, 32, more={FORMAT: (3, 3, 3)}), "32-bit floats"),
        (image(4, 16, more={EXTRA: 2}), "16-bit unsigned integers"),
    ],
)
def test_a_tiff_of_more_than_8_bits_is_refused_as_what_it_is(content: bytes, values: str) -> None:
    assert refused(content) == f"{values}, {headers.TOO_DEEP}"


def test_signed_bytes_are_refused_which_pillow_takes_for_unsigned() -> None:
    content = image(1, photometric=GRAY, more={FORMAT: 2})
    assert refused(content).startswith("8-bit signed integers, which Pillow takes for unsigned")


OVERVIEW, MASK = 1, 4


def with_pages(*kinds: int) -> bytes:
    """A TIFF of an image in colour, and of further ones of these kinds."""
    tags, pixels = page(1, photometric=GRAY)
    return tiff(page(3), *((tags | {SUBFILE_TYPE: kind}, pixels) for kind in kinds))


@pytest.mark.parametrize(
    ("content", "converted"),
    [
        (image(3, more={FORMAT: (1, 1, 1)}), []),
        (encoded(picture(), "TIFF", big_tiff=True), []),
        (image(4, more={EXTRA: 1}), ["alpha"]),
        (image(4, more={EXTRA: 2}), ["alpha"]),
        (image(3, more={NODATA: b"0\0"}), ["nodata value, fill counted"]),
        # As in a cloud-optimized GeoTIFF.
        (with_pages(*[OVERVIEW] * 8), []),
        (with_pages(MASK), ["mask, not applied"]),
        (with_pages(OVERVIEW, OVERVIEW, MASK, OVERVIEW | MASK), ["mask, not applied"]),
    ],
    ids=["plain", "BigTIFF", "alpha 1", "alpha 2", "nodata", "overviews", "mask", "both"],
)
def test_a_tiff_is_what_image_folder_loads_and_what_is_ignored_is_named(
    content: bytes, converted: list[str], tmp_path: Path
) -> None:
    assert_as_image_folder(content, tmp_path / "image", *converted)


@pytest.mark.parametrize("kinds", [[0], [2], [OVERVIEW, 0], [OVERVIEW] * 65])
def test_pages_are_refused(kinds: list[int]) -> None:
    assert refused(with_pages(*kinds)) == headers.SEVERAL_FRAMES


@pytest.mark.parametrize("kind", [OVERVIEW, MASK])
def test_a_thumbnail_is_not_taken_for_its_image(kind: int) -> None:
    """It is the first image of many raw photos."""
    reason = "its first image is an overview or a mask of another"
    assert refused(image(3, more={SUBFILE_TYPE: kind})) == reason


def test_only_two_of_many_frames_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    load = ImageFileDirectory_v2.load

    def count(self: ImageFileDirectory_v2, file: IO[bytes]) -> None:
        read.append(self)
        load(self, file)

    content = tiff(*[page(1, photometric=GRAY)] * 300)
    monkeypatch.setattr(ImageFileDirectory_v2, "load", count)
    assert refused(content) == headers.SEVERAL_FRAMES
    assert len(read) == 2


def test_directories_in_a_circle_end() -> None:
    """The second directory, of an overview, names itself as the next."""
    content = bytearray(with_pages(OVERVIEW))
    first = int.from_bytes(content[4:8], "little")
    link = first + 2 + 12 * int.from_bytes(content[first : first + 2], "little")
    content[-4:] = content[link : link + 4]
    assert refused(bytes(content)) == headers.SEVERAL_FRAMES


@pytest.mark.filterwarnings("ignore:Truncated File Read")
def test_a_tiff_that_ends_within_its_tags_is_damaged() -> None:
    """Pillow would go on without a nodata value or a further page."""
    content = image(3, more={NODATA: b"0\0"})
    for cut in range(1, 100):
        assert refused(content[:-cut]) == "damaged: the file ends within its tags"


def test_a_compression_that_pillow_lacks_is_named() -> None:
    reason = "a TIFF of compression 34887, which Pillow does not read"
    assert refused(image(3, more={259: 34887})) == reason


def test_a_tile_has_the_limit_of_an_image() -> None:
    """Pillow decodes a whole tile, however small the image in it is."""
    assert refused(image(1, photometric=GRAY, more={322: 2**16, 323: 2**16})).startswith("tiles of")
    large: Tags = {256: 50_000, 257: 50_000, 322: 50_016, 323: 50_016}
    assert refused(image(1, photometric=GRAY, more=large)).startswith("50000 x 50000 pixels, more")


def without_declared_alpha(content: bytes) -> bytes:
    """A JPEG 2000 whose last channel has no type, as one of near infrared has none."""
    at = content.index(b"cdef") + 4
    (channels,) = struct.unpack_from(">H", content, at)
    alpha = at + 2 + 6 * (channels - 1)
    assert content[alpha : alpha + 4] == struct.pack(">2H", channels - 1, 1)
    return content[: alpha + 2] + b"\xff\xff" + content[alpha + 4 :]


@pytest.mark.parametrize(("mode", "bands"), [("RGBA", 4), ("LA", 2)])
def test_a_jpeg_2000_with_bands_that_would_not_be_counted_is_refused(mode: str, bands: int) -> None:
    reason = f"{bands} bands of 8-bit unsigned integers: {LOST.format(1)}"
    content = encoded(picture(mode), "JPEG2000")
    assert measured(content).converted == ["alpha"]
    assert refused(without_declared_alpha(content)) == reason
    assert refused(encoded(picture(mode), "JPEG2000", no_jp2=True)) == reason


def test_a_jpeg_2000_of_signed_integers_is_refused() -> None:
    content = encoded(picture(), "JPEG2000", signed=True)
    assert refused(content).startswith("8-bit signed integers")
