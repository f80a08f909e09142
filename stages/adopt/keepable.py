"""Find the files that DVC cannot keep, before they are copied or DVC waits on a pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stages.images.listing import walk

NO_FILE = "no file: a link to nothing, a pipe or the like"
OF_DVC = "a file of DVC's own, which it keeps in no dataset"


def first_of(items: Sequence[str], most: int = 5) -> list[str]:
    """The first items, and how many more there are."""
    more = len(items) - most
    return [*items[:most], f"and {more:,} more"] if more > 0 else list(items)


def check_copied(split: Path) -> None:
    """ValueError naming the files of the split that DVC could not keep in its copy."""
    found = ((file.name, file.reason) for file in walk(split))
    _refuse(split, {name: reason or OF_DVC for name, reason in found if reason or _is_of_dvc(name)})


def check_in_place(split: Path, *, is_kept: bool) -> None:
    """ValueError naming what DVC cannot read in the folder, or keep. Hidden files count too.

    DVC does not look into linked folders. A kept folder would lack them, so they are refused; of
    others, `measure` notes them.
    """
    _refuse(split, dict(_unkeepable(split, is_kept=is_kept)))


def _unkeepable(split: Path, *, is_kept: bool) -> Iterator[tuple[str, str]]:
    for folder, folders, files in os.walk(split):
        for path in (Path(folder, name) for name in [*folders, *files]):
            name = os.fsencode(path.relative_to(split)).decode(errors="replace")
            if "\ufffd" in name:
                yield name, "its name is not valid UTF-8"
            elif path.is_dir():
                if is_kept and path.is_symlink():
                    yield name, "a link to a folder, which DVC does not follow"
            elif not path.is_file():
                yield name, NO_FILE
            elif _is_of_dvc(name):
                yield name, OF_DVC


def _is_of_dvc(name: str) -> bool:
    return name.endswith(".dvc") or name.rpartition("/")[2] == ".dvcignore"


def _refuse(split: Path, reasons: Mapping[str, str]) -> None:
    if reasons:
        named = first_of([f"{name}: {reason}" for name, reason in reasons.items()])
        lines = [f"{split}: DVC cannot keep these; mend them or move them away", *named]
        raise ValueError("\n  ".join(lines))
