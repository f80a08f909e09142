"""Gray images through the whole pipeline, from `dvc repro` to the page and the errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browser import (
    DESKTOP,
    PHONE,
    drawn_pixels,
    marks,
    needs_chromium,
    opened,
    unfold,
)
from tests.conftest import Project

PRESETS = ("to_tensor", "half", "dataset_image_std", "dataset_pixel_std")


@pytest.fixture
def changed(gray: Project, tmp_path: Path) -> Project:
    """A reproduced project that a test may change."""
    return gray.copy_to(tmp_path / "normstats")


def pixels(project: Project, split: str) -> np.ndarray[Any, Any]:
    images: np.ndarray[Any, Any] = np.load(project.path / f"data/cifar10/{split}/images.npy")
    return images


def read(project: Project, path: str) -> Any:
    return json.loads(project.read(f"reports/{path}"))


@pytest.mark.parametrize("preset", PRESETS)
def test_metrics_are_8_numbers_a_preset_and_equal_numpys(gray: Project, preset: str) -> None:
    """By hand, from the pixels. A fitted std is of all pixels, or the mean of the images' stds."""
    train, test = (pixels(gray, split) / 255 for split in ("train", "test"))
    mean, std = {
        "to_tensor": (0, 1),
        "half": (0.5, 0.5),
        "dataset_image_std": (train.mean(), train.std(axis=(1, 2, 3)).mean()),
        "dataset_pixel_std": (train.mean(), train.std()),
    }[preset]
    expected = {
        "preset": {"mean": mean, "std": std},
        "train": {"mean": (train.mean() - mean) / std, "std": train.std() / std},
        "test": {"mean": (test.mean() - mean) / std, "std": test.std() / std},
    }
    expected["gap"] = {of: expected["test"][of] - expected["train"][of] for of in ("mean", "std")}
    found = read(gray, f"presets/{preset}/metrics.json")
    assert found.keys() == expected.keys()
    for part, measures in expected.items():
        assert found[part].keys() == measures.keys()
        for measure, value in measures.items():
            assert found[part][measure] == {"gray": pytest.approx(value, abs=1e-12)}


def test_a_limit_holds_for_the_one_channel(gray: Project) -> None:
    psi = read(gray, "shift.json")["psi"]
    assert list(psi) == ["gray"]
    assert read(gray, "check.json")["limits"]["psi"] == {
        "gray": {"value": psi["gray"], "limit": 0.1, "holds": True}
    }


def test_one_mean_and_one_std_are_published(gray: Project) -> None:
    train = pixels(gray, "train") / 255
    published = read(gray, "published/normalization.json")
    assert published == {
        "mean": [pytest.approx(train.mean())],
        "std": [pytest.approx(train.std())],
    }
    assert json.loads(gray.read("data/exports/timm.json")) == published


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("0.5", "0.5 equals nothing measured here; closest is the mean of all "),
        ("[0.1307], [0.3081]", "published as the std of MNIST."),
        ("dataset_pixel_std", "equals the std of all train pixels to all "),
    ],
)
def test_a_constant_of_gray_images_is_identified(gray: Project, words: str, expected: str) -> None:
    output = gray.stage("identify", *words.split())
    assert expected in " ".join(output.split())
    assert max(len(line) for line in output.splitlines() if "https://" not in line) <= 100


def test_a_constant_of_three_channels_is_refused(gray: Project) -> None:
    assert gray.stage("identify", "0.2023", "0.1994", "0.2010", expect=1) == (
        "error: expected 1 number (a mean or a std), 2 numbers (a mean, then a std) or the name of "
        "a preset, found 3 words: 0.2023 0.1994 0.2010\n"
    )


def test_a_preset_of_other_channels_is_refused(changed: Project) -> None:
    preset = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    changed.edit_params(lambda params: params["presets"].update(imagenet=preset))
    error = (
        "error: presets.imagenet in params.yaml: expected 1 number (gray) in mean and in std, one "
        "for each channel of the images, found 3; write 1 number, or remove the preset\n"
    )
    assert changed.stage("normalize", "imagenet", expect=1) == error
    assert changed.stage("identify", "imagenet", expect=1) == error


def test_a_limit_of_other_channels_is_refused(changed: Project) -> None:
    changed.edit_params(lambda params: params["limits"].update(psi={"gray": 0.1, "red": 0.1}))
    assert changed.stage("check", expect=1) == (
        "error: limits.psi in params.yaml: expected limits of gray, the channels of the images, "
        "found red; name those, or write one number for every channel\n"
    )


def test_a_report_of_other_channels_is_refused(changed: Project, reproduced: Project) -> None:
    details = "reports/presets/half/details.json"
    (changed.path / details).write_bytes(reproduced.read(details))
    assert changed.stage("report", expect=1) == (
        f"error: {details}: made from other statistics than those in data/statistics; run "
        "`dvc repro`\n"
    )


@needs_chromium
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_page_has_one_channel(gray: Project, browser: Browser, width: int) -> None:
    with opened(browser, gray.path / "reports/index.html", width=width) as it:
        unfold(it.page)
        assert it.console == []
        assert it.page.evaluate("document.documentElement.scrollWidth") == width
        heads = it.page.locator("thead tr:last-child")
        assert [row.inner_text().split() for row in heads.all()] == [
            ["gray"],
            [*["train", "test"] * len(PRESETS)],
            ["test", "against", "train", "gray"],
            ["measure", "gray"],
            ["train", "test", "gray", "gray"],
        ]
        for table in it.page.locator("table").all():
            columns = table.evaluate(
                """table => [table.rows[0], ...table.tBodies[0].rows].map(
                    ({cells}) => [...cells].reduce((sum, {colSpan}) => sum + colSpan, 0))"""
            )
            assert len(set(columns)) == 1
        words = re.findall(r"\w+", it.page.locator("body").inner_text())
        assert not {"red", "green", "blue", "three"} & set(words)
        gap = read(gray, "shift.json")["mean_levels"]["gray"]
        shown = it.page.locator("table.measures tbody tr").first.locator("td b")
        assert shown.all_inner_texts() == [f"{gap:.3f}".replace("-", "−")]


@needs_chromium
def test_the_plots_have_one_channel_and_fill_the_page(gray: Project, browser: Browser) -> None:
    with opened(browser, gray.path / "reports/index.html") as it:
        room = it.page.locator("main").evaluate("main => main.clientWidth")
        for plot, lines in (("levels-plot", 1), ("cumulative-plot", 2)):
            for kind, count in (("area", 1), ("line", lines)):
                assert marks(it.page, plot, kind).count() == count
            box = it.page.locator(f"#{plot} svg.marks").bounding_box()
            assert box is not None
            assert 0.9 * room < box["width"] <= room
        assert marks(it.page, "shift-plot", "symbol").count() == 8
        assert marks(it.page, "classes-plot", "symbol").count() == 2 * 10


@needs_chromium
def test_sample_images_are_gray(gray: Project, browser: Browser) -> None:
    images = pixels(gray, "test")
    darkest = images[np.argmin(images.sum(axis=(1, 2, 3)))]
    with opened(browser, gray.path / "reports/index.html") as it:
        shown = it.page.get_by_alt_text("the darkest image of the test split")
        np.testing.assert_array_equal(drawn_pixels(shown), darkest.repeat(3, 0).transpose(1, 2, 0))
