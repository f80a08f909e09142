"""Make other images the dataset of this pipeline: `python -m stages.adopt ~/photos`.

The folder holds one folder for training and one for testing. Both are looked at, copied to `data/`
unless they are in this repository, tracked with DVC, and named in params.yaml. Then `dvc repro`
measures them. Adopt a folder again to bring its copy up to date. With --in-place, a folder outside
this repository is measured where it is: DVC sees what changes there, but keeps no copy. Give the
name of a ready-made dataset, such as mnist, to have it downloaded and measured instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from stages.adopt.copying import apply, compare
from stages.adopt.edit_params import Choice, edit_params
from stages.adopt.keepable import check_copied, check_in_place, first_of
from stages.adopt.look import Look, look_at
from stages.download.ready_made.registry import READY_MADE
from stages.images.arrays import DATA
from stages.shared import entry
from stages.shared.atomic import atomic_write
from stages.shared.load_params import PARAMS, load_params

# Names that a folder of test images has. The first that is there is taken.
TEST_FOLDERS = ("test", "val", "valid", "validation", "dev", "eval")

# The folders of data/ that the pipeline itself writes.
OWN = ("exports", "index", "statistics", *READY_MADE)


def main(images: str, *, in_place: bool) -> None:
    folder = Path(os.path.expanduser(images))  # noqa: PTH111  # Path's fails
    if images in READY_MADE and not folder.is_dir():
        choice = choose_ready_made(images)
    else:
        max_pixels = load_params().dataset.max_pixels
        choice = choose_folder(folder, max_pixels, in_place=in_place)
    content, changes = edit_params(choice)
    if not choice.download:
        keep(folder, choice)
    with atomic_write(PARAMS) as file:
        file.write(content)
    say(f"{PARAMS}: dataset.root is {choice.root} now")
    say("\n".join([*changes, "`dvc repro` measures it"]))


def choose_ready_made(name: str) -> Choice:
    splits = {"train": "train", "test": "test"}
    return Choice(DATA / name, splits, READY_MADE[name].channels, download=name)


def choose_folder(folder: Path, max_pixels: int, *, in_place: bool) -> Choice:
    """Look at a folder and check that DVC can keep it, before anything is written."""
    splits = find_splits(folder)
    root = root_of(folder, in_place=in_place)
    for name in splits.values():
        if is_at(root, folder):
            check_in_place(folder / name, is_kept=not root.is_absolute())
        else:
            check_copied(folder / name)
    looks = {split: look_at(folder / name, max_pixels) for split, name in splits.items()}
    for split, look in looks.items():
        say(f"{folder / splits[split]}, for {split}:\n{describe(look)}")
    if others := in_no_split(folder, splits.values()):
        say(f"{folder}: in neither split, not measured: {', '.join(first_of(others))}")
    return Choice(root, splits, channels_of(looks))


def find_splits(folder: Path) -> dict[str, str]:
    """The folder names of both splits; FileNotFoundError if one of them is missing."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    tests = [name for name in TEST_FOLDERS if name in names]
    if "train" not in names or not tests:
        raise FileNotFoundError(
            f"{folder}: expected the folders train, and {' or '.join(TEST_FOLDERS)}, found "
            f"{', '.join(names) or 'none'}; rename them, or move some of the images into a folder "
            "named test"
        )
    return {"train": "train", "test": tests[0]}


def in_no_split(folder: Path, splits: Collection[str]) -> list[str]:
    """What else is in the folder, but for hidden files and those of DVC."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in splits)
    return [name for name in names if not name.startswith(".") and not name.endswith(".dvc")]


def root_of(folder: Path, *, in_place: bool) -> Path:
    """The folder to measure: the one given, or its copy in data/."""
    whole, here = folder.resolve(), Path.cwd()
    if whole.is_relative_to(here):
        root = whole.relative_to(here)
    else:
        root = whole if in_place else DATA / whole.name
    if any(root.is_relative_to(DATA / own) for own in OWN):
        raise ValueError(f"{root}: the pipeline itself writes there; rename {folder}")
    return root


def is_at(root: Path, folder: Path) -> bool:
    return root.resolve() == folder.resolve()


def describe(look: Look) -> str:
    """What was found, in a few indented lines."""
    sizes = sorted(look.sizes, key=lambda size: size[0] * size[1])
    ends = " to ".join(dict.fromkeys(f"{h} x {w}" for h, w in (sizes[0], sizes[-1])))
    lines = [
        f"{look.images:,} images {in_classes(look.classes)}",
        f"formats: {counted(look.formats)}; modes: {counted(look.modes)}",
        f"height x width: {ends}, {len(sizes):,} different",
    ]
    if look.noted:
        lines += [f"beside the images: {counted(look.noted)}"]
    if look.bad:
        named = first_of([f"{name}: {reason}" for name, reason in look.bad.items()])
        lines += [
            f"{len(look.bad):,} files that cannot be measured: mend them or move them away, or set "
            "dataset.on_bad_image to quarantine in params.yaml",
            *(f"  {line}" for line in named),
        ]
    return "\n".join(f"  {line}" for line in lines)


def in_classes(counts: Mapping[str | None, int]) -> str:
    if unlabelled := counts.get(None):
        return f"without classes, as {unlabelled:,} have no label"
    return f"in {len(counts):,} classes: {counted(counts)}"


def counted(counts: Mapping[Any, int]) -> str:
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(first_of([f"{name} {count:,}" for name, count in largest]))


def channels_of(looks: Mapping[str, Look]) -> int:
    """The channels of both splits: RGB for files unless all are gray, those of the array else."""
    channels = max(look.channels for look in looks.values())
    for split, look in looks.items():
        if look.is_array and look.channels < channels:
            raise ValueError(
                f"the images of the {split} split are a gray array, but the other split is in "
                "colour; give both splits gray images, or both colour images"
            )
    return channels


def keep(folder: Path, choice: Choice) -> None:
    """Have DVC keep the splits: copied to data/, or where they are in this repository."""
    if choice.root.is_absolute():
        say(
            f"{folder}: measured where it is; DVC keeps no copy, and sees what changes except in "
            "linked folders"
        )
        return
    if not is_at(choice.root, folder):
        bring_up_to_date(folder, choice)
    dvc_add([(choice.root / name).as_posix() for name in choice.splits.values()])


def bring_up_to_date(folder: Path, choice: Choice) -> None:
    """Make the copies the same as the splits; FileExistsError if one is of another dataset."""
    updates = [compare(folder / name, choice.root / name) for name in choice.splits.values()]
    for update in updates:
        if not update.is_safe:
            raise FileExistsError(
                f"{update.target} is already there, and would have {update}: it belongs to another "
                f"dataset, or DVC does not keep it; rename {folder}, or remove {update.target}"
            )
    for update in updates:
        say(f"{update.target}: {update}")
        apply(update)


def say(text: str) -> None:
    print(entry.visible(text))


def dvc_add(folders: list[str]) -> None:
    """Track the folders; OSError if DVC fails, after DVC has said why."""
    command = ["dvc", "add", "--", *folders]
    added = subprocess.run([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, check=False)
    if added.returncode:
        raise OSError(f"`{' '.join(command)}` failed, see above; {PARAMS} is as it was")


if __name__ == "__main__":
    known = ", ".join(READY_MADE)
    entry.run(
        main,
        entry.argument("images", help=f"a folder of train/ and test/ (or val/), or {known}"),
        entry.argument("--in-place", action="store_true", help="copy nothing"),
    )
