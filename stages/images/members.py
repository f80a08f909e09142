"""The images of a shard as a reader yields them: a name, a label, and the encoded bytes."""

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
    """An image of a shard or a folder: its name there, and the name of its class as `label`.

    `content` is the digest of its bytes. If that is empty, `reason` says why.
    """

    name: str
    label: str | None
    content: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Place:
    """Where reading a shard can begin or go on."""

    at: int = 0  # a byte of a tar file, a row group of a Parquet file
    share: float = 0  # of the shard, before this place
    keys: AbstractSet[str] = field(default_factory=frozenset)  # of a tar file's samples before it


START = Place()

# A member and its bytes.
EncodedImage = tuple[Member, bytes]

# The same with its place, if reading can begin there.
Placed = tuple[Place | None, Member, bytes]


def member(name: str, label: str | None, data: bytes) -> EncodedImage:
    return Member(name, label, content_of(data)), data


def refused(name: str, reason: str) -> EncodedImage:
    return Member(name, None, reason=reason), b""


def class_of(label: object, names: Sequence[str] | None = None) -> str | None:
    """The name of a class, or its number if it has no name; None for any other value."""
    if isinstance(label, float) and label.is_integer():
        label = int(label)  # pandas turns integers with a gap into floats
    if label == UNLABELLED or not isinstance(label, int | str):
        return None
    if names and isinstance(label, int):
        if not 0 <= label < len(names):
            raise ValueError(f"expected a label of one of {len(names)} classes, found {label}")
        return names[label]
    name = str(label)
    name.encode()  # fails for half a character: JSON may hold that, but UTF-8 cannot
    return name


def parse_json(content: bytes) -> Any:
    """The value of a JSON text; ValueError if it is damaged or nested too deeply."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
