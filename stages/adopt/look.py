"""A first look at a split: what the headers of its files say, before any image is decoded."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from stages.images.arrays import ImageFile, index_arrays, is_array
from stages.images.decode import NotAnImageError, open_image
from stages.images.judge import find_files
from stages.images.listing import File, identify, side_by_side
from stages.images.shards import read_shard
from stages.measure.collect import label_of
from stages.shared.location import open_file
from stages.shared.preparation import MAX_PIXELS, Size

GRAY = ("1", "L", "LA")

ARRAY = "NumPy array"  # the format of images in an images.npy


@dataclass(frozen=True)
class Look:
    """What was found in a split's folder."""

    classes: Mapping[str | None, int]  # images of each; None is no label
    formats: Mapping[str, int]
    modes: Mapping[str, int]  # as Pillow names them
    sizes: AbstractSet[Size]
    bad: Mapping[str, str]  # reasons by name
    noted: Mapping[str, int]  # files that are plainly no images, counted by kind

    @property
    def images(self) -> int:
        return sum(self.classes.values())

    @property
    def is_array(self) -> bool:
        return ARRAY in self.formats

    @property
    def channels(self) -> int:
        return 1 if all(mode in GRAY for mode in self.modes) else 3


def look_at(folder: Path, max_pixels: int = MAX_PIXELS) -> Look:
    """Look at the header of every file; ValueError where no file is an image."""
    if is_array(folder):
        images, index = ImageFile.of_folder(folder), index_arrays(folder)
        return Look(
            classes=Counter(None if n is None else index.classes[n] for n in index.labels),
            formats={ARRAY: len(images)},
            modes={"L" if images[:1].shape[1] == 1 else "RGB": len(images)},
            sizes={index.smallest},
            bad={},
            noted={},
        )
    files = find_files(folder)
    labels, formats, modes = Counter[str | None](), Counter[str](), Counter[str]()
    sizes, bad = set[Size](), dict[str, str]()
    looks = side_by_side(partial(_look_into, max_pixels), files)
    seen = tqdm(looks, f"look at {str(folder)!r}", len(files), unit="file")
    for name, label, header in (image for images in seen for image in images):
        if isinstance(header, NotAnImageError):
            bad[name] = str(header)
            continue
        labels[label] += 1
        formats[header.format] += 1
        modes[header.mode] += 1
        sizes.add(header.size)
    if not labels:
        first = "".join(f" ({name}: {reason})" for name, reason in islice(bad.items(), 1))
        raise ValueError(f"{folder}: none of {len(files)} files is or has an image{first}")
    noted = {kind: len(names) for kind, names in files.noted().items()}
    return Look(labels, formats, modes, sizes, bad, noted)


@dataclass(frozen=True)
class _Header:
    format: str
    mode: str
    size: Size


# A name, the label, and what the header says.
_Seen = tuple[str, str | None, _Header | NotAnImageError]


def _look_into(max_pixels: int, file: File) -> list[_Seen]:
    """What is in a file: one image, or the images of a shard."""
    if file.noted:
        return []
    if file.reason:
        return [(file.name, None, NotAnImageError(file.reason))]
    if file.is_shard:
        return [
            (
                f"{file.name}/{member.name}",
                member.label,
                NotAnImageError(member.reason)
                if member.reason
                else _header(io.BytesIO(data), max_pixels),
            )
            for member, data in read_shard(replace(file, content=identify(file.path)))
        ]
    try:
        with open_file(file.path) as content:
            return [(file.name, label_of(file.name), _header(content, max_pixels))]
    except OSError as error:
        return [(file.name, None, NotAnImageError(f"cannot be read: {error.strerror}"))]


def _header(content: BinaryIO, max_pixels: int) -> _Header | NotAnImageError:
    try:
        with open_image(content, max_pixels) as image:
            return _Header(str(image.format), image.mode, (image.height, image.width))
    except NotAnImageError as error:
        return error
