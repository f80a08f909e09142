"""JSON that people and `dvc metrics` read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from stages.shared.atomic import atomic_write
from stages.shared.shapes import SHAPES
from stages.shared.validated import read_validated

PRESETS = Path("reports/presets")
PUBLISHED = Path("reports/published")
EXPORTS = Path("data/exports")  # what is published, for other libraries
SHIFT = Path("reports/shift.json")
CHECK = Path("reports/check.json")
SAMPLES = Path("reports/samples.json")
INVENTORY = Path("reports/inventory.json")
QUARANTINE = Path("reports/quarantine.json")


def write_json(path: Path, content: Any) -> None:
    """Write JSON with one key a line, floats in full precision; ValueError for NaN or infinity."""
    _write(path, json.dumps(content, indent=2, allow_nan=False))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a JSON list with one row a line."""
    lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
    _write(path, f"[\n{lines}\n]")


def take_back() -> list[Path]:
    """Remove what was published, as it may be of another dataset; the folders that there were."""
    published = [folder for folder in (PUBLISHED, EXPORTS) if folder.exists()]
    for folder in published:
        shutil.rmtree(folder)
    return published


def read_json(path: Path) -> Any:
    """Read a report. Raises FileNotFoundError without one, and ValueError for a damaged one."""
    return json.loads(_read(path))


def copy_report(source: Path, target: Path) -> None:
    """Copy a report byte by byte. Raises what `read_json` does."""
    content = _read(source)
    with atomic_write(target) as file:
        file.write(content)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not there; run `dvc repro`")
    read_validated(path, SHAPES[path.name], "delete it and run `dvc repro`")
    return path.read_bytes()


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as file:
        file.write(f"{text}\n".encode())
