"""A real browser for the tests: Debian's chromium or Chrome, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no browser: install chromium (`apt-get install chromium`)"
)

DESKTOP, PHONE = 1280, 390


@dataclass(frozen=True)
class Opened:
    """A page, and everything that it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # As root, as in many containers, Chromium runs only without its sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, path: Path, *, width: int = DESKTOP, dark: bool = False, script: str = ""
) -> Iterator[Opened]:
    """The page from disk, once its plots are drawn; `script` runs before the page's own."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.add_init_script(script)
    it = Opened(context.new_page())
    it.page.on("request", lambda request: it.requests.append(request.url))
    it.page.on("console", lambda message: it.console.append(message.text))
    it.page.on("pageerror", lambda error: it.console.append(str(error)))
    it.page.goto(path.as_uri())
    it.page.wait_for_selector("html[data-drawn]")
    yield it
    context.close()
