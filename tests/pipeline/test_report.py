"""The report as a file: whole, the same everywhere, and clear about what it cannot read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stages.report import vega
from stages.shared.load_params import load_params
from tests.conftest import ROOT, Project, random_images

PAGE = "reports/index.html"
WRITTEN = (PAGE, "reports/plots/shift.json", "reports/plots/classes.json")


def test_the_same_bytes_again_and_elsewhere(reproduced: Project, tmp_path: Path) -> None:
    elsewhere = reproduced.copy_to(tmp_path / "a" / "longer path" / "normstats")
    elsewhere.environment |= {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    for name in WRITTEN:
        (elsewhere.path / name).unlink()
    elsewhere.stage("report")
    for name in WRITTEN:
        assert elsewhere.read(name) == reproduced.read(name)


def test_the_page_has_the_presets_of_params(project: Project) -> None:
    folder = project.path / "reports" / "presets"
    shutil.copytree(folder / "half", folder / "removed_since")
    project.edit_params(lambda params: params["presets"].pop("imagenet"))
    project.stage("report")
    shown = re.findall(r"<dt><code>(\w+)</code>", project.read(PAGE).decode())
    assert shown == ["to_tensor", "half", "dataset_image_std", "dataset_pixel_std"]


def test_a_folder_of_a_user_is_not_titled_as_a_dataset_of_that_name(project: Project) -> None:
    assert b"<title>CIFAR-10 normalization</title>" in project.read(PAGE)
    project.edit_params(lambda params: params["dataset"].update(download=[]))
    project.stage("report")
    assert b"<title>cifar10 normalization</title>" in project.read(PAGE)


def test_a_measure_without_a_finite_value_is_a_dash(project: Project) -> None:
    path = project.path / "reports" / "shift.json"
    shift = json.loads(path.read_bytes())
    nothing = dict.fromkeys(("red", "green", "blue"))
    shift["std_ratio"] = shift["design_effect"] = shift["image_mean_cohens_d"] = nothing
    shift["interval_95"]["std_ratio"] = {"low": nothing, "high": nothing}
    shift["p_value"]["std_ratio"] = {**nothing, "any_channel": None}
    path.write_text(json.dumps(shift))
    project.stage("report")
    page = project.read(PAGE).decode()
    assert page.count("<td><b>–</b><small>– to –</small><small>p –</small></td>") == 3
    assert page.count("<td><b>–</b></td>") == 3


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("reports/shift.json", Path.unlink, "not there; run `dvc repro`"),
        ("reports/shift.json", lambda p: p.write_text("{"), "damaged"),
        ("reports/shift.json", lambda p: p.write_text('{"images": {}}'), "damaged"),
        ("reports/presets/half/details.json", lambda p: p.write_text("[]"), "damaged"),
        ("reports/presets/half/normalization.json", Path.unlink, "not there"),
        ("reports/samples.json", lambda p: p.write_text('{"train": {}}'), "damaged"),
        (
            "reports/inventory.json",
            lambda p: p.write_text(p.read_text().replace('"images"', '"noted": [], "images"', 1)),
            "damaged (train.noted: ",
        ),
        ("data/statistics/train.npz", Path.unlink, "no statistics there"),
        ("plots/shift.json", Path.unlink, "git restore plots/shift.json"),
        ("plots/scripts.html", Path.unlink, "git restore plots/scripts.html"),
    ],
)
def test_an_unreadable_file_is_one_readable_error(
    project: Project, name: str, change: Change, expected: str
) -> None:
    change(project.path / name)
    error = project.stage("report", expect=1)
    assert error.startswith(f"error: {name}: ")
    assert expected in error
    assert error.count("\n") == 1


def test_a_report_of_other_statistics_is_refused_until_it_is_made_again(project: Project) -> None:
    page = project.read(PAGE)
    project.write_images("train", random_images(60, seed=9))
    project.stage("measure", "train")
    of = [f"reports/presets/{name}/details.json" for name in load_params().presets]
    stale = ", ".join(["reports/shift.json", "reports/samples.json", *of])
    remedy = "made from other statistics than those in data/statistics; run `dvc repro`"
    assert project.stage("report", expect=1) == f"error: {stale}: {remedy}\n"
    assert project.read(PAGE) == page
    project.stage("sample")
    project.stage("normalize", "half")
    stale = ", ".join(["reports/shift.json", *(path for path in of if "half" not in path)])
    assert project.stage("report", expect=1) == f"error: {stale}: {remedy}\n"


def test_an_inventory_of_another_number_of_images_is_refused(project: Project) -> None:
    path = project.path / "reports/inventory.json"
    path.write_text(path.read_text().replace('"images": 20', '"images": 21'))
    assert project.stage("report", expect=1).startswith(
        "error: reports/inventory.json, reports/quarantine.json: made from other statistics"
    )


def test_the_plots_are_those_of_dvc_plots() -> None:
    """The page gives the templates the same columns and words as dvc.yaml does."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    plots = {
        name: {key: value for key, value in properties.items() if key != "cache"}
        for plot in stages["report"]["plots"]
        for name, properties in plot.items()
    }
    assert plots["reports/plots/shift.json"] == vega.SHIFT
    assert plots["reports/plots/classes.json"] == vega.CLASSES
