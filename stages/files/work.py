"""What a worker does, on this machine or another: read files, decode and count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stages.core.prepare import Preparation
from stages.files.decode import NotAnImageError, measure_image
from stages.files.listing import File, content_of
from stages.files.store import Record, to_record


@dataclass(frozen=True)
class Task:
    """Files to measure in one go."""

    files: Sequence[File]
    preparation: Preparation


def measure_task(task: Task) -> list[tuple[str, Record]]:
    """A record for each file; ValueError where one is no longer what was listed."""
    return [(file.content, _measure_file(file, task.preparation)) for file in task.files]


def _measure_file(file: File, preparation: Preparation) -> Record:
    data = file.path.read_bytes()
    if content_of(data) != file.content:
        raise ValueError(f"{file.path}: changed while it was being read; run again")
    try:
        return to_record(measure_image(data, preparation))
    except NotAnImageError as error:
        return to_record(error)
