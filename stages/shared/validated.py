"""JSON that a stage reads, checked whole on the way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from stages.shared.location import read_file

T = TypeVar("T")


def read_validated(path: Path, shape: TypeAdapter[T], remedy: str) -> T:
    """The content of a file; ValueError names a place that is not of this shape.

    OSError for a folder, a pipe and the like.
    """
    try:
        # In the context, values of one file find what they have to agree on.
        return shape.validate_json(read_file(path), context={})
    except ValidationError as error:
        raise ValueError(f"{path}: damaged ({_first(error)}); {remedy}") from error


def _first(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place:.100}: {first['msg']:.200}".removeprefix(": ")
