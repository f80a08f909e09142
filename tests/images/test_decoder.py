"""A decoder is told from others by its libraries and by the pixels of a few pictures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image, ImageChops, features
from PIL.JpegImagePlugin import JpegImageFile

from stages.images import decoder as decoding
from stages.images.arrays import index_arrays
from stages.images.decode import NotAnImageError, decode
from stages.images.decoder import PROBES, decoder, note_another, version
from stages.images.index import load_index, save_index
from stages.shared.preparation import Preparation
from tests.conftest import random_images

NAMES = sorted(path.name for path in PROBES.iterdir())


def test_it_names_pillow_and_its_codecs() -> None:
    found = decoder().split(", ")
    assert f"Pillow {PIL.__version__}" in found
    for library in ("jpg", "libjpeg_turbo", "webp", "avif", "jpg_2000", "libtiff", "littlecms2"):
        assert f"{library} {features.version(library)}" in found


def test_its_digest_is_of_the_pixels_that_image_folder_gets() -> None:
    digest = hashlib.sha256()
    for name in NAMES:
        with Image.open(PROBES / name) as image:
            digest.update(name.encode() + np.asarray(image.convert("RGB")).tobytes())
    assert decoder().endswith(f", probes {digest.hexdigest()[:16]}")


def test_the_probes_have_every_lossy_codec_and_each_subsampling_of_jpeg() -> None:
    formats, samplings, progressive = set(), set(), set()
    for name in NAMES:
        with Image.open(PROBES / name) as image:
            formats.add(image.format)
            if isinstance(image, JpegImageFile):
                samplings.add(tuple(layer[1:3] for layer in image.layer))
                progressive.add("progressive" in image.info)
    assert formats == {"JPEG", "TIFF", "WEBP", "JPEG2000", "AVIF"}
    ones = ((1, 1), (1, 1))
    assert samplings >= {((2, 2), *ones), ((2, 1), *ones), ((1, 1), *ones)}
    assert progressive == {True, False}
    assert b"VP8 " in (PROBES / "lossy.webp").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_one_level_of_one_picture_makes_another_decoder(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_is = (PROBES / name).read_bytes()

    def one_off(content: bytes) -> tuple[Image.Image, list[str]]:
        image, converted = decode(content)
        pixel = Image.new("RGB", image.size)
        pixel.putpixel((7, 5), (0, 1, 0))
        return (ImageChops.add_modulo(image, pixel) if content == as_it_is else image), converted

    monkeypatch.setattr(decoding, "decode", one_off)
    assert decoder.__wrapped__() != decoder()


def test_a_missing_codec_makes_another_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_avif(content: bytes) -> tuple[Image.Image, list[str]]:
        if content[4:8] == b"ftyp":
            raise NotAnImageError("not here")
        return decode(content)

    monkeypatch.setattr(decoding, "decode", without_avif)
    assert decoder.__wrapped__() != decoder()


def test_another_decoder_or_preparation_makes_another_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = version(Preparation())
    assert here not in (version(Preparation(resize=8)), version(Preparation(crop=(8, 8))))
    monkeypatch.setattr(decoding, "decoder", lambda: "another")
    assert version(Preparation()) != here


def test_another_decoder_is_noted_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Anyone may have written what is recorded, as it comes with the reports."""
    note_another(decoder(), "train")
    note_another(None, "train")
    assert capsys.readouterr().err == ""
    note_another("Pillow 1\x1b]0;title\x07\x9b2J\r", "train")
    said = capsys.readouterr().err
    assert "  recorded: Pillow 1\\x1b]0;title\\x07\\x9b2J\\r\n" in said
    assert said.replace("\n", "").isprintable()


def test_the_index_of_arrays_names_no_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("images.npy", random_images(3, seed=0))
    save_index("train", index_arrays(tmp_path))
    keys = ["classes", "labels", "names", "contents", "smallest", "largest", "converted"]
    assert list(json.loads(Path("data/index/train.json").read_bytes())) == [*keys, "quarantined"]
    assert load_index("train").decoder is None
