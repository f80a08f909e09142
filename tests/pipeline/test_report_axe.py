"""axe-core finds nothing in the report against WCAG 2.2 AA, on any width, light and dark."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from typing import Literal

import pytest

from tests.browser import DESKTOP, PHONE, chromium, needs_chromium, opened, unfold
from tests.conftest import Project

pytestmark = needs_chromium

VERSION = "4.14.1"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
TABLET = 768
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core; npm checks it against the digest of the registry."""
    folder = tmp_path_factory.mktemp("axe")
    if shutil.which("npm") is None:
        pytest.skip("no npm to fetch axe-core with")
    command = ["npm", "pack", "--loglevel=error", "--fetch-retries=0", f"axe-core@{VERSION}"]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
        pytest.skip("npm reaches no registry to fetch axe-core from")
    with tarfile.open(folder / f"axe-core-{VERSION}.tgz") as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@pytest.mark.parametrize("of", ["reproduced", "of_photos"])
def test_axe_finds_nothing(axe: str, of: str, request: pytest.FixtureRequest) -> None:
    project: Project = request.getfixturevalue(of)
    index = project.path / "reports" / "index.html"
    with chromium() as browser, opened(browser, index) as it:
        unfold(it.page)
        it.page.add_script_tag(content=axe)
        for width in (DESKTOP, TABLET, PHONE):
            it.page.set_viewport_size({"width": width, "height": 900})
            room = it.page.evaluate("document.querySelector('main').clientWidth")
            it.page.wait_for_selector(f"html[data-drawn='{room}']")
            for scheme in SCHEMES:
                it.page.emulate_media(color_scheme=scheme)
                # The many invisible lines only show numbers under the mouse.
                violations, passes = it.page.evaluate(
                    """async tags => {
                        const of = {exclude: [".plot .mark-rule"]};
                        const how = {runOnly: tags, resultTypes: ["violations"]};
                        const {violations, passes} = await axe.run(of, how);
                        const words = violations.map(({id, nodes}) => [id, nodes[0].html]);
                        return [words, passes.length];
                    }""",
                    WCAG,
                )
                assert violations == [], f"{width} pixels, {scheme}"
                assert passes > 25
