"""Take docs/report.png again: `python -m docs.screenshot`, after `dvc repro`."""

from pathlib import Path

from tests.browser import DESKTOP, chromium, opened

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    with chromium() as browser, opened(browser, ROOT / "reports" / "index.html") as report:
        report.page.set_viewport_size({"width": DESKTOP, "height": 1080})
        report.page.screenshot(path=ROOT / "docs" / "report.png")


if __name__ == "__main__":
    main()
