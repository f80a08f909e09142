"""JSON that a stage reads, checked whole on the way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from stages.shared.location import read_file

T = TypeVar("T")


def read_validated(path: Path, shape: TypeAdapter[T], remedy: str) -> T:
    """The content of a file; ValueError says at which place it is not of this shape.

    OSError for what is no file, as a pipe or a folder.
    """
    try:
        # What the values of one file have to agree on, they find in the context.
        return shape.validate_json(read_file(path), context={})
    except ValidationError as error:
        raise ValueError(f"{path}: damaged ({_first(error)}); {remedy}") from error


def _first(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place:.100}: {first['msg']:.200}".removeprefix(": ")
