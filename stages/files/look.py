"""A first look at a split: what its files say of themselves, before any of them is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from stages.core.prepare import Size
from stages.files.collect import classes_of, label_of
from stages.files.decode import NotAnImageError, open_image
from stages.files.images import ImageFile, index_arrays, is_array
from stages.files.listing import File, find_files, side_by_side

GRAY = ("1", "L", "LA")


@dataclass(frozen=True)
class Look:
    """What was found in a split's folder."""

    classes: Mapping[str, int]  # images of each
    formats: Mapping[str, int]
    modes: Mapping[str, int]  # as Pillow names them
    sizes: AbstractSet[Size]
    bad: Mapping[str, str]  # reasons by name

    @property
    def images(self) -> int:
        return sum(self.classes.values())

    @property
    def channels(self) -> int:
        return 1 if all(mode in GRAY for mode in self.modes) else 3


def look_at(folder: Path) -> Look:
    """Look at the header of every file; ValueError where no file is an image."""
    if is_array(folder):
        images, index = ImageFile.of_folder(folder), index_arrays(folder)
        return Look(
            classes=Counter(index.classes[label] for label in index.labels),
            formats={"NumPy array": len(images)},
            modes={"L" if images[:1].shape[1] == 1 else "RGB": len(images)},
            sizes={index.smallest},
            bad={},
        )
    files = find_files(folder)
    names, formats, modes, sizes = list[str](), Counter[str](), Counter[str](), set[Size]()
    bad = dict[str, str]()
    headers = tqdm(side_by_side(_header, files), f"look at {folder}", len(files), unit="file")
    for file, header in zip(files, headers, strict=True):
        if isinstance(header, NotAnImageError):
            bad[file.name] = str(header)
            continue
        names.append(file.name)
        formats[header.format] += 1
        modes[header.mode] += 1
        sizes.add(header.size)
    if not names:
        name, reason = next(iter(bad.items()))
        raise ValueError(f"{folder}: none of {len(files)} files is an image ({name}: {reason})")
    classes, labels = classes_of([label_of(name) for name in names])
    return Look(Counter(classes[label] for label in labels), formats, modes, sizes, bad)


@dataclass(frozen=True)
class _Header:
    format: str
    mode: str
    size: Size


def _header(file: File) -> _Header | NotAnImageError:
    try:
        if file.reason:
            return NotAnImageError(file.reason)
        with file.path.open("rb") as content, open_image(content) as image:
            return _Header(str(image.format), image.mode, (image.height, image.width))
    except NotAnImageError as error:
        return error
    except OSError as error:
        return NotAnImageError(f"cannot be read: {error.strerror}")
