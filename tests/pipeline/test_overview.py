"""What `make` ends with: one screen, with the numbers of the reports and nothing cut off."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from stages.shared.load_params import load_params
from tests.conftest import ROOT, Project

LONG = "constants_of_a_model_that_somebody_trained_years_ago_on_other_images"
HUGE = 123456789.125


def test_the_screen_has_the_numbers_of_every_preset_in_80_columns() -> None:
    """The committed reports, of CIFAR-10."""
    screen = Project(ROOT).stage("overview")
    assert max(map(len, screen.splitlines())) <= 80
    words = screen.replace("−", "-").split()
    for preset in load_params().presets:
        assert words.count(preset) == 1
        path = ROOT / "reports/presets" / preset / "metrics.json"
        metrics = json.loads(path.read_text())
        for channel in "red", "green", "blue":
            row = [
                f"{metrics[part][of][channel] + 0.0:.4f}"
                for part in ("preset", "train", "test")
                for of in ("mean", "std")
            ]
            start = next(i for i in range(len(words)) if words[i : i + 6] == row)
            assert channel in words[start - 2 : start]  # between them may be "published"
    assert re.search(r"^dataset_pixel_std .*\npublished ", screen, flags=re.MULTILINE)
    assert screen.count("published") == 1
    assert "The shift is negligible in size" in screen
    assert "All 9 limits hold." in screen


def test_a_long_name_and_a_large_number_are_folded_and_not_cut(
    gray: Project, tmp_path: Path
) -> None:
    project = gray.copy_to(tmp_path / "normstats")

    def add(params: dict[str, Any]) -> None:
        params["presets"][LONG] = {"mean": [HUGE], "std": [1]}

    project.edit_params(add)
    project.stage("normalize", LONG)
    screen = project.stage("overview")
    assert max(map(len, screen.splitlines())) <= 80
    assert "…" not in screen
    assert LONG in "".join(line.split(" ")[0] for line in screen.splitlines())
    assert " 123456789.1" in screen  # and the last digits below it


def test_a_preset_behind_a_broken_limit_is_not_called_published(
    gray: Project, tmp_path: Path
) -> None:
    project = gray.copy_to(tmp_path / "normstats")
    project.edit_params(lambda params: params["limits"].update(psi=0))
    project.stage("check", "--record")
    screen = project.stage("overview")
    assert re.search(r"^dataset_pixel_std .*\nnot published", screen, flags=re.MULTILINE)
    assert "1 of 2 limits broken." in screen


def test_without_reports_it_says_what_to_do(checkout: Project, tmp_path: Path) -> None:
    project = checkout.copy_to(tmp_path / "normstats")
    (project.path / "reports/shift.json").unlink()
    assert "run `dvc repro`" in project.stage("overview", expect=1)
