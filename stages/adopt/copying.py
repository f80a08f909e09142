"""Make the copy of a folder that DVC keeps, file by file, or bring it up to date."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from stages.images.listing import walk


@dataclass(frozen=True)
class Update:
    """How a copy differs from its source. Names are paths within both; `same` is a count."""

    source: Path
    target: Path
    added: list[str]
    changed: list[str]
    removed: list[str]
    same: int

    @property
    def is_safe(self) -> bool:
        """Whether nothing is lost, or DVC keeps the copy and at least half of its files stay."""
        lost = len(self.changed) + len(self.removed)
        return not lost or (lost <= self.same and Path(f"{self.target}.dvc").is_file())

    def __str__(self) -> str:
        return (
            f"{len(self.added):,} files added, {len(self.changed):,} changed, "
            f"{len(self.removed):,} removed, {self.same:,} as they were"
        )


def compare(source: Path, target: Path) -> Update:
    """Compare a folder with its copy, by content. The copy may be missing or unfinished."""
    removed = [name for name in _names(target) if not (source / name).is_file()]
    added, changed, same = list[str](), list[str](), 0
    files = tqdm(walk(source), f"compare {str(target)!r}", unit="file", disable=not target.exists())
    for file in files:
        if file.noted:  # a link to a folder: `walk` lists its files too
            continue
        copy = target / file.name
        if not copy.is_file():
            added.append(file.name)
        elif filecmp.cmp(source / file.name, copy, shallow=False):
            same += 1
        else:
            changed.append(file.name)
    return Update(source, target, added, changed, removed, same)


def apply(update: Update) -> None:
    """Make the copy the same as its source. After an interruption, the next call goes on.

    Each file is written elsewhere and then renamed, so it is complete under its name. Writing into
    the old file would change DVC's cache where its type is `hardlink` or `symlink`.
    """
    source, target = update.source, update.target
    for name in update.removed:
        (target / name).unlink()
        with suppress(OSError):  # not empty yet
            os.removedirs((target / name).parent)
    target.mkdir(parents=True, exist_ok=True)
    names = [*update.changed, *update.added]
    total = sum((source / name).stat().st_size for name in names)
    with (
        _made(target.with_name(f"{target.name}.partial")) as partial,
        tqdm(desc=f"copy {str(source)!r}", total=total, unit="B", unit_scale=True) as bar,
    ):
        for name in names:
            copied = shutil.copyfile(source / name, partial / "file")
            bar.update(copied.stat().st_size)
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            copied.replace(target / name)


@contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """An empty folder while it is needed; what a killed run left in it is removed."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _names(folder: Path) -> Iterator[str]:
    for inside, _, files in os.walk(folder):
        for file in files:
            yield Path(inside, file).relative_to(folder).as_posix()
