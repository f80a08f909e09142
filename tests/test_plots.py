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

ROOT = Path(__file__).resolve().parent.parent
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
STDS = {"to_tensor": 1.0, "half": 0.5, "imagenet": 0.25}
CHARTS = [f"reports_presets_{preset}_distribution_json" for preset in STDS]
# Attributes that name a place without loading it.
NAMES_ONLY = {"xmlns", "xmlns:xlink"}

needs_browser = pytest.mark.skipif(BROWSER is None, reason="neither chromium nor google-chrome")

DVC_YAML = """\
stages:
  normalize:
    foreach: [to_tensor, half, imagenet]
    do:
      cmd: echo ${item}
      plots:
        - reports/presets/${item}/distribution.json:
            cache: false
            template: distribution
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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with this one's plots, one commit, and another std for `half` since then."""
    path = tmp_path_factory.mktemp("project")
    run("git", "init", "--quiet", cwd=path)
    run(sys.executable, "-m", "dvc", "init", "--quiet", cwd=path)
    shutil.copy(ROOT / ".dvc" / "config", path / ".dvc" / "config")
    shutil.copytree(ROOT / ".dvc" / "plots", path / ".dvc" / "plots")
    (path / "dvc.yaml").write_text(DVC_YAML)
    for preset, std in STDS.items():
        write_reports(path, preset, std)
    run("git", "add", "--all", cwd=path)
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    run("git", *author, "commit", "--quiet", "--message", "reports", cwd=path)
    write_reports(path, "half", 0.4)
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
    """What the tests ask of a page: its addresses, style sheets, divs, and what each shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.styles: list[str] = []
        self.divs: list[str] = []
        self.areas: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
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
        # A mark without an outline is in the page, but nothing is to be seen of it.
        if values.get("d"):
            self.areas[self.divs[-1]] += values.get("aria-roledescription") == "area mark"
            self.lines[self.divs[-1]] += values.get("aria-roledescription") == "line mark"

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.styles.append(data)
        elif self.lasttag == "text":
            self.texts.setdefault(self.divs[-1], []).append(data)


def draw(page: Path, profile: Path) -> tuple[Page, list[str]]:
    """Return the page as the browser draws it, and all that it wrote to its console."""
    assert BROWSER is not None
    done = run(
        BROWSER,
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


def test_no_tag_or_style_of_the_page_loads_from_a_host(shown_page: Path) -> None:
    page = Page(shown_page.read_text(encoding="utf-8"))
    assert page.addresses == []
    assert page.styles
    assert not re.search(r"url\(|@import", "".join(page.styles))
    assert len(page.divs) == 3 * len(STDS)


@needs_browser
def test_every_preset_is_drawn_in_three_facets_and_empty_plots_are_gone(
    shown_page: Path, tmp_path: Path
) -> None:
    page, console = draw(shown_page, tmp_path)
    assert [name for name in page.divs if name.startswith("reports")] == CHARTS
    assert page.areas == page.lines == dict.fromkeys(CHARTS, 3)
    for preset, chart in zip(STDS, CHARTS, strict=True):
        headers = [text for text in page.texts[chart] if text in ("red", "green", "blue")]
        assert headers == ["red", "green", "blue"]
        assert f"{preset}: pixel distribution after the preset" in page.texts[chart]
        assert {"train", "test"} <= set(page.texts[chart])
        assert "workspace" not in page.texts[chart]
    assert console == []


@needs_browser
def test_a_comparison_draws_every_revision_in_its_own_row(
    compared_page: Path, tmp_path: Path
) -> None:
    page, console = draw(compared_page, tmp_path)
    assert page.areas == page.lines == dict.fromkeys(CHARTS, 6)
    for chart in CHARTS:
        headers = [text for text in page.texts[chart] if text in ("HEAD", "workspace")]
        assert headers == ["HEAD", "workspace"]
    assert console == []


@needs_browser
def test_the_browser_refuses_what_the_page_would_load_from_a_host(
    shown_page: Path, tmp_path: Path
) -> None:
    text = shown_page.read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(text + '<script src="https://localhost/x.js"></script>', encoding="utf-8")
    _, console = draw(page, tmp_path)
    assert any("Content Security Policy" in line for line in console)


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm to fetch the Vega scripts")
def test_the_page_template_is_rebuilt_byte_for_byte(tmp_path: Path) -> None:
    ping = subprocess.run(["npm", "ping", "--fetch-retries=0"], capture_output=True)
    if ping.returncode != 0:
        pytest.skip("npm reaches no registry to fetch the Vega scripts from")
    folder = ROOT / ".dvc" / "plots"
    run(sys.executable, str(folder / "build_page.py"), str(tmp_path / "page.html"), cwd=tmp_path)
    assert (tmp_path / "page.html").read_bytes() == (folder / "page.html").read_bytes()
