"""Files that a stage reads, damaged at random, and a small project that has them all."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import json
import random
import re
import shutil
import sys
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from stages.shared import entry
from tests.conftest import ROOT, random_images

# A longer error would flood a terminal.
LONGEST_ERROR = 4000


@dataclass(frozen=True)
class Target:
    """A file, and the commands that read it."""

    path: str
    commands: tuple[str, ...]


OF_STATISTICS = ("normalize half", "compare", "sample", "report", "identify 0.4914 0.4822 0.4465")
TARGETS = [
    Target(
        "params.yaml",
        ("validate", "normalize half", "check", "report", "measure train", "overview"),
    ),
    Target("data/statistics/train.npz", OF_STATISTICS),
    Target("data/statistics/test.npz", OF_STATISTICS),
    Target("data/index/train.json", ("inventory", "sample", "compare")),
    Target("data/index/test.json", ("inventory", "sample", "compare")),
    Target("reports/shift.json", ("check", "report", "overview")),
    Target("reports/check.json", ("publish", "report", "overview")),
    Target("reports/samples.json", ("report",)),
    Target("reports/inventory.json", ("report", "measure train")),
    Target("reports/quarantine.json", ("report",)),
    Target("reports/presets/half/details.json", ("report",)),
    Target("reports/presets/half/distribution.json", ("publish",)),
    Target("reports/presets/half/normalization.json", ("publish", "report")),
    Target("reports/presets/half/metrics.json", ("publish", "overview")),
    Target("reports/published/normalization.json", ("export", "report")),
    Target("data/arrays/train/images.npy", ("measure train", "compare", "sample")),
    Target("data/arrays/train/labels.npy", ("measure train", "sample")),
    Target("data/arrays/train/classes.json", ("measure train",)),
    Target("plots/shift.json", ("report",)),
]


def call(command: str) -> str | None:
    """Run a command of `stages` in this process; its error, if it ends in one.

    Anything but a readable error is raised, also warnings and control characters.
    """
    name, *arguments = command.split()
    entered = f"stages.{name}.__main__" if (ROOT / "stages" / name).is_dir() else f"stages.{name}"
    main = importlib.import_module(entered).main
    of_main = {
        "check": partial(main, record="--record" in arguments),
        "identify": partial(main, arguments),
    }.get(name, partial(main, *arguments))
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as said,
        contextlib.redirect_stderr(said),
        warnings.catch_warnings(),
    ):
        # As where users run it: Python shows them no deprecation, such as numpy's of the type 'a'.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("error", RuntimeWarning)
        patch.setattr(sys, "argv", [name])
        patch.setattr("stages.measure.engine.in_processes", map)
        try:
            entry.run(of_main)
        except SystemExit as stopped:
            error = str(stopped.code)
            assert error.startswith("error: "), error
            assert len(error) < LONGEST_ERROR, error[:LONGEST_ERROR]
            said.write(error)
            return error
        finally:
            assert re.sub(r"[\n\r]", "", said.getvalue()).isprintable(), said.getvalue()
    return None


def write_project(root: str) -> None:
    """Run the pipeline in this folder, on image files or on arrays."""
    shutil.copytree(ROOT / "plots", "plots")
    for split, seed, images in ("train", 0, 24), ("test", 1, 12):
        pixels = random_images(images, seed)
        folder = Path("data", root, split)
        folder.mkdir(parents=True)
        if root == "arrays":
            np.save(folder / "images.npy", pixels)
            np.save(folder / "labels.npy", np.arange(images, dtype=np.uint8) % 2)
            (folder / "classes.json").write_text('["cat", "dog"]')
            continue
        for number, image_CHW in enumerate(pixels):
            path = folder / f"class {number % 2}" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            image = Image.fromarray(image_CHW.transpose(1, 2, 0))
            image.convert("RGB" if number % 8 else "L").save(path)
        (folder / "class 0" / "no image.png").write_text("no image")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"] |= {"root": f"data/{root}", "download": [], "on_bad_image": "quarantine"}
    params["measure"] |= {"device": "cpu"}
    params["compare"]["permutations"] = 19
    params["limits"] = {"psi": 9, "mean_levels": {"red": 99}}
    params["presets"] = {name: params["presets"][name] for name in ("half", "dataset_image_std")}
    params["preset"] = "half"
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for command in (
        *("measure train", "measure test", "inventory", "sample", "compare", "check --record"),
        *("normalize half", "normalize dataset_image_std", "publish", "export", "report"),
    ):
        error = call(command)
        assert error is None, error


ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(10**30), 10**400, 0.5, -0.0, 1e308, 5e-324),
    *(float("nan"), float("inf"), float("-inf"), "", "1", "x" * 10**5, "\ud800", "\0\x1b[2J"),
    *("</script>", [], [[]], [None], [0.5] * 3, [1, 2, 3, 4], {}, {"": {}}, {"red": None}),
    "2020-01-01",
]


def places(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value within."""
    yield at
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from places(value, (*at, key))


def damaged_value(rng: random.Random, content: Any) -> Any:
    """The same with one value, key or item changed or removed."""
    content = copy.deepcopy(content)
    way = rng.choice(list(places(content)))
    if not way:
        return copy.deepcopy(rng.choice(ODD))
    *to, last = way
    within = content
    for key in to:
        within = within[key]
    match rng.randrange(5):
        case 0:
            del within[last]
        case 1 if isinstance(within, dict):
            within[rng.choice(["", "red", "x" * 1000, "gray", "\x1b[31m"])] = within.pop(last)
        case 1:
            within.append(within[last])
        case 2:
            within[last] = [within[last]]
        case _:
            within[last] = copy.deepcopy(rng.choice(ODD))
    return content


def damaged_bytes(rng: random.Random, content: bytes) -> bytes:
    """The same with some bytes changed, removed, repeated or inserted."""
    start = rng.randrange(len(content))
    stop = min(len(content), start + rng.choice([1, 1, 2, 8, 100]))
    match rng.randrange(6):
        case 0:
            return content[:start]
        case 1:
            return content[:start] + content[stop:]
        case 2:
            return content[:start] + content[start:stop] * 2 + content[stop:]
        case 3:
            return content[:start] + rng.randbytes(stop - start) + content[stop:]
        case 4:
            odd = [
                b"\xff",
                b"\0",
                b"[" * 30000,
                b'{"a":' * 30000,
                b"&a [*a]",
                b"!!python/x ",
                b"\t",
            ]
            odd += [b": ", b"- ", b"? ", b"%YAML 9.9", b"---\n", b"<<: 1", b"!!timestamp ", b"\t"]
            odd += [b"!!binary x", b"0x" + b"f" * 9000, b"!!set ", b"!!omap ", b"'", b"{", b"NaN"]
            return content[:start] + rng.choice(odd) + content[stop:]
    flipped = bytearray(content)
    flipped[start] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def damaged_array(rng: random.Random, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same with other values, another type or another shape."""
    match rng.randrange(8):
        case 0:
            return array.astype(rng.choice(["f4", "f8", "i4", "u8", "O", "U3", "c8", "?", ">i8"]))
        case 1:
            return array.reshape(-1)
        case 2:
            return array[:0]
        case 3:
            return array[: len(array) // 2]
        case 4:
            return np.asfortranarray(np.concatenate([array, array], axis=-1))
        case 5:
            return np.zeros(2, dtype=[("a", "i8"), ("b", "f4")])
    changed = array.copy()
    odd = np.array([0, -1, 1, 255, 2**62, -(2**63), 2**63 - 1]).astype(array.dtype)
    for _ in range(rng.choice([1, 1, 2, 4])):
        changed.flat[rng.randrange(changed.size)] = rng.choice(odd)
    return changed


def lying_header(rng: random.Random, content: bytes) -> bytes:
    """An `.npy` whose header is wrong about the shape or the type."""
    shapes = [
        "(-1,)",
        "(99999999999, 3)",
        "(2, 2)",
        f"({10**30},)",
        "()",
        "(None,)",
        "(True,)",
        "3",
    ]
    types = ["'<i8'", "'|u1'", "'|O'", "'<U9'", "[]", "'<V0'", "'|S0'", "None", "3", "'<M8[s]'"]
    header = (
        f"{{'descr': {rng.choice(types)}, 'fortran_order': {rng.choice(['False', 'True', '3'])}, "
        f"'shape': {rng.choice(shapes)}, }}"
    )
    if not rng.randrange(6):
        header = rng.choice(["(" * 900, "-" * 9000 + "1", "{" * 50, "'", "[]", "{3: 4}", "{[]: 1}"])
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text + content[128:]


def damaged_npy(rng: random.Random, content: bytes) -> bytes:
    match rng.randrange(4):
        case 0:
            written = io.BytesIO()
            np.save(written, damaged_array(rng, np.load(io.BytesIO(content))), allow_pickle=True)
            return written.getvalue()
        case 1:
            return lying_header(rng, content)
        case 2:
            return damaged_bytes(rng, content[:128]) + content[128:]
    return damaged_bytes(rng, content)


def damaged_npz(rng: random.Random, content: bytes) -> bytes:
    """Mostly a whole archive with a damaged entry."""
    if not rng.randrange(4):
        return damaged_bytes(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    chosen = rng.choice(list(entries))
    if rng.randrange(8):
        entries[chosen] = damaged_npy(rng, entries[chosen])
    else:
        del entries[chosen]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", rng.choice([0, 0, zipfile.ZIP_DEFLATED])) as archive:
        for name, entry_ in entries.items():
            archive.writestr(name, entry_)
    return written.getvalue()


def damaged(rng: random.Random, path: Path, content: bytes) -> bytes:
    if path.suffix == ".npz":
        return damaged_npz(rng, content)
    if path.suffix == ".npy":
        return damaged_npy(rng, content)
    if not rng.randrange(3):
        return damaged_bytes(rng, content)
    if path.suffix == ".yaml":
        value = damaged_value(rng, yaml.safe_load(content))
        return yaml.safe_dump(value, sort_keys=False).encode()
    return json.dumps(damaged_value(rng, json.loads(content))).encode()
