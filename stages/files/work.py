"""What a worker does, on this machine or another: read files, decode and count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stages.core.prepare import Preparation
from stages.files.decode import NotAnImageError, measure_image
from stages.files.listing import File, content_of
from stages.files.location import open_file
from stages.files.shards import Member, read_shard
from stages.files.store import Record, to_record


@dataclass(frozen=True)
class Task:
    """Files to measure in one go: images, or a shard."""

    files: Sequence[File]
    preparation: Preparation

    def __str__(self) -> str:
        first, last = self.files[0].path, self.files[-1].path
        return f"{len(self.files)} files from {first} to {last}" if first != last else str(first)


@dataclass(frozen=True)
class Measured:
    """What was found, by contents: a record of each image, and the images of each shard."""

    images: dict[str, Record]
    shards: dict[str, list[Member]]


def measure_task(task: Task) -> Measured:
    """What is in the files; ValueError where one has changed since it was listed, or is damaged."""
    found = Measured(images={}, shards={})
    for file in task.files:
        if file.is_shard:
            found.shards[file.content] = []
            for member, data in read_shard(file):
                found.shards[file.content].append(member)
                if not member.reason and member.content not in found.images:
                    found.images[member.content] = _measure(data, task.preparation)
        else:
            with open_file(file.path) as content:
                data = content.read()
            if content_of(data) != file.content:
                raise ValueError(f"{file.path}: changed while it was being read; run again")
            found.images[file.content] = _measure(data, task.preparation)
    return found


def _measure(data: bytes, preparation: Preparation) -> Record:
    try:
        return to_record(measure_image(data, preparation))
    except NotAnImageError as error:
        return to_record(error)
