"""The report in a real browser: complete, without requests or errors, and legible."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page
from scipy.stats import ks_2samp, wasserstein_distance

from tests.browser import (
    DESKTOP,
    PHONE,
    Opened,
    drawn_pixels,
    marks,
    needs_chromium,
    opened,
    unfold,
)
from tests.conftest import Project

pytestmark = needs_chromium

CHANNELS = ("red", "green", "blue")
PRESETS = ("to_tensor", "half", "imagenet", "dataset_image_std", "dataset_pixel_std")
LIBRARIES = ("torchvision", "timm", "Hugging Face", "Albumentations", "Keras", "JSON")

# Contrast that WCAG 2.2 asks of text (1.4.3).
LEGIBLE = 4.5


@pytest.fixture(scope="module")
def index(reproduced: Project) -> Path:
    return reproduced.path / "reports" / "index.html"


@pytest.fixture(scope="module")
def desktop(browser: Browser, index: Path) -> Iterator[Opened]:
    with opened(browser, index) as it:
        unfold(it.page)
        yield it


def read(reproduced: Project, path: str) -> Any:
    return json.loads(reproduced.read(f"reports/{path}"))


def pixels_of(project: Project) -> list[NDArray[np.uint8]]:
    """The pixels of both splits (N, C, H, W)."""
    folder = project.path / "data" / "cifar10"
    return [np.load(folder / split / "images.npy") for split in ("train", "test")]


def significant(number: float) -> str:
    """Two digits, as 0.012 or 7.0."""
    return f"{Decimal(f'{number:#.2g}'):f}"


def luminance(color: str) -> float:
    """The relative luminance of `rgb(r, g, b)`, as WCAG 2.2 defines it."""
    levels = np.array([float(part) for part in color[color.index("(") + 1 : -1].split(",")[:3]])
    share = levels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(color: str, other: str) -> float:
    light, dark = sorted((luminance(color), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def style(locator: Locator, name: str) -> str:
    value: str = locator.evaluate(f"element => getComputedStyle(element).{name}")
    return value


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_it_loads_nothing_logs_nothing_and_fits(
    browser: Browser, index: Path, width: int, *, dark: bool
) -> None:
    with opened(browser, index, width=width, dark=dark) as it:
        assert it.console == []
        assert [url for url in it.requests if not url.startswith("data:")] == [index.as_uri()]
        assert it.page.evaluate("document.documentElement.scrollWidth") == width
        for box in it.page.locator(".plot").all():
            assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
        body = it.page.locator("body")
        paper, ink = style(body, "backgroundColor"), style(body, "color")
        assert (luminance(paper) < 0.05) is dark
        assert contrast(paper, ink) > LEGIBLE
        # The words in the plots have the colour of the page's text.
        for plot in (
            "levels-plot",
            "cumulative-plot",
            "presets-plot",
            "shift-plot",
            "classes-plot",
        ):
            for text in it.page.locator(f"#{plot} text").all()[:3]:
                assert style(text, "fill") == ink
        for quiet in ("small", ".note", "button", ".badge", ".kicker"):
            assert contrast(style(it.page.locator(quiet).first, "color"), paper) > LEGIBLE


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_long_name_of_a_preset_fits(
    browser: Browser, index: Path, tmp_path: Path, width: int
) -> None:
    page = tmp_path / "index.html"
    page.write_text(index.read_text().replace("dataset_pixel_std", "a" * 90))
    with opened(browser, page, width=width) as it:
        assert it.page.evaluate("document.documentElement.scrollWidth") == width


def test_plots_are_drawn_again_when_the_window_changes(browser: Browser, index: Path) -> None:
    with opened(browser, index) as it:
        before = it.page.locator("html").get_attribute("data-drawn")
        it.page.set_viewport_size({"width": PHONE, "height": 900})
        it.page.wait_for_selector(f"html:not([data-drawn='{before}'])")
        for plot in it.page.locator(".plot").all():
            [drawn] = plot.locator("svg.marks").all()
            assert float(drawn.get_attribute("width") or "inf") < PHONE
        assert it.console == []


def test_a_plot_is_on_the_first_screen(browser: Browser, index: Path) -> None:
    with opened(browser, index) as it:
        box = it.page.locator("#levels-plot").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900


def test_the_contents_stay_in_sight_and_cover_no_heading(desktop: Opened) -> None:
    page = desktop.page
    page.get_by_role("link", name="Images").click()
    contents = page.get_by_role("navigation").bounding_box()
    heading = page.locator("#samples h2").bounding_box()
    assert contents is not None
    assert heading is not None
    assert contents["y"] == 0
    assert contents["height"] < heading["y"] < 900


def test_every_plot_has_its_numbers_in_words(desktop: Opened) -> None:
    shown = desktop.page.locator("[role=img]:has(> .plot)").all()
    assert len(shown) == desktop.page.locator(".plot").count() == 8
    for plot in shown:
        words = plot.get_attribute("aria-label") or ""
        if "of the plot before" not in words:
            assert len(re.findall(r"\d+\.\d+", words)) >= 2, words


def test_a_long_table_sorts_by_each_column_and_is_searched(
    browser: Browser, index: Path, tmp_path: Path
) -> None:
    page = tmp_path / "index.html"
    start, of_classes, rest = index.read_text().partition('<table class="classes')
    rows = rest[rest.index("<tbody>") + len("<tbody>") : rest.index("</tbody>")]
    more = rows.replace('<th scope="row">', '<th scope="row">another ')
    page.write_text(start + of_classes + rest.replace(rows, rows + more))
    with opened(browser, page) as it:
        table = it.page.locator("table.classes")
        column = table.locator("tbody tr > :nth-child(4)")
        shown = column.all_inner_texts()
        gaps = [float(text.split("±")[0].replace("−", "-")) for text in shown]
        head = table.locator("th[scope=col]").nth(3)
        for order, expected in (
            ("ascending", sorted(gaps)),
            ("descending", sorted(gaps, reverse=True)),
            (None, gaps),
        ):
            head.get_by_role("button").click()
            found = [float(t.split("±")[0].replace("−", "-")) for t in column.all_inner_texts()]
            assert found == expected
            assert head.get_attribute("aria-sort") == order
        it.page.get_by_label("Find a class").fill("Another")
        assert table.locator("tbody tr:visible").count() == len(gaps) / 2
        assert it.page.locator(".find output").inner_text() == f"{len(gaps) // 2} of {len(gaps)}"
        assert it.console == []


def test_the_browser_would_refuse_to_load_anything(
    browser: Browser, index: Path, tmp_path: Path
) -> None:
    page = tmp_path / "index.html"
    page.write_text(index.read_text() + '<img src="https://localhost/x.png">')
    with opened(browser, page) as it:
        assert any("Content Security Policy" in line for line in it.console)


def test_levels_have_an_area_a_line_and_256_values_a_channel(desktop: Opened) -> None:
    for kind, count in (("area", 1), ("line", 1), ("rule", 256)):
        assert marks(desktop.page, "levels-plot", kind).count() == count * len(CHANNELS)


def test_cumulative_shares_are_two_lines_with_the_tallest_gap_marked(
    desktop: Opened, reproduced: Project
) -> None:
    for kind, count in (("area", 1), ("line", 2), ("rule", 256 + 2)):
        assert marks(desktop.page, "cumulative-plot", kind).count() == count * len(CHANNELS)
    for kind, count in (("area", 1), ("line", 0), ("rule", 256 + 1)):
        assert marks(desktop.page, "gap-plot", kind).count() == count * len(CHANNELS)
    pixels = pixels_of(reproduced)
    shown = marks(desktop.page, "cumulative-plot", "text").all_text_contents()
    for channel, text in enumerate(shown):
        train, test = (split[:, channel].ravel() for split in pixels)
        gap = ks_2samp(train, test)
        assert text == (
            f"tallest gap {significant(gap.statistic)} at {gap.statistic_location}"
            f"area {significant(wasserstein_distance(train, test))} levels"
        )
    assert len(shown) == len(CHANNELS)


def test_each_preset_has_the_range_mean_and_std_of_both_splits(
    desktop: Opened, reproduced: Project
) -> None:
    drawn = len(PRESETS) * len(CHANNELS) * 2
    assert marks(desktop.page, "presets-plot", "rule").count() == 2 * drawn
    assert marks(desktop.page, "presets-plot", "rect").count() == drawn
    shown = tooltip(desktop.page, marks(desktop.page, "presets-plot", "rect").nth(3))
    assert (shown["channel"], shown["preset"], shown["split"]) == ("red", "half", "test")
    after = (pixels_of(reproduced)[1][:, 0] / 255 - 0.5) / 0.5
    for key, number in {
        "min": after.min(),
        "max": after.max(),
        "mean": after.mean(),
        "std": after.std(),
    }.items():
        assert shown[key].replace("−", "-") == f"{number:.4f}"


def test_the_shift_has_a_point_and_an_interval_for_each_finite_measure(
    desktop: Opened, reproduced: Project
) -> None:
    shift = read(reproduced, "shift.json")
    points = [shift[measure][c] for measure in shift["interval_95"] for c in CHANNELS]
    ends = [
        (interval["low"][c], interval["high"][c])
        for interval in shift["interval_95"].values()
        for c in CHANNELS
    ]
    assert len(points) == 24
    assert marks(desktop.page, "shift-plot", "symbol").count() == len(points) - points.count(None)
    whole = sum(None not in pair for pair in ends)
    assert marks(desktop.page, "shift-plot", "rule").count() == len(points) + whole
    # wasserstein_stds and psi have a highest value, std_ratio a lowest one too.
    ticks = marks(desktop.page, "shift-plot", "rect").evaluate_all(
        "ticks => ticks.filter(tick => getComputedStyle(tick).opacity > 0).length"
    )
    assert ticks == (1 + 1 + 2) * len(CHANNELS)


def test_classes_have_a_point_for_each_gap_and_few_images_no_line_for_an_error(
    desktop: Opened, reproduced: Project
) -> None:
    gaps = len(read(reproduced, "shift.json")["classes"]) * len(CHANNELS)
    assert gaps == 30
    assert marks(desktop.page, "classes-plot", "symbol").count() == 2 * gaps
    # Each of the gaps repeats the line at 0. There are 6 and 2 images of a class.
    lengths = marks(desktop.page, "classes-plot", "rule").evaluate_all(
        "lines => lines.map(line => Math.hypot(line.x2.baseVal.value, line.y2.baseVal.value))"
    )
    assert sum(length > 0 for length in lengths) == 2 * gaps


def tooltip(page: Page, mark: Locator) -> dict[str, str]:
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown = page.locator("#vg-tooltip-element.visible tr")
    shown.first.wait_for()
    return {
        row.locator(".key").inner_text().strip(): row.locator(".value").inner_text().strip()
        for row in shown.all()
    }


@pytest.mark.parametrize("level", [0, 100, 255])
def test_pointing_at_a_distribution_shows_the_share_of_both_splits(
    desktop: Opened, reproduced: Project, level: int
) -> None:
    train, test = ((pixels[:, 1] == level).mean() for pixels in pixels_of(reproduced))
    rule = marks(desktop.page, "levels-plot", "rule").nth(256 + level)
    shown = tooltip(desktop.page, rule)
    assert shown == {
        "channel": "green",
        "level": str(level),
        "train": f"{train:.3%}",
        "test": f"{test:.3%}",
    }


def test_pointing_at_a_measure_shows_its_interval_and_p_value(
    desktop: Opened, reproduced: Project
) -> None:
    shift = read(reproduced, "shift.json")
    shown = tooltip(desktop.page, marks(desktop.page, "shift-plot", "symbol").nth(1))
    assert (shown["measure"], shown["channel"]) == ("mean_levels", "green")
    for key, number in {
        "value": shift["mean_levels"]["green"],
        "95 % from": shift["interval_95"]["mean_levels"]["low"]["green"],
        "95 % to": shift["interval_95"]["mean_levels"]["high"]["green"],
        "p-value": shift["p_value"]["mean_levels"]["green"],
    }.items():
        np.testing.assert_allclose(float(shown[key].replace("−", "-")), number, rtol=1e-3)


def test_a_tooltip_is_legible_in_the_dark(browser: Browser, index: Path) -> None:
    with opened(browser, index, dark=True) as it:
        tooltip(it.page, marks(it.page, "shift-plot", "symbol").first)
        box = it.page.locator("#vg-tooltip-element")
        for cell in (box.locator("td.key").first, box.locator("td.value").first):
            assert contrast(style(cell, "color"), style(box, "backgroundColor")) > LEGIBLE
        assert luminance(style(box, "backgroundColor")) < 0.05


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_button_copies_what_is_seen_and_says_so(desktop: Opened, library: str) -> None:
    page = desktop.page
    button = page.get_by_role("button", name=f"Copy for {library}")
    seen = page.locator(".snippet", has=button).locator("pre").inner_text()
    page.evaluate("navigator.clipboard.writeText('')")
    button.focus()
    page.keyboard.press("Enter")
    button.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == seen
    assert page.evaluate("document.activeElement.textContent") == "Copied"


def test_a_button_copies_where_the_page_gets_no_clipboard(browser: Browser, index: Path) -> None:
    without = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
    with opened(browser, index, script=without) as it:
        unfold(it.page)
        it.page.get_by_role("button", name="Copy for JSON").click()
        it.page.get_by_role("button", name="Copy for JSON").get_by_text("Copied").wait_for()
        it.page.evaluate("document.body.append(document.createElement('textarea'))")
        it.page.locator("textarea").focus()
        it.page.keyboard.press("Control+V")
        seen = it.page.locator(".snippet pre").last.inner_text()
        assert it.page.locator("textarea").input_value() == seen


def test_the_words_and_tables_have_the_numbers_of_the_reports(
    desktop: Opened, reproduced: Project
) -> None:
    constants = read(reproduced, "published/normalization.json")
    shown = desktop.page.locator("table.constants td").all_inner_texts()
    assert [cell for cell in shown if cell] == [
        f"{number:.4f}" for name in ("mean", "std") for number in constants[name]
    ]
    gap = read(reproduced, "shift.json")["mean_levels"]
    row = desktop.page.locator("table.measures tbody tr").first
    assert row.locator("td b").all_inner_texts() == [
        f"{gap[channel]:.3f}".replace("-", "−") for channel in CHANNELS
    ]
    after = read(reproduced, "presets/imagenet/details.json")["test"]["image_std_mean"]
    row = desktop.page.locator("table.presets tbody tr", has_text="image_std_mean")
    cell = row.locator("td").nth(1 + 2 * PRESETS.index("imagenet") + 1)
    assert cell.inner_text().split() == [f"{after[channel]:.4f}" for channel in CHANNELS]


def test_sample_images_are_the_pixels_of_the_split(desktop: Opened, reproduced: Project) -> None:
    images = pixels_of(reproduced)[1]
    sums = images.sum(axis=(1, 2, 3))
    darkest, *others = sorted(range(len(images)), key=sums.__getitem__)[:4]
    for alt, index in {
        "the darkest image of": darkest,
        **{f"number {n} of the darkest images of": index for n, index in enumerate(others, 2)},
    }.items():
        shown = desktop.page.get_by_alt_text(f"{alt} the test split")
        np.testing.assert_array_equal(drawn_pixels(shown), images[index].transpose(1, 2, 0))
    assert desktop.page.locator(".samples img").count() == 2 * 4 * 4


def test_paper_is_light_whatever_the_theme(browser: Browser, index: Path) -> None:
    with opened(browser, index, dark=True) as it:
        assert it.page.pdf(format="A4", print_background=True).startswith(b"%PDF")
        it.page.emulate_media(media="print")
        body = it.page.locator("body")
        assert luminance(style(body, "backgroundColor")) == 1
        assert contrast(style(body, "color"), style(body, "backgroundColor")) > LEGIBLE
        text = it.page.locator("#shift-plot text").first
        assert style(text, "fill") == style(body, "color")
        paper = Image.open(io.BytesIO(it.page.screenshot())).convert("L")
        assert (np.asarray(paper) > 240).mean() > 0.8
