"""Every command of the pages runs, in its order: the README's in a fresh clone on real CIFAR-10.

Those of docs/when-something-goes-wrong.md run in test_share_faults.py, where that is brought about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.download.ready_made.labelled import LabelledImages
from stages.shared.load_params import load_params
from tests import remotes
from tests.conftest import ROOT, Project
from tests.remotes import BUCKET, access

README = (ROOT / "README.md").read_text()
VERSIONS = (ROOT / "docs/versions.md").read_text()
IMAGES = (ROOT / "docs/images.md").read_text()
RAY = (ROOT / "docs/ray.md").read_text()
SHARDS = (ROOT / "docs/shards.md").read_text()
FAULTS = (ROOT / "docs/when-something-goes-wrong.md").read_text()

# What would run this test again or change the environment that it runs in is only prepared.
PREPARED_ONLY = {
    "make test": "make --dry-run test",
    "pytest": "pytest --collect-only --quiet tests/pipeline/test_readme.py",
}
PIP_INSTALL = "python -m pip install"


def commands_with_output(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block and the lines shown below it."""
    for part in block.removeprefix("$ ").split("\n$ "):
        command, *shown = part.strip("\n").split("\n")
        yield command, shown


def words(line: str) -> str:
    """A line without its layout: DVC fits the width of its columns to all of its rows."""
    return " ".join(line.split())


def run(page: str, project: Project) -> list[str]:
    """Run the blocks of a page, in the folder that it changes to; the commands that it has."""
    ran = []
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    for language, block in blocks:
        if language == "yaml":
            with (project.path / "params.yaml").open("a") as params:
                params.write(block)
        elif language == "python":
            project.run("python", "-c", block)
        elif language == "console":
            for command, shown in commands_with_output(block):
                ran.append(command)
                if changed := re.fullmatch(r"cd (\S+)", command):
                    project = Project(project.path / changed[1])
                    continue
                prepared = command.replace(PIP_INSTALL, f"{PIP_INSTALL} --dry-run")
                output = project.run("bash", "-c", PREPARED_ONLY.get(command, prepared))
                printed = [words(line) for line in output.splitlines()]
                for line in shown:
                    assert words(line) in printed, f"{command}\n{output}"
    return ran


def test_every_command_of_the_readme_runs_and_prints_what_is_shown(
    checkout: Project, cifar10: dict[str, LabelledImages], tmp_path: Path
) -> None:
    project = checkout.copy_to(tmp_path / "normstats")
    project.use_this_environment()
    project.environment["COLUMNS"] = "80"
    assert {"make", "make test", "dvc repro", "pytest", "dvc metrics diff"} <= set(
        run(README, project)
    )


def test_every_command_on_versions_runs_and_prints_what_is_shown(
    project: Project, tmp_path: Path
) -> None:
    project.use_this_environment()
    project.run("dvc", "remote", "add", "--quiet", "--default", "store", str(tmp_path / "store"))
    project.commit()
    assert {"dvc push", "dvc init --quiet"} <= set(run(VERSIONS, project))
    for taken in ("normalization.json", "train.npz", "shift.json.dvc"):
        assert (tmp_path / "training" / taken).is_file()


def write_photos(folder: Path) -> None:
    """Two classes, some files gray or PNG, of different sizes."""
    rng = np.random.default_rng(0)
    for split, images in ("train", 120), ("val", 40):
        for number in range(images):
            size = (24 + number % 30, 30 + number % 31)
            name = f"{'cats' if number % 3 else 'dogs'}/{number}.{'jpg' if number % 6 else 'png'}"
            path = folder / split / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
            image.convert("RGB" if number % 24 else "L").save(path)


def test_every_command_on_images_runs_and_prints_what_is_shown(
    project: Project, tmp_path: Path
) -> None:
    project.use_this_environment()
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    write_photos(tmp_path / "photos")
    assert {"make adopt DATA=../photos", "dvc repro"} <= set(run(IMAGES, project))
    assert project.run("git", "status", "--porcelain") == ""


def test_every_command_on_ray_runs(checkout: Project, tmp_path: Path) -> None:
    project = checkout.clone_to(tmp_path / "clone")
    assert len(run(RAY, project)) == 1


def test_every_command_on_shards_keeps_versions_of_a_bucket(
    checkout: Project, tmp_path: Path
) -> None:
    project = checkout.clone_to(tmp_path / "clone")
    (tmp_path / "server").mkdir()
    first, second = b"first", b"second"
    with remotes.s3(tmp_path / "server") as server:
        project.environment |= access(server.port)
        server.files.make_bucket_versioned(BUCKET)
        shard = f"{BUCKET}/photos/train/0.tar"
        server.files.pipe_file(shard, first)
        commands = re.findall(r"^\$ (.*)$", SHARDS, flags=re.MULTILINE)
        make, note, add, status, update, pull = (
            command.replace("s3://bucket/", f"s3://{BUCKET}/") for command in commands
        )
        for command in make, note, add:
            project.run("bash", "-c", command)
        project.run("git", "commit", "--quiet", "--message=first")
        assert "0.tar" in project.read("shards/train.dvc").decode()
        assert "changed deps" not in project.run("bash", "-c", status)

        server.files.pipe_file(shard, second)
        assert "changed deps" in project.run("bash", "-c", status)
        project.run("bash", "-c", pull)
        assert project.read("shards/train/0.tar") == first
        project.run("bash", "-c", update)
        project.run("bash", "-c", pull)
        assert project.read("shards/train/0.tar") == second


def test_no_page_has_commands_that_no_test_runs() -> None:
    with_commands = {
        page.name for page in (ROOT / "docs").glob("*.md") if "```console" in page.read_text()
    }
    assert with_commands == {
        *("images.md", "ray.md", "shards.md", "versions.md", "when-something-goes-wrong.md")
    }
    headings = [
        section.partition("\n")[0] for section in FAULTS.split("\n## ") if "\n$ " in section
    ]
    run_by = (ROOT / "tests/pipeline/test_share_faults.py").read_text()
    assert set(headings) == set(re.findall(r'recipe\("([^"]+)"\)', run_by))


def test_the_table_is_that_of_the_reports() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", README, flags=re.MULTILINE)
    presets = load_params().presets
    shown = {name: cells.split(" | ") for name, cells in rows if name in presets}
    assert list(shown) == list(presets)
    for name, cells in shown.items():
        metrics = json.loads((ROOT / "reports/presets" / name / "metrics.json").read_text())
        expected = [
            ", ".join(f"{value:.4f}" for value in metrics[part][measure].values())
            for part in ("preset", "train", "test")
            for measure in ("mean", "std")
        ]
        assert cells == expected


def test_the_table_of_the_shift_is_that_of_the_report() -> None:
    shift = json.loads((ROOT / "reports/shift.json").read_text())
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", README, flags=re.MULTILINE)
    shown = {name: cells.split(" | ") for name, cells in rows if name in shift["p_value"]}
    assert len(shown) == 4
    for measure, cells in shown.items():
        ends = shift["interval_95"][measure]
        assert cells[:3] == [
            f"{value:.3f} ({ends['low'][channel]:.3f} to {ends['high'][channel]:.3f})"
            for channel, value in shift[measure].items()
        ]
        assert cells[3] == f"{shift['p_value'][measure]['any_channel']:.3f}"


@pytest.mark.parametrize(
    "page",
    ["README.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))],
)
def test_every_link_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text())
    assert links
    for link in links:
        assert ((ROOT / page).parent / link).exists(), link
