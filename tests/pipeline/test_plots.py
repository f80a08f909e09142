"""The page that `dvc plots` writes: it loads nothing, draws every preset, and can be rebuilt."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.browser import CHROMIUM, needs_chromium
from tests.conftest import ROOT

STDS = {"to_tensor": 1.0, "half": 0.5, "imagenet": 0.25}
DISTRIBUTIONS = [f"reports_presets_{preset}_distribution_json" for preset in STDS]
SHIFT, CLASSES = "reports_plots_shift_json", "reports_plots_classes_json"
CHARTS = [CLASSES, SHIFT, *DISTRIBUTIONS]
CHANNELS = ("red", "green", "blue")
MEASURES = ("mean_levels", "std_ratio")
CLASS_NAMES = ("zebra", "ant")
# Attributes that name a place without loading it.
NAMES_ONLY = {"xmlns", "xmlns:xlink"}

DVC_YAML = """\
stages:
  report:
    cmd: echo
    plots:
      - reports/plots/classes.json: {cache: false, template: plots/classes.json, x: gap, y: class}
      - reports/plots/shift.json: {cache: false, template: plots/shift.json, x: value, y: channel}
  normalize:
    foreach: [to_tensor, half, imagenet]
    do:
      cmd: echo ${item}
      plots:
        - reports/presets/${item}/distribution.json:
            cache: false
            template: plots/distribution.json
            x: value
            y: fraction
            title: "${item}: pixel distribution after the preset"
        - reports/presets/${item}/details.json: {cache: false}
        - reports/presets/${item}/normalization.json: {cache: false}
"""


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def write_reports(project: Path, preset: str, std: float) -> None:
    rows = [
        {"channel": channel, "split": split, "value": level / 255 / std, "fraction": 1 / 256}
        for channel in ("red", "green", "blue")
        for split in ("train", "test")
        for level in range(256)
    ]
    details = {"train": {"images": 2, "mean": {"red": 0.5}}, "gap": {"mean": {"red": 0.1}}}
    normalization = {"mean": [0.0, 0.0, 0.0], "std": [std, std, std]}
    folder = project / "reports" / "presets" / preset
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "distribution.json").write_text(json.dumps(rows))
    (folder / "details.json").write_text(json.dumps(details))
    (folder / "normalization.json").write_text(json.dumps(normalization))


def write_shift(project: Path, value: float) -> None:
    """Rows with and without an interval or a standard error."""
    shift = [
        {
            "measure": measure,
            "channel": channel,
            "value": value,
            "low": None if (measure, channel) == ("std_ratio", "blue") else value - 1,
            "high": value + 1,
            "p_value": 0.5,
            "alike": 0.0,
        }
        for measure in MEASURES
        for channel in CHANNELS
    ]
    classes = [
        {
            "class": name,
            "place": place,
            "channel": channel,
            "measure": measure,
            "gap": value,
            "standard_error": 1.0 if measure == "mean" else None,
        }
        for measure in ("mean", "std")
        for channel in CHANNELS
        for place, name in enumerate(CLASS_NAMES)
    ]
    folder = project / "reports" / "plots"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shift.json").write_text(json.dumps(shift))
    (folder / "classes.json").write_text(json.dumps(classes))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with our plots, one commit, and a later change of the std of `half`."""
    path = tmp_path_factory.mktemp("project")
    run("git", "init", "--quiet", cwd=path)
    run(sys.executable, "-m", "dvc", "init", "--quiet", cwd=path)
    shutil.copy(ROOT / ".dvc" / "config", path / ".dvc" / "config")
    shutil.copytree(ROOT / "plots", path / "plots", ignore=shutil.ignore_patterns("page.html"))
    run("make", f"--makefile={ROOT / 'Makefile'}", "plots/page.html", cwd=path)
    (path / "dvc.yaml").write_text(DVC_YAML)
    for preset, std in STDS.items():
        write_reports(path, preset, std)
    write_shift(path, 0.5)
    run("git", "add", "--all", cwd=path)
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    run("git", *author, "commit", "--quiet", "--message", "reports", cwd=path)
    write_reports(path, "half", 0.4)
    write_shift(path, 0.6)
    return path


@pytest.fixture(scope="module")
def shown_page(project: Path) -> Path:
    run(sys.executable, "-m", "dvc", "plots", "show", "--out", "shown", cwd=project)
    return project / "shown" / "index.html"


@pytest.fixture(scope="module")
def compared_page(project: Path) -> Path:
    run(sys.executable, "-m", "dvc", "plots", "diff", "HEAD", "--out", "compared", cwd=project)
    return project / "compared" / "index.html"


class Page(HTMLParser):
    """What the tests use of a page: its addresses, style sheets and divs, and what each shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.styles: list[str] = []
        self.divs: list[str] = []
        self.areas: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.texts: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.addresses += [
            value
            for name, value in values.items()
            if name not in NAMES_ONLY and re.match(r"\s*(https?:)?//", value, re.IGNORECASE)
        ]
        if tag == "div" and "id" in values:
            self.divs.append(values["id"])
        # A mark without an outline is in the page, but cannot be seen.
        if values.get("d"):
            self.areas[self.divs[-1]] += values.get("aria-roledescription") == "area mark"
            self.lines[self.divs[-1]] += values.get("aria-roledescription") == "line mark"
            self.points[self.divs[-1]] += values.get("aria-roledescription") == "point"
        ends = values.get("x2"), values.get("y2")
        if values.get("aria-roledescription") == "rule mark" and ends != ("0", "0"):
            self.rules[self.divs[-1]] += 1

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.styles.append(data)
        elif self.lasttag == "text":
            self.texts.setdefault(self.divs[-1], []).append(data)


Drawn = tuple[Page, list[str]]


def draw(page: Path, profile: Path) -> Drawn:
    """The page as the browser draws it, and the lines of its console."""
    assert CHROMIUM is not None
    done = run(
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={profile}",
        "--virtual-time-budget=10000",
        "--enable-logging=stderr",
        "--v=0",
        "--dump-dom",
        page.as_uri(),
        cwd=profile,
    )
    return Page(done.stdout), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def shown(shown_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw(shown_page, tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def compared(compared_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw(compared_page, tmp_path_factory.mktemp("profile"))


def test_no_tag_or_style_of_the_page_loads_from_a_host(shown_page: Path) -> None:
    page = Page(shown_page.read_text(encoding="utf-8"))
    assert page.addresses == []
    assert page.styles
    assert not re.search(r"url\(|@import", "".join(page.styles))
    assert shown_page.read_text(encoding="utf-8").count('<div id = "') == 3 * len(STDS) + 2


@needs_chromium
def test_every_preset_is_drawn_in_three_facets_and_empty_plots_are_gone(shown: Drawn) -> None:
    page, console = shown
    assert [name for name in page.divs if name.startswith("reports")] == CHARTS
    assert +page.areas == +page.lines == dict.fromkeys(DISTRIBUTIONS, 3)
    for preset, chart in zip(STDS, DISTRIBUTIONS, strict=True):
        headers = [text for text in page.texts[chart] if text in ("red", "green", "blue")]
        assert headers == ["red", "green", "blue"]
        assert f"{preset}: pixel distribution after the preset" in page.texts[chart]
        assert {"train", "test"} <= set(page.texts[chart])
        assert "workspace" not in page.texts[chart]
    assert console == []


@needs_chromium
def test_a_comparison_draws_every_revision_in_its_own_row(compared: Drawn) -> None:
    page, console = compared
    assert +page.areas == +page.lines == dict.fromkeys(DISTRIBUTIONS, 6)
    for chart in DISTRIBUTIONS:
        headers = [text for text in page.texts[chart] if text in ("HEAD", "workspace")]
        assert headers == ["HEAD", "workspace"]
    assert console == []


@needs_chromium
def test_the_shift_is_drawn_with_the_intervals_that_are_known(shown: Drawn) -> None:
    page, console = shown
    # Each row has a line at the value of alike splits; all intervals but one are known.
    assert (page.points[SHIFT], page.rules[SHIFT]) == (6, 6 + 5)
    assert [text for text in page.texts[SHIFT] if text in CHANNELS] == list(CHANNELS)
    # Classes keep the order of the rows, which is not alphabetic; only means have errors.
    assert (page.points[CLASSES], page.rules[CLASSES]) == (12, 6)
    assert [text for text in page.texts[CLASSES] if text in CLASS_NAMES] == [*CLASS_NAMES * 2]
    assert console == []


@needs_chromium
def test_a_comparison_of_the_shift_has_both_revisions_side_by_side(compared: Drawn) -> None:
    page, console = compared
    assert (page.points[SHIFT], page.rules[SHIFT]) == (12, 12 + 10)
    assert [text for text in page.texts[SHIFT] if " · " in text] == [
        f"{channel} · {revision}" for channel in CHANNELS for revision in ("workspace", "HEAD")
    ]
    assert page.points[CLASSES] == 24
    assert [text for text in page.texts[CLASSES] if " · " in text][:4] == [
        f"{name} · {revision}" for name in CLASS_NAMES for revision in ("workspace", "HEAD")
    ]
    assert console == []


@needs_chromium
def test_the_browser_refuses_what_the_page_would_load_from_a_host(
    shown_page: Path, tmp_path: Path
) -> None:
    text = shown_page.read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    loading = '<body><script src="https://localhost/x.js"></script>'
    page.write_text(text.replace("<body>", loading), encoding="utf-8")
    _, console = draw(page, tmp_path)
    assert any("Content Security Policy" in line for line in console)


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm to fetch the Vega scripts")
def test_the_scripts_are_fetched_byte_for_byte(tmp_path: Path) -> None:
    ping = subprocess.run(["npm", "ping", "--fetch-retries=0"], capture_output=True)
    if ping.returncode != 0:
        pytest.skip("npm reaches no registry to fetch the Vega scripts from")
    folder = ROOT / "plots"
    run(sys.executable, str(folder / "fetch_scripts.py"), str(tmp_path), cwd=tmp_path)
    assert (tmp_path / "scripts.html").read_bytes() == (folder / "scripts.html").read_bytes()


def test_the_page_is_the_template_with_the_scripts_inside(project: Path) -> None:
    template, scripts, page = (
        (project / "plots" / name).read_bytes()
        for name in ("page.template.html", "scripts.html", "page.html")
    )
    assert page == template.replace(b"%SCRIPTS%\n", scripts)
    assert scripts in page
