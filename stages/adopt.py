"""Make other images the dataset of this pipeline: `python -m stages.adopt ~/photos`.

A folder of your own holds one folder for training and one for testing. Both are looked at, brought
under `data/` if they are elsewhere, tracked with DVC, and named in params.yaml; then `dvc repro`
measures them. The name of a ready-made dataset, as mnist, has it downloaded and measured instead.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import BaseRepresenter

from stages import entry
from stages.core.statistics import CHANNELS
from stages.files.atomic import atomic_write
from stages.files.images import DATA
from stages.files.look import Look, look_at
from stages.files.params import PARAMS, load_params
from stages.files.ready_made.registry import READY_MADE

# What folders of test images are called, by preference.
TEST_FOLDERS = ("test", "val", "valid", "validation", "dev", "eval")

# So many are named of many classes, modes or bad files.
NAMED = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "images", help=f"a folder that holds train/ and test/ (or val/), or {', '.join(READY_MADE)}"
    )
    images = parser.parse_args().images
    load_params()
    yaml = YAML()  # keeps comments
    yaml.width = 4096
    yaml.representer.add_representer(type(None), write_null)
    params = yaml.load(PARAMS)
    if images in READY_MADE and not Path(images).is_dir():
        changes = adopt_ready_made(images, params)
    else:
        changes = adopt_folder(Path(images).expanduser(), params)
    with atomic_write(PARAMS) as file:
        yaml.dump(params, file)
    print(f"{PARAMS}: dataset.root is {params['dataset']['root']} now")
    print("\n".join([*changes, "`dvc repro` measures it"]))


def adopt_ready_made(name: str, params: Any) -> list[str]:
    """Name a dataset that is downloaded, and all its sources, in params; what else changed."""
    changes = fit_channels(params, READY_MADE[name].channels)
    params["dataset"].update(root=(DATA / name).as_posix(), sources=None)  # all that it has
    params["dataset"]["splits"].update(train="train", test="test")
    params["dataset"]["download"][:] = [name]
    return changes


def adopt_folder(folder: Path, params: Any) -> list[str]:
    """Look at a folder, have DVC keep it, and name it in params; what else changed."""
    splits = find_splits(folder)
    looks = {split: look_at(folder / name) for split, name in splits.items()}
    for split, look in looks.items():
        print(f"{folder / splits[split]}, for {split}:\n{describe(look)}")
    changes = fit_channels(params, channels_of(looks))
    root = DATA / folder.resolve().name
    track(folder, root, list(splits.values()))
    params["dataset"]["root"] = root.as_posix()
    params["dataset"]["splits"].update(splits)
    params["dataset"]["download"][:] = []
    return changes


def find_splits(folder: Path) -> dict[str, str]:
    """The names of the folders of both splits; FileNotFoundError says what is expected."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    tests = [name for name in TEST_FOLDERS if name in names]
    if "train" not in names or not tests:
        raise FileNotFoundError(
            f"{folder}: expected the folders train, and {' or '.join(TEST_FOLDERS)}, found "
            f"{', '.join(names) or 'none'}; rename them, or move some of the images into a folder "
            "of their own to be tested on"
        )
    return {"train": "train", "test": tests[0]}


def describe(look: Look) -> str:
    """What was found, in a few indented lines."""
    sizes = sorted(look.sizes, key=lambda size: size[0] * size[1])
    ends = " to ".join(dict.fromkeys(f"{h} x {w}" for h, w in (sizes[0], sizes[-1])))
    lines = [
        f"{look.images:,} images in {len(look.classes):,} classes: {counted(look.classes)}",
        f"formats: {counted(look.formats)}; modes: {counted(look.modes)}",
        f"height x width: {ends}, {len(sizes):,} different",
    ]
    if look.noted:
        lines += [f"beside the images: {counted(look.noted)}"]
    if look.bad:
        named = [f"  {name}: {reason}" for name, reason in list(look.bad.items())[:NAMED]]
        more = [f"  and {len(look.bad) - NAMED:,} more"] if len(look.bad) > NAMED else []
        lines += [
            f"{len(look.bad):,} files that cannot be measured: mend them or move them away, or set "
            "dataset.on_bad_image to quarantine in params.yaml",
            *named,
            *more,
        ]
    return "\n".join(f"  {line}" for line in lines)


def counted(counts: Mapping[str, int]) -> str:
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} {count:,}" for name, count in largest[:NAMED]]
    return ", ".join(named + (["..."] if len(largest) > NAMED else []))


def channels_of(looks: Mapping[str, Look]) -> int:
    channels = {look.channels for look in looks.values()}
    if len(channels) > 1:
        raise ValueError(
            "the images of one split are all gray and those of the other are not; give both of "
            "them gray images, or both colour images"
        )
    return channels.pop()


def fit_channels(params: Any, channels: int) -> list[str]:
    """Give fixed presets a number for each channel, in place; what was changed.

    A preset whose channels are alike means the same for any number of them. Others are removed;
    ValueError where that is the chosen one.
    """
    changes, presets, meant = [], params["presets"], ", ".join(CHANNELS[channels])
    for name, preset in list(presets.items()):
        if "fit" in preset or len(preset["mean"]) == channels:
            continue
        if any(len(set(numbers)) > 1 for numbers in preset.values()):
            if name == params["preset"]:
                raise ValueError(
                    f"{PARAMS}: the chosen preset {name} is not for {meant}; choose another one "
                    "first, as preset: dataset_pixel_std"
                )
            del presets[name]
            changes.append(
                f"{PARAMS}: preset {name} is gone, as it is not for {meant}; "
                f"`git rm -r reports/presets/{name}` takes its reports away"
            )
            continue
        for numbers in preset.values():
            numbers[:] = [numbers[0]] * channels
        changes.append(f"{PARAMS}: preset {name} is for {meant} now")
    return changes


def write_null(representer: BaseRepresenter, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def track(folder: Path, root: Path, names: list[str]) -> None:
    """Have DVC keep the splits, which it copies if they are not under `root`; OSError if not."""
    for name in names:
        source, target = folder / name, root / name
        command = [sys.executable, "-m", "dvc", "add", "--quiet"]
        if source.resolve() == target.resolve():
            command += [target.as_posix()]
        elif target.exists():
            raise FileExistsError(f"{target} is already there; rename {folder}, or take it away")
        else:
            print(f"copying {source} to {target}, where DVC keeps it")
            target.parent.mkdir(parents=True, exist_ok=True)
            command += ["--out", target.as_posix(), str(source.resolve())]
        added = subprocess.run(command, check=False)
        if added.returncode:
            raise OSError(f"`{' '.join(command[2:])}` failed, see above; params.yaml is as it was")


if __name__ == "__main__":
    entry.run(main)
