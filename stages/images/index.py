"""What the images of a split are, as `data/index/<split>.json`: one entry for each image.

The statistics are integers and no more; this says which image each row of them is of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeInt,
    PositiveInt,
    TypeAdapter,
    model_validator,
)

from stages.shared.atomic import atomic_write
from stages.shared.batches import batches
from stages.shared.validated import read_validated

INDEX = Path("data/index")

Size = tuple[PositiveInt, PositiveInt]  # height, width

# So many items are written at once.
PIECE_ITEMS = 1024


class Quarantined(BaseModel):
    """A file that is no image of the split, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    reason: str


class Index(BaseModel):
    """The images of a split in the order of its statistics."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: list[str]
    labels: Sequence[NonNegativeInt | None]  # (N,) index of each image's class; None without label
    names: Sequence[str]  # (N,) path within the split; empty for arrays
    contents: Sequence[str]  # (N,) the first half of the SHA-256 of each file; empty for arrays
    smallest: Size  # height and width of the image with the fewest pixels, as it was measured
    largest: Size
    converted: dict[str, NonNegativeInt]  # how many images are to be converted, by what they are
    quarantined: list[Quarantined]
    decoder: str | None = None  # what decoded the images; nothing did those of arrays
    noted: dict[str, list[str]] = {}  # the names of files that are plainly no images, by their kind
    # (S, 3) each height and width in the files, and how many images have it; empty for arrays
    file_sizes: list[tuple[PositiveInt, PositiveInt, PositiveInt]] = []

    @model_validator(mode="after")
    def _agrees(self) -> Index:
        lengths = {len(self.labels)} | {
            len(column) for column in (self.names, self.contents) if column
        }
        if len(lengths) > 1:
            raise ValueError(f"entries for different numbers of images: {sorted(lengths)}")
        largest = max((label for label in self.labels if label is not None), default=-1)
        if largest >= len(self.classes):
            raise ValueError(f"label {largest} of {len(self.classes)} classes")
        sized = sum(images for _, _, images in self.file_sizes)
        if sized != len(self.names):
            raise ValueError(f"file_sizes: of {sized} images, not of {len(self.names)}")
        return self

    @property
    def unlabelled(self) -> int:
        """How many images have no label: then the split has no classes to compare."""
        return sum(label is None for label in self.labels)


def save_index(split: str, index: Index) -> None:
    """Write JSON with one key a line, piece by piece: of a million images it is 80 MB."""
    with atomic_write(INDEX / f"{split}.json") as file:
        before = "{"
        for key, field in Index.model_fields.items():
            value = getattr(index, key)
            if value == field.default:
                continue
            file.write(f"{before}\n{json.dumps(key)}: ".encode())
            for piece in _pieces(value):
                file.write(piece.encode())
            before = ","
        file.write(b"\n}\n")


def _pieces(value: Any) -> Iterator[str]:
    """`value` as `json.dumps` writes it."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        yield json.dumps(value)
        return
    yield "["
    between = ""
    for items in batches(value, PIECE_ITEMS):
        yield between + json.dumps(items, default=Quarantined.model_dump)[1:-1]
        between = ", "
    yield "]"


def load_index(split: str, images: int | None = None) -> Index:
    """Read and check a split's index, of so many images where its statistics are known.

    ValueError or OSError say what is wrong with it.
    """
    path = INDEX / f"{split}.json"
    remedy = f"run `dvc repro measure@{split}`"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no index there; {remedy}")
    index = read_validated(path, TypeAdapter(Index), f"delete it and {remedy}")
    if images not in (None, len(index.labels)):
        raise ValueError(
            f"{path}: of {len(index.labels)} images, not of the {images} of the statistics; "
            f"delete it and {remedy}"
        )
    return index
