"""The rooms of stages/: which room imports from which, and that dvc.yaml says the same."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, STAGES

# What each room may import from; commands that are no stage are last. A room is a folder or a file.
PLAN = {
    "shared": set(),
    "statistics": {"shared"},
    "images": {"shared"},
    "validate": {"shared"},
    "download": {"images", "shared"},
    "measure": {"images", "statistics", "shared"},
    "inventory": {"images", "shared"},
    "sample": {"images", "statistics", "shared"},
    "compare": {"measure", "images", "statistics", "shared"},
    "check": {"shared"},
    "normalize": {"statistics", "shared"},
    "publish": {"check", "shared"},
    "export": {"shared"},
    "identify": {"normalize", "statistics", "shared"},
    "report": {"check", "export", "identify", "statistics", "shared"},
    "adopt": {"download", "measure", "images", "shared"},
    "overview": {"report", "shared"},
}

# The arithmetic: these modules import nothing that opens a file or uses the network.
PURE = {
    "check": ["verdict"],
    "compare": [
        "class_gaps",
        "classes",
        "effects",
        "inference",
        "replicates",
        "resample",
        "reweigh",
        "shift",
        "splits",
    ],
    "export": ["configs", "keras_weights", "limits", "onnx_graph"],
    "identify": ["matching", "published"],
    "measure": ["counting"],
    "normalize": ["presets", "results"],
    "report": [
        "class_words",
        "constant_words",
        "numbers",
        "plots",
        "preset_table",
        "shift_table",
        "shift_words",
        "snippets",
    ],
    "sample": ["extremes", "png", "sizes"],
    "shared": ["batches", "names", "preparation"],
    "statistics": ["histograms", "integers", "summary"],
}
PURE_MODULES = {f"stages.{room}.{name}" for room, names in PURE.items() for name in names}
OPENS = {"http", "io", "os", "pathlib", "pooch", "requests", "shutil", "socket", "sqlite3",
         "subprocess", "tempfile", "urllib", "fsspec"}  # fmt: skip

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in (ROOT / "stages").rglob("*.py")
    if path.name != "__init__.py"
}


def imported(path: Path) -> set[str]:
    """The names of all modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room_of(module: str) -> str:
    return module.split(".")[1]


def reached(module: str, found: set[str]) -> set[str]:
    """A module and all that it imports, directly or not."""
    if module not in found:
        found.add(module)
        for other in imported(MODULES[module]) & set(MODULES):
            reached(other, found)
    return found


USES = defaultdict[str, set[str]](set)
for name, file in MODULES.items():
    USES[room_of(name)] |= {room_of(of) for of in imported(file) if of in MODULES} - {room_of(name)}


def test_each_room_imports_from_the_rooms_of_the_plan() -> None:
    assert dict(USES) == PLAN


def test_no_module_imports_an_entry_point() -> None:
    entered = {name for name, file in MODULES.items() if "entry.run(" in file.read_text()}
    assert len(entered) > len(STAGES)
    assert not {name for name, file in MODULES.items() if imported(file) & entered}


def test_no_two_modules_share_a_name() -> None:
    names = [path.name for path in MODULES.values() if path.name != "__main__.py"]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_its_room_and_the_rooms_that_it_uses(stage: str) -> None:
    definition = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]
    deps = {Path(dep) for dep in definition.get("do", definition)["deps"]}
    entry = stage if (ROOT / "stages" / f"{stage}.py").exists() else f"{stage}.__main__"
    rooms = {ROOT / "stages" / room_of(used) for used in reached(f"stages.{entry}", set())}
    expected = {room if room.is_dir() else room.with_suffix(".py") for room in rooms}
    assert {ROOT / dep for dep in deps if dep.parts[0] == "stages"} == expected


@pytest.mark.parametrize("module", sorted(PURE_MODULES))
def test_arithmetic_opens_no_file(module: str) -> None:
    path = MODULES[module]
    names = imported(path)
    assert {of.split(".")[0] for of in names} & OPENS <= {"io"}
    assert {of for of in names if of in MODULES} <= PURE_MODULES
    calls = [
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    ]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "open"]


def test_every_path_that_a_text_names_exists() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    texts = [
        name
        for name in listed.stdout.split()
        if name.endswith((".py", ".md", ".yaml", ".yml", ".toml"))
    ]
    named = re.compile(
        r"(?<![\w/.-])(?:benchmarks|docs|plots|stages|team|tests)/[\w/]+\.(?:py|md)\b"
    )
    found = {(text, path) for text in texts for path in named.findall((ROOT / text).read_text())}
    assert len(found) > 20
    assert not {(text, path) for text, path in found if not (ROOT / path).exists()}
