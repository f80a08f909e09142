"""What DVC cannot keep of a folder: found before it is copied, or before DVC waits for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from stages.images.listing import walk

# So many are named.
NAMED = 5

NO_FILE = "no file: a link to nothing, a pipe or the like"
OF_DVC = "a file of DVC's own, which it takes in no dataset"


def check_copied(split: Path) -> None:
    """ValueError where a file of the split cannot be in DVC's copy."""
    found = ((file.name, file.reason) for file in walk(split))
    _refuse(split, {name: reason or OF_DVC for name, reason in found if reason or _is_of_dvc(name)})


def check_in_place(split: Path, *, is_kept: bool) -> None:
    """ValueError where DVC cannot read the folder as it is, or keep it; it sees hidden files too.

    It looks into no linked folder: what it is to keep would lack that, while `measure` notes it.
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
        named = [f"  {name}: {reason}" for name, reason in list(reasons.items())[:NAMED]]
        more = [f"  and {len(reasons) - NAMED:,} more"] if len(reasons) > NAMED else []
        raise ValueError(
            "\n".join(
                [f"{split}: DVC cannot keep these; mend them or move them away", *named, *more]
            )
        )
