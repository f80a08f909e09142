"""The page of a folder of photos: their sizes in plots and words, and their pictures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browser import PHONE, Opened, marks, needs_chromium, opened
from tests.conftest import Project
from tests.pipeline.conftest import PHOTOS

pytestmark = needs_chromium

SHOWN = 192  # pixels of the longer side of a picture


@pytest.fixture(scope="module")
def index(of_photos: Project) -> Path:
    return of_photos.path / "reports" / "index.html"


@pytest.fixture(scope="module")
def page(browser: Browser, index: Path) -> Iterator[Opened]:
    with opened(browser, index) as it:
        yield it


@pytest.mark.parametrize(
    ("plot", "values"),
    [
        ("sides-plot", {of: [max(size) for size in sizes] for of, sizes in PHOTOS.items()}),
        (
            "ratios-plot",
            {
                of: [min(4, width / height) for width, height in sizes]
                for of, sizes in PHOTOS.items()
            },
        ),
    ],
)
def test_the_shares_drawn_are_those_of_the_photos(
    page: Opened, plot: str, values: dict[str, list[float]]
) -> None:
    counts = {
        split: Counter(round(8 * math.log2(value)) for value in of) for split, of in values.items()
    }
    rows = page.page.evaluate(
        "id => JSON.parse(document.querySelector(`[data-plot=${id}]`).textContent).data.values",
        plot,
    )
    assert marks(page.page, plot, "area").count() == marks(page.page, plot, "line").count() == 1
    assert marks(page.page, plot, "rule").count() == len(rows)
    for split, of in counts.items():
        drawn = {round(8 * math.log2(row["value"])): row[split] for row in rows if row[split]}
        assert drawn == {number: images / len(PHOTOS[split]) for number, images in of.items()}


def test_usual_ratios_are_marked_in_their_order(page: Opened) -> None:
    shown = page.page.locator("#ratios-plot .role-axis-label text").all_text_contents()
    named = [text for text in shown if ":" in text]
    assert named == ["1:3", "9:16", "2:3", "3:4", "1:1", "4:3", "3:2", "16:9", "3:1"][-len(named) :]
    assert {"1:1", "4:3", "3:2", "16:9"} < {*named}


def test_the_sizes_are_said(page: Opened) -> None:
    said = page.page.locator("#samples p").all_inner_texts()
    assert said[0].startswith(
        "The train images have 5 sizes, from 90 × 90 to 640 × 480 pixels, width × height; the most "
        "frequent are 500 × 375 (50.0 %), 333 × 500 (25.0 %) and "
    )
    assert said[1].startswith(
        "The test images have 3 sizes, from 300 × 200 to 1080 × 1920 pixels, width × height; the "
        "most frequent are 1080 × 1920 (50.0 %), 500 × 375 (33.3 %) and 300 × 200 (16.7 %). The "
    )
    for plot, words in (
        ("sides-plot", "the test images has 300 to 1920 pixels; its median is 500."),
        ("ratios-plot", "Of the test images 50.0 % are higher than wide, 50.0 % wider than high"),
    ):
        shown = page.page.locator(f"[role=img]:has(> #{plot})")
        assert words in (shown.get_attribute("aria-label") or "")


def test_two_plots_stand_beside_each_other_where_there_is_room(page: Opened) -> None:
    boxes = [
        page.page.locator(f"#{plot} svg").bounding_box() for plot in ("sides-plot", "ratios-plot")
    ]
    left, right = (box for box in boxes if box)
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]


def test_the_page_fits_a_phone(browser: Browser, index: Path) -> None:
    with opened(browser, index, width=PHONE) as it:
        assert it.console == []
        assert it.page.evaluate("document.documentElement.scrollWidth") == PHONE
        for plot in ("sides-plot", "ratios-plot"):
            box = it.page.locator(f"#{plot}")
            assert box.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_pictures_are_small_and_as_wide_to_high_as_the_photos(page: Opened) -> None:
    pictures = page.page.locator(".samples img").evaluate_all(
        "all => all.map(img => [img.naturalWidth, img.naturalHeight])"
    )
    assert len(pictures) == 2 * 4 * 4
    ratios = [width / height for sizes in PHOTOS.values() for width, height in sizes]
    for width, height in pictures:
        assert max(width, height) <= SHOWN
        assert np.isclose(width / height, ratios, rtol=0.03).any()


def test_of_images_of_one_size_there_is_a_sentence_and_no_plot(reproduced: Project) -> None:
    page = reproduced.read("reports/index.html").decode()
    assert "<p>Every image is 8 × 8 pixels.</p>" in page
    assert 'id="sides-plot"' not in page
