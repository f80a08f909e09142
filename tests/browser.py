"""A real browser for the tests: Debian's chromium or Chrome, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no browser: install chromium (`apt-get install chromium`)"
)

DESKTOP, PHONE = 1280, 390


@dataclass(frozen=True)
class Opened:
    """A page, the addresses it requested, and its console messages and errors."""

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


def marks(page: Page, plot: str, kind: str) -> Locator:
    """The marks of a plot, without its axes, titles and backgrounds."""
    return page.locator(f"#{plot} .role-mark.mark-{kind} > *")


def drawn_pixels(image: Locator) -> NDArray[np.uint8]:
    """The red, green and blue levels (H, W, 3) of an image as the browser draws it."""
    height, width, *levels = image.evaluate(
        """async image => {
            await image.decode();
            const {naturalHeight: height, naturalWidth: width} = image;
            const context = new OffscreenCanvas(width, height).getContext("2d");
            context.drawImage(image, 0, 0);
            return [height, width, ...context.getImageData(0, 0, width, height).data];
        }"""
    )
    return np.array(levels, np.uint8).reshape(height, width, 4)[..., :3]


def unfold(page: Page) -> None:
    """Open all folded sections."""
    page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
