"""What the images of a split are, as `data/index/<split>.json`: one entry for each image.

The statistics are integers and no more; this says which image each row of them is of.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError, model_validator

from stages.files.atomic import atomic_write

INDEX = Path("data/index")

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
    labels: list[NonNegativeInt]  # (N,) index of the class of each image
    names: list[str]  # (N,) path within the split; empty for arrays
    contents: list[str]  # (N,) the first half of the SHA-256 of each file; empty for arrays
    smallest: tuple[int, int]  # height and width of the image with the fewest pixels
    largest: tuple[int, int]
    converted: dict[str, int]  # how many images had to be converted, by what they were
    quarantined: list[Quarantined]

    @model_validator(mode="after")
    def _agrees(self) -> Index:
        lengths = {len(self.labels)} | {len(of) for of in (self.names, self.contents) if of}
        if len(lengths) > 1:
            raise ValueError(f"entries for different numbers of images: {sorted(lengths)}")
        if self.labels and max(self.labels) >= len(self.classes):
            raise ValueError(f"label {max(self.labels)} of {len(self.classes)} classes")
        return self


def save_index(split: str, index: Index) -> None:
    """Write JSON with one key a line, line by line: of a million images it is 80 MB."""
    with atomic_write(INDEX / f"{split}.json") as file:
        before = "{"
        for key in Index.model_fields:
            value = getattr(index, key)
            if key == "quarantined":
                value = [entry.model_dump() for entry in value]
            file.write(f"{before}\n{json.dumps(key)}: {json.dumps(value)}".encode())
            before = ","
        file.write(b"\n}\n")


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
