"""Tells decoders apart, by the versions of their libraries and the pixels of a few pictures.

A JPEG file does not fix its pixels: two libraries, or two builds of one, may decode it differently.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

import PIL
from PIL import features

from stages.images.decode import NotAnImageError, decode
from stages.shared import entry
from stages.shared.preparation import Preparation

# Pillow's names. Lossless libraries, as zlib, give the same pixels in every version.
LIBRARIES = ("jpg", "libjpeg_turbo", "mozjpeg", "webp", "jpg_2000", "avif", "libtiff", "littlecms2")

# A picture for each way of decoding. Different arithmetic gives different pixels.
PROBES = Path(__file__).parent / "probes"


@cache
def decoder() -> str:
    """The decoder of this machine in one line, which differs if it decodes differently."""
    versions = ((name, features.version(name)) for name in LIBRARIES)
    found = [f"{name} {version}" for name, version in versions if version]
    pixels = hashlib.sha256()
    for probe in sorted(PROBES.iterdir()):
        pixels.update(probe.name.encode())
        try:
            pixels.update(decode(probe.read_bytes())[0].tobytes())
        except NotAnImageError:
            pixels.update(b"not decoded here")
    return ", ".join([f"Pillow {PIL.__version__}", *found, f"probes {pixels.hexdigest()[:16]}"])


def version(preparation: Preparation) -> str:
    """What the counts of a file depend on, besides its content."""
    prepared = f"resize {preparation.resize}, crop {preparation.crop}"
    # Older records have the size after preparation: where that is another, they are not found.
    as_it_is = preparation.resize is None and preparation.crop is None
    return f"{decoder()}, {prepared}{'' if as_it_is else ', sizes in files'}"


def note_another(recorded: str | None, split: str) -> None:
    """Print a note if the split was measured with another decoder than this machine's."""
    if recorded and recorded != decoder():
        sys.stderr.write(
            f"note: the {split} split was measured with another decoder, which may give other "
            f"pixels\n  recorded: {entry.visible(recorded)}\n  here: {decoder()}\n"
            "Install the recorded libraries, or measure all anew with `dvc repro --force measure`\n"
        )
