"""Every command of the pages runs as a reader types it, and prints what is shown below it.

The commands of the README run in a fresh shell, in a fresh clone, on real CIFAR-10. The pages on
CIFAR-10 go on from there. Every other page starts from a small project.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.download.ready_made.labelled import LabelledImages
from stages.shared.load_params import load_params
from tests import remotes
from tests.conftest import ROOT, Project
from tests.pages import ACTIVATE, ELSEWHERE, PAGES, README, blocks, commands, ready, run, sections
from tests.remotes import BUCKET, access

FAULTS = "when-something-goes-wrong"

# Pages that go on from the README and change nothing that Git keeps.
LOOKING = ("exports", "identify", "compare", "report", "pipeline")
# Pages that go on from there too, one after the other.
CHANGING = ("presets", "ci")
# Each has its own test below. Of the page FAULTS, only the sections in MENDED run here.
OTHERS = ("images", "ray", "shards", "share", "versions", FAULTS)
MENDED = {"A mistake in params.yaml"}

# Sections of the README that repeat commands of a page: these run on that page.
REPEATED = {
    "Your own images": "images",
    "Switch and compare presets": "presets",
    "Share": "share",
}
CLONED = ["git clone ADDRESS normstats", "cd normstats"]


@pytest.fixture(scope="module")
def made(
    checkout: Project, cifar10: dict[str, LabelledImages], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A clone where the README's commands have run in a new shell, except the REPEATED ones."""
    project = ready(checkout.clone_to(tmp_path_factory.mktemp("reader") / "normstats"))
    own = [text for heading, text in sections(README).items() if heading not in REPEATED]
    page = "\n".join(own).replace("\n$ ".join(["", *CLONED]), "")
    assert run(page, project, typed=()) == [
        "make",
        "make test",
        ACTIVATE,
        'python -m webbrowser "file://$PWD/reports/index.html"',
    ]
    return project


def test_the_readme_changes_no_committed_file(made: Project) -> None:
    assert [command for command, _ in commands(README)][:2] == CLONED
    assert made.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(("section", "page"), REPEATED.items())
def test_the_page_has_what_the_readme_repeats_of_it_in_the_same_order(
    section: str, page: str
) -> None:
    there = iter(commands(PAGES[page]))
    for command, shown in commands(sections(README)[section]):
        assert any(command == other and {*shown} <= {*lines} for other, lines in there), command


@pytest.mark.parametrize("page", LOOKING)
def test_every_command_of_a_page_on_cifar10_runs(page: str, made: Project) -> None:
    assert blocks(PAGES[page])
    run(PAGES[page], made)
    assert made.run("git", "status", "--porcelain") == ""


def test_every_command_on_presets_and_then_on_ci_runs(made: Project, tmp_path: Path) -> None:
    project = made.copy_to(tmp_path / "normstats")
    for page in CHANGING:
        run(PAGES[page], project)
    assert project.run("git", "status", "--porcelain") == ""


def test_every_command_on_sharing_runs(project: Project) -> None:
    assert {"make share REMOTE=../shared", "dvc push --run-cache"} <= {
        *run(PAGES["share"], ready(project))
    }


def test_every_command_on_versions_runs(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "--quiet", "--default", "store", str(tmp_path / "store"))
    project.commit()
    assert {"dvc push", "dvc init --quiet"} <= {*run(PAGES["versions"], ready(project))}
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


def test_every_command_on_images_runs(project: Project, tmp_path: Path) -> None:
    ready(project).environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    write_photos(tmp_path / "photos")
    assert {"make adopt DATA=~/photos", "dvc repro"} <= {*run(PAGES["images"], project)}
    assert project.run("git", "status", "--porcelain") == ""


def test_every_command_on_ray_runs(checkout: Project, tmp_path: Path) -> None:
    assert len(run(PAGES["ray"], ready(checkout.clone_to(tmp_path / "clone")))) == 1


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
        make, note, add, status, update, pull = (
            command.replace("s3://bucket/", f"s3://{BUCKET}/")
            for command, _ in commands(PAGES["shards"])
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


def test_every_command_on_a_mistake_in_params_runs(project: Project) -> None:
    for heading in MENDED:
        assert run(sections(PAGES[FAULTS])[heading], ready(project))


def test_no_page_has_commands_that_no_test_runs() -> None:
    assert {*LOOKING, *CHANGING, *OTHERS} == {
        name for name, page in PAGES.items() if "```console" in page or "```python" in page
    }
    for command, test in ELSEWHERE.items():
        assert command in (ROOT / test).read_text()
    run_by = (ROOT / "tests/pipeline/test_share_faults.py").read_text()
    assert {*re.findall(r'recipe\("([^"]+)"\)', run_by)} == {
        heading for heading, text in sections(PAGES[FAULTS]).items() if commands(text)
    } - MENDED


def test_commands_are_only_in_blocks_that_run() -> None:
    for page in README, *PAGES.values():
        languages = {
            language for language, block in blocks(page) if re.search(r"^\$ ", block, re.M)
        }
        assert languages <= {"console"}


def test_the_readme_is_short_and_names_every_page() -> None:
    assert len(README.splitlines()) <= 150
    for name in PAGES:
        assert f"](docs/{name}.md)" in sections(README)["Pages"]


def test_the_table_of_presets_has_the_numbers_of_the_reports() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGES["presets"], flags=re.MULTILINE)
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


def test_the_table_of_the_shift_has_the_numbers_of_the_report() -> None:
    shift = json.loads((ROOT / "reports/shift.json").read_text())
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGES["compare"], flags=re.MULTILINE)
    shown = {name: cells.split(" | ") for name, cells in rows if name in shift["p_value"]}
    assert len(shown) == 4
    for measure, cells in shown.items():
        ends = shift["interval_95"][measure]
        assert cells[:3] == [
            f"{value:.3f} ({ends['low'][channel]:.3f} to {ends['high'][channel]:.3f})"
            for channel, value in shift[measure].items()
        ]
        assert cells[3] == f"{shift['p_value'][measure]['any_channel']:.3f}"


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}.md" for name in PAGES)])
def test_every_link_leads_to_a_file_or_a_heading(page: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text())
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings]
