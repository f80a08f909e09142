"""Write scripts.html, the Vega of the pages: `python plots/fetch_scripts.py`.

Run it after a change of a version here. With the scripts inside, a page needs no network:
reports/index.html has them, and so has page.html, which `make` builds from page.template.html.
"""

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSIONS = {"vega": "5.33.1", "vega-lite": "5.23.0", "vega-embed": "6.29.0"}
# The first two would end the script element or change how it is read.
# DVC replaces the others wherever they are.
FORBIDDEN = re.compile(r"</?script|<!--|\{(?:scripts|plot_divs|refresh_tag)\}", re.IGNORECASE)


def fetch_script(name: str, version: str) -> str:
    """Return the package's minified JavaScript, checked to be safe within an HTML page."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--loglevel=error", f"{name}@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(Path(folder) / f"{name}-{version}.tgz") as archive:
            member = archive.extractfile(f"package/build/{name}.min.js")
            assert member is not None
            script = member.read().decode("utf-8")
    # The page comes without the source maps.
    script = re.sub(r"^//# sourceMappingURL=.*\n?", "", script, flags=re.MULTILINE).strip()
    found = FORBIDDEN.search(script)
    if found:
        raise ValueError(
            f"{name} {version}: expected a script that can stand within a page, found "
            f"{found.group()!r}; choose another version in VERSIONS of {Path(__file__).name}"
        )
    return script


def build_scripts() -> str:
    licences = (HERE / "licences.txt").read_text(encoding="utf-8").rstrip()
    elements = [
        f"<script>\n/* {name} {version} */\n{fetch_script(name, version)}\n</script>"
        for name, version in VERSIONS.items()
    ]
    return "\n".join([f"<!--\n{licences}\n-->", *elements, ""])


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    (folder / "scripts.html").write_text(build_scripts(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
