"""What decodes here: versions of libraries, and what they make of a few pictures.

A JPEG does not fix its pixels: libraries, and builds of one, decode the same file to others.
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

# As Pillow names them. What loses nothing, as zlib, decodes to the same pixels in every version.
LIBRARIES = (
    "jpg",
    "libjpeg_turbo",
    "mozjpeg",
    "webp",
    "jpg_2000",
    "avif",
    "libtiff",
    "littlecms2",
)

# A picture for each way to decode: other arithmetic shows in its pixels.
PROBES = Path(__file__).parent / "probes"


@cache
def decoder() -> str:
    """The decoder of this machine in one line, which is another where it decodes otherwise."""
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
    """What, besides a file's content, decides over its counts."""
    prepared = f"resize {preparation.resize}, crop {preparation.crop}"
    # Older records have the size after preparation: where that is another, they are not found.
    as_it_is = preparation.resize is None and preparation.crop is None
    return f"{decoder()}, {prepared}{'' if as_it_is else ', sizes in files'}"


def note_another(recorded: str | None, split: str) -> None:
    """Tell a user where the split's statistics came from another decoder than that of here."""
    if recorded and recorded != decoder():
        sys.stderr.write(
            f"note: the {split} split was measured with another decoder, which may give other "
            f"pixels\n  recorded: {entry.visible(recorded)}\n  here: {decoder()}\n"
            "Install the recorded libraries, or measure all anew with `dvc repro --force measure`\n"
        )
