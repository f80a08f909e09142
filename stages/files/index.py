"""What the images of a split are, as `data/index/<split>.json`: one entry for each image.

The statistics are integers and no more; this says which image each row of them is of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError, model_validator

from stages.core.batches import batches
from stages.files.atomic import atomic_write

INDEX = Path("data/index")

# So many items are written at once.
PIECE_ITEMS = 1024

ALL = "all images"  # the one class of a split without labels


class Quarantined(BaseModel):
    """A file that is no image of the split, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    reason: str


class Index(BaseModel):
    """The images of a split in the order of its statistics."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: list[str]
    labels: Sequence[NonNegativeInt]  # (N,) index of the class of each image
    names: Sequence[str]  # (N,) path within the split; empty for arrays
    contents: Sequence[str]  # (N,) the first half of the SHA-256 of each file; empty for arrays
    smallest: tuple[int, int]  # height and width of the image with the fewest pixels
    largest: tuple[int, int]
    converted: dict[str, int]  # how many images had to be converted, by what they were
    quarantined: list[Quarantined]
    noted: dict[str, list[str]]  # the names of files that are plainly no images, by their kind

    @model_validator(mode="after")
    def _agrees(self) -> Index:
        lengths = {len(self.labels)} | {len(of) for of in (self.names, self.contents) if of}
        if len(lengths) > 1:
            raise ValueError(f"entries for different numbers of images: {sorted(lengths)}")
        if self.labels and max(self.labels) >= len(self.classes):
            raise ValueError(f"label {max(self.labels)} of {len(self.classes)} classes")
        return self


def save_index(split: str, index: Index) -> None:
    """Write JSON with one key a line, piece by piece: of a million images it is 80 MB."""
    with atomic_write(INDEX / f"{split}.json") as file:
        before = "{"
        for key in Index.model_fields:
            file.write(f"{before}\n{json.dumps(key)}: ".encode())
            for piece in _pieces(getattr(index, key)):
                file.write(piece.encode())
            before = ","
        file.write(b"\n}\n")


def _pieces(value: Any) -> Iterator[str]:
    """`value` as `json.dumps` writes it."""
    if not isinstance(value, Sequence):
        yield json.dumps(value)
        return
    yield "["
    between = ""
    for items in batches(value, PIECE_ITEMS):
        yield between + json.dumps(items, default=Quarantined.model_dump)[1:-1]
        between = ", "
    yield "]"


def load_index(split: str) -> Index:
    """Read and check a split's index; ValueError or OSError say what is wrong with it."""
    path = INDEX / f"{split}.json"
    remedy = f"run `dvc repro measure@{split}`"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no index there; {remedy}")
    try:
        return Index.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path}: damaged index ({error}); delete it and {remedy}") from error
