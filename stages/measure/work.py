"""The work of a process, on this machine or another: it reads, decodes and counts files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from stages.images.decode import NotAnImageError, measure_image
from stages.images.listing import File, content_of
from stages.images.members import START, Member, Place
from stages.images.shards import read_from
from stages.measure.store import Record, to_record
from stages.shared.location import open_file
from stages.shared.preparation import Preparation

MAX_IMAGES = 4096  # of a shard in one task, as their records are in memory at once


@dataclass(frozen=True)
class Task:
    """Files to measure in one go: images, or one shard from a place on."""

    files: Sequence[File]
    preparation: Preparation
    start: Place = START

    def __str__(self) -> str:
        first, last = self.files[0].path, self.files[-1].path
        return f"{len(self.files)} files from {first} to {last}" if first != last else str(first)


@dataclass(frozen=True)
class Measured:
    """What a task found, by contents: a record of each image, and the images of a shard."""

    images: dict[str, Record]
    shards: dict[str, list[Member]] = field(default_factory=dict)
    share: float = 1  # of the shard that was measured
    rest: Task | None = None  # the task for the rest of the shard


def measure_task(task: Task) -> Measured:
    """Measure files; ValueError if one changed after it was listed, OSError for a damaged shard."""
    if task.files[0].is_shard:
        return _measure_shard(task)
    images = {}
    for file in task.files:
        with open_file(file.path) as content:
            data = content.read()
        if content_of(data) != file.content:
            raise ValueError(f"{file.path}: changed while it was being read; run again")
        images[file.content] = _measure(data, task.preparation)
    return Measured(images)


def _measure_shard(task: Task) -> Measured:
    [shard] = task.files
    images, members = dict[str, Record](), list[Member]()
    end, rest = 1.0, None
    for place, member, data in read_from(shard, task.start):
        if place and len(members) >= MAX_IMAGES:
            end, rest = place.share, replace(task, start=place)
            break
        members.append(member)
        if not member.reason and member.content not in images:
            images[member.content] = _measure(data, task.preparation)
    return Measured(images, {shard.content: members}, end - task.start.share, rest)


def _measure(data: bytes, preparation: Preparation) -> Record:
    try:
        return to_record(measure_image(data, preparation))
    except NotAnImageError as error:
        return to_record(error)
