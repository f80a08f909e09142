"""Names of classes, labels and files come from others: both pages show them and run none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import needs_chromium, opened
from tests.conftest import Project

pytestmark = needs_chromium

CHANNELS = ("red", "green", "blue")

RUN = "window.ran = true"
CALL_OUT = "http://127.0.0.1:9/"
NAMES = (
    f"</script><script>{RUN}; location = '{CALL_OUT}'</script>",
    f"</plaintext></template></textarea></title></style><script>{RUN}</script>",
    f"<!--<script>{RUN}//--></script ><SCRIPT\n>{RUN}</SCRIPT>",
    f'<img src="{CALL_OUT}" onerror="{RUN}"><svg onload="{RUN}">',
    f'</script><meta http-equiv="refresh" content="0;url={CALL_OUT}"><base href="{CALL_OUT}">',
    f'" onmouseover="{RUN}" x=\'',
    f"'; {RUN}; ' + datum.constructor.constructor('{RUN}')() + `${{{RUN}}}`",
    f";\n            var spec = {{}};\n            vegaEmbed('#x', spec);\u2028{RUN}\u2029//",
    f"{{{{ {RUN} }}}}{{% raw %}}{{plot_divs}}{{scripts}}<DVC_METRIC_DATA>",
    f"]]>&lt;script&gt;{RUN}&lt;/script&gt;&amp;\\u003cscript\\u003e",
)
REPORT = "reports/index.html"
# The name of a folder: an element without a closing tag, as a name has no slash.
ROOT = f'<img src=x onerror="{RUN}">'


def rename(project: Project, report: str, change: Callable[[Any], object]) -> None:
    path = project.path / "reports" / report
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def hostile(reproduced: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a hostile text for every name that its reports take from a dataset."""
    project = reproduced.copy_to(tmp_path_factory.mktemp("hostile") / "normstats")

    def classes(shift: dict[str, Any]) -> None:
        new = dict(zip(shift["classes"], NAMES, strict=True))
        shift["classes"] = {new[name]: of for name, of in shift["classes"].items()}
        for largest in shift["largest_class_gap"].values():
            largest["class"] = new[largest["class"]]

    def files(samples: dict[str, Any]) -> None:
        for of_split in samples.values():
            for sample, name in zip(of_split["extremes"], NAMES, strict=False):
                sample |= {"class": name, "file": f"{name}/{name}.png"}

    rename(project, "shift.json", classes)
    rename(project, "samples.json", files)
    not_measured = [{"name": name, "reason": f"not an image: {name}"} for name in NAMES]
    rename(project, "quarantine.json", lambda listed: listed.update(train=not_measured))
    rename(
        project, "inventory.json", lambda counts: counts["train"].update(converted={NAMES[0]: 1})
    )
    project.edit_params(lambda params: params["dataset"].update(root=f"data/{ROOT}"))
    project.stage("report")
    project.run("dvc", "plots", "show")
    return project


@contextmanager
def shown(browser: Browser, path: Path) -> Iterator[Page]:
    """Open a page. It must request only itself, log nothing and run no name."""
    with opened(browser, path) as it:
        yield it.page
        assert it.page.evaluate("window.ran") is None
        assert it.page.url == path.as_uri()
        assert [url for url in it.requests if not url.startswith("data:")] == [path.as_uri()]
        assert it.console == []


def as_one_line(text: str | None) -> str:
    return " ".join((text or "").split())


@pytest.mark.parametrize(
    ("page", "plot"),
    [
        (REPORT, "classes-plot"),
        ("dvc_plots/index.html", "reports_plots_classes_json"),
    ],
)
def test_each_class_is_drawn_under_its_name_and_its_tooltip_has_it(
    hostile: Project, browser: Browser, page: str, plot: str
) -> None:
    names = [name if page == REPORT else name.replace("<", "‹") for name in NAMES]
    with shown(browser, hostile.path / page) as it:
        points = it.locator(f"#{plot} [aria-roledescription=point]")
        told = [point.get_attribute("aria-label") or "" for point in points.all()]
        for name in names:
            assert sum(name in label for label in told) == 2 * len(CHANNELS), name
        for point in points.all()[: len(NAMES)]:
            it.mouse.move(0, 0)  # the last tooltip would cover this point
            point.hover(force=True)
            it.locator("#vg-tooltip-element.visible").wait_for()
            value = it.locator("#vg-tooltip-element .value").first.text_content()
            assert as_one_line(value) in map(as_one_line, names)


def test_the_page_shows_the_names_of_classes_labels_files_and_the_dataset(
    hostile: Project, browser: Browser
) -> None:
    with shown(browser, hostile.path / REPORT) as it:
        assert it.locator("table.classes tbody th").all_text_contents() == [*NAMES]
        assert {*NAMES} <= {*it.locator("#origin dd code").all_text_contents()}
        assert it.locator("h1").text_content() == f"{ROOT} normalization"
        captions = " ".join(it.locator(".samples figcaption").all_text_contents())
        assert all(f"{name}, {name}/{name}.png" in captions for name in NAMES[:4])


def test_the_plots_of_dvc_are_the_plots_and_nothing_else(
    hostile: Project, browser: Browser
) -> None:
    """DVC would draw the table of files and reasons as a plot of one against the other."""
    path = hostile.path / "dvc_plots/index.html"
    assert "#reports_quarantine_json" not in path.read_text()
    with shown(browser, path) as it:
        names = [plot.get_attribute("id") for plot in it.locator(".vega-embed").all()]
        assert names[-3:] == [
            "reports_plots_classes_json",
            "reports_plots_shift_json",
            "reports_published_distribution_json",
        ]
        assert len(names) == 5 + 3


def test_no_name_runs_in_the_default_page_of_dvc(hostile: Project, browser: Browser) -> None:
    """A project around this one uses that page unless it is set to ours. Its plots need a host."""
    config = hostile.path / ".dvc/config"
    before = config.read_text()
    config.write_text(re.sub(r".*html_template.*\n", "", before))
    hostile.run("dvc", "plots", "show", "--out", "of_dvc")
    config.write_text(before)
    path = hostile.path / "of_dvc/index.html"
    assert "vega.github.io" in path.read_text() or "cdn" in path.read_text()
    assert RUN in path.read_text()
    page = browser.new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto(path.as_uri())
    assert page.evaluate("window.ran") is None
    assert page.url == path.as_uri()
    page.close()
