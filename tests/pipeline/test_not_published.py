"""If a limit is broken, nothing is published, and the page of the same run says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browser import DESKTOP, PHONE, needs_chromium, opened
from tests.conftest import Params, Project, random_images

PAGE = "reports/index.html"
HANDED_OUT = ("reports/published", "data/exports")
CHANNELS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def brighter(reproduced: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A published project with another dataset, whose test images are far brighter.

    It is reproduced, which stops at `publish`. No test changes it.
    """
    project = reproduced.copy_to(tmp_path_factory.mktemp("brighter") / "normstats")
    project.write_images("train", random_images(60, seed=2) // 2)
    project.write_images("test", random_images(20, seed=3) // 2 + 128)
    project.run("dvc", "commit", "--force", "--quiet", "download")
    output = project.run("dvc", "repro", expect=255)
    (project.path / "output.txt").write_text(output)
    return project


@pytest.fixture
def changed(brighter: Project, tmp_path: Path) -> Project:
    return brighter.copy_to(tmp_path / "normstats")


def train_means(project: Project) -> list[str]:
    images = np.load(project.path / "data/cifar10/train/images.npy")
    return [f"{mean:.4f}" for mean in images.mean(axis=(0, 2, 3)) / 255]


def constants_of(page: str) -> list[str]:
    table = re.findall(r'<table class="constants">.*?</table>', page, flags=re.DOTALL)
    assert len(table) == 1
    return re.findall(r"<td>([\d.]+)</td>", table[0])


def test_the_run_ends_at_publish_with_the_verdict_of_check(brighter: Project) -> None:
    output = (brighter.path / "output.txt").read_text()
    ran = re.findall(r"^Running stage '(.*)'", output, flags=re.MULTILINE)
    assert ran[-2:] == ["report", "publish"]
    # It would bring back what was published before.
    assert "git restore" not in output
    assert brighter.stage("check", expect=1) in output


def test_nothing_of_the_dataset_before_is_left_to_use(brighter: Project) -> None:
    for folder in HANDED_OUT:
        assert [path for path in (brighter.path / folder).rglob("*") if path.is_file()] == []


def test_nor_where_the_new_dataset_cannot_be_measured(project: Project) -> None:
    for split in ("train", "test"):
        (project.path / "data/own" / split).mkdir(parents=True)
        (project.path / "data/own" / split / "damaged.png").write_bytes(b"no picture")
    project.edit_params(lambda params: params["dataset"].update(root="data/own", download=[]))
    output = project.run("dvc", "repro", expect=255)
    assert "reports/published and data/exports: removed" in output
    assert "damaged.png" in output
    assert not any((project.path / folder).exists() for folder in HANDED_OUT)


def test_every_preset_is_applied_whatever_the_limits(brighter: Project) -> None:
    presets = [path.parent for path in brighter.path.glob("reports/presets/*/details.json")]
    assert len(presets) == 5
    constants = json.loads(brighter.read("reports/presets/dataset_pixel_std/normalization.json"))
    assert [f"{mean:.4f}" for mean in constants["mean"]] == train_means(brighter)


def test_the_page_of_that_run_says_so_and_shows_what_was_measured(
    brighter: Project, reproduced: Project
) -> None:
    page = brighter.read(PAGE).decode()
    assert constants_of(page)[:3] == train_means(brighter)
    assert not {*train_means(reproduced)} & {*constants_of(page)}
    assert "<title>CIFAR-10 normalization, not published</title>" in page
    assert "6 of 9 limits broken" in page
    for handed_out in (
        '<button type="button"',
        "<h2>Published",
        "<small>published",
        "v2.Normalize",
    ):
        assert handed_out in reproduced.read(PAGE).decode()
        assert handed_out not in page


def test_the_page_drawn_by_hand_is_the_same(changed: Project) -> None:
    page = changed.read(PAGE)
    (changed.path / PAGE).unlink()
    changed.stage("report")
    assert changed.read(PAGE) == page


def test_the_error_comes_again_until_it_is_mended_and_then_all_is_published(
    changed: Project,
) -> None:
    output = changed.run("dvc", "repro", expect=255)
    assert re.findall(r"Running stage '(.*)'", output) == ["publish"]
    assert "6 of 9 limits are broken" in output

    def allow(params: Params) -> None:
        params["limits"] |= {"wasserstein_stds": 10, "psi": 100}

    changed.edit_params(allow)
    assert changed.repro() == ["check", "report", "publish", "export"]
    published = json.loads(changed.read("reports/published/normalization.json"))
    assert [f"{mean:.4f}" for mean in published["mean"]] == train_means(changed)
    assert json.loads(changed.read("data/exports/timm.json")) == published
    assert "<title>CIFAR-10 normalization</title>" in changed.read(PAGE).decode()


def test_going_back_publishes_again_what_was_there(project: Project) -> None:
    before = {path: path.read_bytes() for path in project.path.glob("data/exports/*")}
    project.edit_params(lambda params: params["limits"].update(psi=0))
    project.run("dvc", "repro", expect=255)
    assert not (project.path / "data/exports").exists()
    project.run("git", "checkout", "--quiet", "params.yaml")
    project.repro()
    assert {path: path.read_bytes() for path in project.path.glob("data/exports/*")} == before
    assert project.run("git", "status", "--porcelain") == ""


def test_dvc_works_on_where_nothing_is_published(changed: Project) -> None:
    diff = changed.run("dvc", "metrics", "diff")
    assert "\nreports/presets/half/metrics.json " in diff
    rows = re.findall(r"^reports/published/metrics.json .*", diff, flags=re.MULTILINE)
    assert [row.split()[-2:] for row in rows] == [["-", "-"]] * 24
    shown = changed.run("dvc", "metrics", "show").splitlines()
    assert [set(line.split()[1:]) for line in shown if "published" in line] == [{"-"}]
    output = changed.run("dvc", "repro", "--single-item", "export", expect=255)
    assert "reports/published/normalization.json" in output
    output = changed.run("dvc", "exp", "run", "--set-param", "preset=half", expect=255)
    assert re.findall(r"Running stage '(.*)'", output) == ["validate", "report", "publish"]
    assert "6 of 9 limits are broken" in output
    assert "<code>half</code></h2>" in changed.read(PAGE).decode()


@needs_chromium
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_head_has_the_verdict_and_the_limits_and_nothing_to_copy(
    brighter: Project, browser: Browser, width: int
) -> None:
    with opened(browser, brighter.path / PAGE, width=width) as it:
        assert it.console == []
        assert it.page.evaluate("document.documentElement.scrollWidth") == width
        head = it.page.locator("main > section").first
        assert head.locator("h2").inner_text() == "Not published: dataset_pixel_std"
        assert "6 of 9 limits broken" in head.inner_text()
        assert head.locator("table.limits .bad").count() == 6
        assert it.page.locator("button[data-copies]").count() == 0
        assert it.page.locator("table.limits").count() == 1
