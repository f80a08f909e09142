"""The images of a shard as its reader gives them: a name, a label, and the encoded bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from stages.images.listing import content_of

UNLABELLED = -1  # as Hugging Face marks an image without a label

# No image takes more, encoded, unless dataset.max_pixels was raised.
MAX_IMAGE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Member:
    """An image of a shard, or of a folder: `name` is that within it, `label` that of its class.

    It is known by `content`, a digest of its bytes; where it has none, `reason` says why.
    """

    name: str
    label: str | None
    content: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Place:
    """Where the reading of a shard can begin, or go on."""

    at: int = 0  # a byte of a tar file, a row group of a Parquet file
    share: float = 0  # of the shard, before this place
    keys: AbstractSet[str] = field(default_factory=frozenset)  # of a tar file's samples before it


START = Place()

# A member and its bytes.
EncodedImage = tuple[Member, bytes]

# The same with its place, where the reading can begin with it.
Placed = tuple[Place | None, Member, bytes]


def member(name: str, label: str | None, data: bytes) -> EncodedImage:
    return Member(name, label, content_of(data)), data


def refused(name: str, reason: str) -> EncodedImage:
    return Member(name, None, reason=reason), b""


def class_of(label: object, names: Sequence[str] | None = None) -> str | None:
    """The name of a class, or its number where it has no name; other values are no class."""
    if isinstance(label, float) and label.is_integer():
        label = int(label)  # pandas makes a column of integers with a gap one of floats
    if label == UNLABELLED or not isinstance(label, int | str):
        return None
    if names and isinstance(label, int):
        if not 0 <= label < len(names):
            raise ValueError(f"the label {label}, where {len(names)} classes have names")
        return names[label]
    name = str(label)
    name.encode()  # fails for half a character, which JSON may hold but nothing can be written with
    return name


def parse_json(content: bytes) -> Any:
    """ValueError where it is no JSON that can be read."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
