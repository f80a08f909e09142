"""The report as a file: whole, the same everywhere, and clear about what it cannot read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stages.files.report import vega
from tests.conftest import ROOT, Project

PAGE = "reports/index.html"
WRITTEN = (PAGE, "reports/plots/shift.json", "reports/plots/classes.json")


def test_the_same_bytes_twice_and_elsewhere(reproduced: Project, tmp_path: Path) -> None:
    first = reproduced.copy_to(tmp_path / "first")
    second = reproduced.copy_to(tmp_path / "a" / "longer path" / "second")
    second.environment |= {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    written = []
    for project in (first, first, second):
        project.stage("report")
        written.append([project.read(name) for name in WRITTEN])
    assert written[0] == written[1] == written[2]


def test_the_presets_are_those_of_params(project: Project) -> None:
    folder = project.path / "reports" / "presets"
    shutil.copytree(folder / "half", folder / "removed_since")
    project.edit_params(lambda params: params["presets"].pop("imagenet"))
    project.stage("report")
    shown = re.findall(r'id="distribution-(\w+)"', project.read(PAGE).decode())
    assert shown == ["to_tensor", "half", "dataset_image_std", "dataset_pixel_std"]


def test_measures_without_a_finite_value_are_shown_as_such(
    project: Project,
) -> None:
    """What compare gives as null is a dash in the tables and no mark in the plots."""
    path = project.path / "reports" / "shift.json"
    shift = json.loads(path.read_bytes())

    def without_numbers(content: object) -> object:
        if isinstance(content, dict):
            return {key: without_numbers(value) for key, value in content.items()}
        return None

    for measure in ("mean_stds", "std_ratio", "wasserstein_stds"):
        shift[measure] = without_numbers(shift[measure])
        for part in ("interval_95", "p_value"):
            shift[part][measure] = without_numbers(shift[part][measure])
    for measure in ("design_effect", "image_mean_cohens_d", "image_std_cohens_d"):
        shift[measure] = without_numbers(shift[measure])
    path.write_text(json.dumps(shift))
    project.stage("report")


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("reports/shift.json", Path.unlink, "not there; run `dvc repro`"),
        ("reports/check.json", lambda p: p.write_text("{"), "damaged"),
        ("reports/shift.json", lambda p: p.write_text('{"images": {}}'), "expected the keys"),
        ("reports/presets/half/details.json", lambda p: p.write_text("[]"), "expected the keys"),
        ("reports/presets/half/distribution.json", Path.unlink, "not there"),
        ("reports/published/normalization.json", Path.unlink, "not there"),
        ("data/cifar10/test/images.npy", lambda p: p.write_bytes(b"\x93NUMPY"), "not a whole"),
        ("data/statistics/train.npz", Path.unlink, "no statistics there"),
        (".dvc/plots/shift.json", Path.unlink, "git restore .dvc/plots/shift.json"),
        (".dvc/plots/scripts.html", Path.unlink, "git restore .dvc/plots/scripts.html"),
    ],
)
def test_what_cannot_be_read_is_one_readable_error(
    project: Project, name: str, change: Change, expected: str
) -> None:
    change(project.path / name)
    error = project.stage("report", expect=1)
    assert error.startswith(f"error: {name}: ")
    assert expected in error
    assert error.count("\n") == 1


def test_the_plots_are_those_of_dvc_plots() -> None:
    """The page gives the templates the same columns and words as dvc.yaml does."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    plots = {
        name: {key: value for key, value in properties.items() if key != "cache"}
        for stage in (stages["report"], stages["normalize"]["do"])
        for plot in stage["plots"]
        for name, properties in plot.items()
    }
    distribution = plots["reports/presets/${key}/distribution.json"]
    assert distribution == {**vega.DISTRIBUTION, "title": "${key}"}
    assert plots["reports/plots/shift.json"] == vega.SHIFT
    assert plots["reports/plots/classes.json"] == vega.CLASSES
