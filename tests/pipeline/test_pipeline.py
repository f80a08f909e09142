"""The pipeline as a user has it: what `dvc repro` runs, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from stages.download.ready_made.labelled import LabelledImages
from stages.images.listing import walk
from tests.conftest import Params, Project, random_images

PRESETS = ["to_tensor", "half", "imagenet", "dataset_image_std", "dataset_pixel_std"]


def darker_half(params: Params) -> None:
    params["presets"]["half"] = {"mean": [0.4, 0.4, 0.4], "std": [0.5, 0.5, 0.5]}


def choose(preset: str) -> Callable[[Params], object]:
    return lambda params: params.update(preset=preset)


def limit(**limits: float) -> Callable[[Params], object]:
    return lambda params: params.update(limits=limits)


def use_device(device: str) -> Callable[[Params], object]:
    return lambda params: params["measure"].update(device=device)


def metrics(project: Project) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json"))
    return {path: file["data"] for path, file in shown[""]["data"].items()}


def test_a_second_repro_runs_nothing(project: Project) -> None:
    assert project.repro() == []


def test_editing_a_preset_runs_its_normalize_and_undoing_it_draws_the_report_alone(
    project: Project,
) -> None:
    before = project.read("reports/presets/half/metrics.json")
    project.edit_params(darker_half)
    assert project.repro() == ["normalize@half", "report"]
    assert project.read("reports/presets/half/metrics.json") != before
    project.run("git", "checkout", "--quiet", "params.yaml")
    assert project.repro() == ["report"]
    assert project.run("git", "status", "--porcelain") == ""


def test_editing_the_chosen_preset_publishes_and_exports_it(project: Project) -> None:
    project.edit_params(choose("half"))
    assert project.repro() == ["report", "publish", "export"]
    project.edit_params(darker_half)
    assert project.repro() == ["normalize@half", "report", "publish", "export"]
    published = json.loads(project.read("reports/published/normalization.json"))
    assert published == {"mean": [0.4, 0.4, 0.4], "std": [0.5, 0.5, 0.5]}
    assert json.loads(project.read("data/exports/timm.json")) == published


def test_adding_a_preset_adds_one_stage(project: Project) -> None:
    preset = {"mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]}
    project.edit_params(lambda params: params["presets"].update(mine=preset))
    assert project.repro() == ["normalize@mine", "report"]
    assert "reports/presets/mine/metrics.json" in metrics(project)


def test_removing_a_preset_leaves_it_in_no_list(project: Project) -> None:
    project.edit_params(lambda params: params["presets"].pop("half"))
    assert project.repro() == ["report"]
    assert "<code>half</code>" not in project.read("reports/index.html").decode()
    assert "reports/presets/half/metrics.json" not in metrics(project)
    assert "half" not in project.run("dvc", "stage", "list")
    assert "half" not in project.run("dvc", "status")
    assert "WARNING" not in project.run("dvc", "plots", "show")
    assert "presets_half" not in project.read("dvc_plots/index.html").decode()


@pytest.mark.parametrize("preset", ["imagenet", "dataset_image_std"])
def test_switching_the_preset_normalizes_nothing(project: Project, preset: str) -> None:
    project.edit_params(choose(preset))
    assert project.repro() == ["report", "publish", "export"]
    for name in ("metrics.json", "normalization.json"):
        assert project.read(f"reports/published/{name}") == project.read(
            f"reports/presets/{preset}/{name}"
        )


def test_metrics_diff_compares_two_settings(project: Project) -> None:
    project.run("dvc", "exp", "run", "--quiet", "--set-param", "preset=imagenet")
    assert project.run("git", "diff", "--numstat", "params.yaml").split()[:2] == ["1", "1"]
    diff = json.loads(project.run("dvc", "metrics", "diff", "--json"))
    assert list(diff) == ["reports/published/metrics.json"]
    changes = diff["reports/published/metrics.json"]
    all_metrics = metrics(project)
    for channel, mean in zip(("red", "green", "blue"), (0.485, 0.456, 0.406), strict=True):
        change = changes[f"preset.mean.{channel}"]
        own = all_metrics["reports/presets/dataset_pixel_std/metrics.json"]
        assert change["new"] == mean
        assert change["old"] == own["preset"]["mean"][channel]


def test_plots_diff_draws_the_published_preset_before_and_after(project: Project) -> None:
    project.edit_params(choose("half"))
    project.repro()
    shown = json.loads(project.run("dvc", "plots", "diff", "--json"))["data"]
    (plot,) = shown["reports/published/distribution.json"]
    values = {
        rev: [row["value"] for row in plot["content"]["data"]["values"] if row["rev"] == rev]
        for rev in plot["revisions"]
    }
    assert (min(values["workspace"]), max(values["workspace"])) == (-1, 1)
    assert values["HEAD"] != values["workspace"]


def test_metrics_are_24_numbers_a_preset(project: Project) -> None:
    shown = metrics(project)
    del shown["reports/inventory.json"]
    assert sorted(shown) == sorted(
        [f"reports/presets/{preset}/metrics.json" for preset in PRESETS]
        + ["reports/published/metrics.json"]
    )
    keys = [
        (part, measure, channel)
        for part in ("preset", "train", "test", "gap")
        for measure in ("mean", "std")
        for channel in ("red", "green", "blue")
    ]
    for content in shown.values():
        flat = [(a, b, c) for a in content for b in content[a] for c in content[a][b]]
        assert flat == keys


def test_params_that_cannot_change_a_result_run_nothing(project: Project) -> None:
    def change(params: Params) -> None:
        params["measure"] = {"device": "cpu", "batch_images": 17}
        params["dataset"]["sources"] = ["npm", "zenodo"]

    project.edit_params(change)
    assert project.repro() == []


def test_the_batch_size_does_not_show_in_the_lock(project: Project) -> None:
    before = project.read("dvc.lock")
    project.edit_params(lambda params: params["measure"].update(batch_images=1))
    project.redo("measure")
    assert project.read("dvc.lock") == before
    project.run("git", "checkout", "--quiet", "params.yaml")
    assert project.run("git", "status", "--porcelain") == ""


def test_another_seed_compares_again_and_going_back_does_not(project: Project) -> None:
    before = project.read("reports/shift.json")
    project.edit_params(lambda params: params["compare"].update(seed=1))
    assert project.repro() == ["compare", "check", "report", "publish"]
    assert project.read("reports/shift.json") != before
    project.run("git", "checkout", "--quiet", "params.yaml")
    assert project.repro() == ["report"]
    assert project.run("git", "status", "--porcelain") == ""


def test_a_broken_limit_stops_publish_with_a_table(project: Project) -> None:
    value = json.loads(project.read("reports/shift.json"))["wasserstein_levels"]
    project.edit_params(limit(wasserstein_levels=value["red"], psi=255))
    too_far = [channel for channel in value if value[channel] > value["red"]]
    assert too_far, "red is the farthest apart in these random images: choose other seeds"
    output = project.run("dvc", "repro", expect=255)
    _, error = output.split("error: ")
    assert error.startswith(f"{len(too_far)} of 6 limits are broken, so nothing is published:")
    rows = [line.split() for line in error.splitlines() if line.startswith("wasserstein")]
    assert [row[:2] for row in rows] == [["wasserstein_levels", channel] for channel in too_far]
    assert not (project.path / "reports/published/metrics.json").exists()
    check = json.loads(project.read("reports/check.json"))
    assert not check["passed"]
    for channel in value:
        held = {"value": value[channel], "limit": value["red"], "holds": channel not in too_far}
        assert check["limits"]["wasserstein_levels"][channel] == held


def test_an_edited_limit_runs_check_alone_for_a_verdict(project: Project) -> None:
    project.edit_params(limit(wasserstein_levels=255))
    assert project.repro() == ["check", "report", "publish"]
    assert "within all 3 limits" in project.stage("check")
    project.edit_params(limit())
    assert project.repro() == ["check", "report", "publish"]


@pytest.mark.cuda
def test_the_device_does_not_show_in_the_lock(project: Project) -> None:
    before = project.read("dvc.lock")
    for device in ("cpu", "cuda"):
        project.edit_params(use_device(device))
        project.redo("measure")
        assert project.read("dvc.lock") == before


def test_the_committed_lock_is_what_the_code_gives_on_cifar10(
    checkout: Project, cifar10: dict[str, LabelledImages], tmp_path: Path
) -> None:
    """In a fresh clone, with no cache: the same lock and the same reports, byte for byte."""
    project = checkout.copy_to(tmp_path / "normstats")
    ran = project.repro()
    assert ran[:3] == ["download@cifar10", "measure@train", "measure@test"]
    project.redo("compare", "check", "normalize", "report", "publish", "export")
    assert project.run("git", "status", "--porcelain") == ""


def test_a_changed_room_re_runs_only_the_stages_that_import_from_it(project: Project) -> None:
    with (project.path / "stages/normalize/results.py").open("r+") as module:
        content = module.read()
        module.seek(0)
        module.write(f"# a change\n{content}")
    assert project.repro() == [f"normalize@{preset}" for preset in PRESETS]


def test_changed_images_are_measured_again(project: Project) -> None:
    project.write_images("test", random_images(20, seed=2))
    project.run("dvc", "commit", "--force", "--quiet", "download")
    ran = project.repro()
    normalized = [f"normalize@{preset}" for preset in PRESETS]
    others = ["measure@test", "sample", "compare", "check", "publish", "report"]
    assert sorted(ran) == sorted(others + normalized)


def test_a_larger_dvc_project_draws_the_report_and_the_plots(
    project: Project, tmp_path: Path
) -> None:
    """This project is a folder of it, without its own `.dvc`."""
    larger = Project(tmp_path / "larger", project.environment)
    ours = Project(larger.path / "normstats", project.environment)
    larger.path.mkdir()
    project.path.rename(ours.path)
    for name in (".git", ".dvc"):
        (ours.path / name).rename(larger.path / name)
    larger.run("dvc", "config", "plots.html_template", "../normstats/plots/page.html")
    before = ours.read("reports/index.html")
    ours.redo("report")
    assert ours.read("reports/index.html") == before
    ours.run("dvc", "plots", "show")
    page = ours.read("dvc_plots/index.html")
    assert b"presets_half_distribution" in page
    assert (ours.path / "plots/scripts.html").read_bytes() in page


# What measure leaves out of a folder of images, and what it would try to measure.
HIDDEN = (".DS_Store", "Thumbs.db", ".ipynb_checkpoints/a.png", ".a.png.swp", ".a.png.un~", ".#a")
SHOWN = ("a.png~", "#a.png#")


def test_leftovers_of_editors_and_systems_make_nothing_stale(project: Project) -> None:
    folders = {
        "stages/shared": HIDDEN + SHOWN,
        "stages/report/templates": HIDDEN + SHOWN,
        "reports/presets/half": HIDDEN + SHOWN,
        "data/cifar10/train": HIDDEN,
    }
    for folder, names in folders.items():
        for name in names:
            path = project.path / folder / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
    assert project.repro() == []
    assert project.run("git", "status", "--porcelain") == ""


def test_dvc_sees_exactly_the_files_that_are_measured(project: Project) -> None:
    folder = project.path / "data/photos/train"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    for name in HIDDEN + SHOWN:
        (folder / name).touch()
    assert {file.name for file in walk(folder)} == set(SHOWN)
    project.run("dvc", "add", "--quiet", str(folder))
    assert yaml.safe_load((folder.parent / "train.dvc").read_text())["outs"][0]["nfiles"] == 2


def test_a_killed_measure_leaves_nothing_and_runs_again(project: Project) -> None:
    good = project.read("data/statistics/train.npz")
    (project.path / "data/statistics/train.npz").unlink()
    images = np.load(project.path / "data/cifar10/train/images.npy")
    project.write_images("train", np.tile(images, (2000, 1, 1, 1)))
    project.edit_params(lambda params: params["measure"].update(batch_images=1))
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.measure", "train"],
        cwd=project.path,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stderr is not None
        assert process.stderr.read(len("\rmeasure train")) == b"\rmeasure train"
        process.kill()
    assert process.returncode == -9
    assert not list((project.path / "data/statistics").glob("train*"))
    project.write_images("train", images)
    project.stage("measure", "train")
    assert project.read("data/statistics/train.npz") == good
