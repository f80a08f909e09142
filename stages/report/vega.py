"""The plots of `dvc plots` as Vega-Lite: the same templates, filled by DVC's own library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dvc_render import VegaRenderer
from dvc_render.exceptions import DvcRenderError

from stages.report.plots import Rows

SCRIPTS = Path("plots/scripts.html")

# The same as in dvc.yaml; tests/pipeline/test_report.py compares them.
SHIFT = {
    "template": "plots/shift.json",
    "x": "value",
    "y": "channel",
    "title": "shift, test minus train",
}
CLASSES = {
    "template": "plots/classes.json",
    "x": "gap",
    "y": "class",
    "x_label": "test minus train, in levels 0..255",
    "title": "shift by class",
}


def plot(rows: Rows, properties: Mapping[str, str]) -> dict[str, Any]:
    """The Vega-Lite of the rows, as `dvc plots show` draws them."""
    template = Path(properties["template"])
    if not template.is_file():
        raise FileNotFoundError(f"{template}: not there; get it back with `git restore {template}`")
    of_workspace = [{**row, "rev": "workspace"} for row in rows]
    try:
        renderer = VegaRenderer(of_workspace, "plot", **properties)
        content: dict[str, Any] = renderer.get_filled_template()
    except (DvcRenderError, ValueError) as error:
        raise damaged(template, error) from error
    return content


def shift_plot(rows: Rows) -> dict[str, Any]:
    """The plot of the shift, with a tick at each limit."""
    content = plot(rows, SHIFT)
    ticks = [
        {
            "mark": {"type": "tick", "thickness": 2, "size": 18},
            "encoding": {
                "x": {"field": end, "type": "quantitative"},
                "color": {"value": "var(--bad)"},
                "opacity": {
                    "condition": {"test": f"datum.{end} == datum.alike", "value": 0},
                    "value": 1,
                },
                "tooltip": {"field": end, "type": "quantitative", "title": "limit"},
            },
        }
        for end in ("lowest", "highest")
    ]
    try:
        content["spec"]["layer"] += ticks
    except (KeyError, TypeError) as error:
        raise damaged(SHIFT["template"], "it has no layers") from error
    return content


def damaged(template: str | Path, why: object) -> ValueError:
    return ValueError(f"{template}: damaged ({why}); get it back with `git restore {template}`")


def scripts() -> str:
    """The script elements with Vega, and its licences."""
    if not SCRIPTS.is_file():
        raise FileNotFoundError(f"{SCRIPTS}: not there; get it back with `git restore {SCRIPTS}`")
    return SCRIPTS.read_text(encoding="utf-8")
