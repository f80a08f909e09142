"""Vega-Lite of the plots that only the page has: a panel for each channel, from rows of `plots`.

Colours come from the page: `var(--...)`, and `currentColor` for the colour of its text.
"""

from __future__ import annotations

from typing import Any

from stages.report.plots import Rows
from stages.shared.names import LEVELS, SPLITS

Spec = dict[str, Any]

INK = "currentColor"
TRAIN, TEST = "var(--train)", "var(--test)"
# Width to height, of screens, cameras and phones.
RATIOS = ((1, 3), (9, 16), (2, 3), (3, 4), (1, 1), (4, 3), (3, 2), (16, 9), (3, 1))
TALLEST = [{"filter": "isValid(datum.area)"}]


def levels(rows: Rows, share: str, title: str, top: int = LEVELS - 1) -> Spec:
    """The share at each level from 0 to `top`.

    The axis of shares fits the levels between both ends. Clipped pixels pile up at the ends, and
    such a peak would flatten the rest.
    """
    between = [row[split] for row in rows for split in SPLITS if 0 < row["level"] < LEVELS - 1]
    scale = {"scale": {"domain": [0, 1.1 * max(between)]}} if any(between) else {}
    y = _number("train", title=share, axis=_share_axis(".1~%")) | scale
    return _by_level(rows, 150, (title, top), *_train_and_test(y), _pointed_at(*SPLITS))


def sides(rows: Rows) -> Spec:
    """The share of images by their longer side in pixels, on a logarithmic scale."""
    return _sizes(rows, {"format": "d", "tickCount": 6}, "d")


def ratios(rows: Rows) -> Spec:
    """The share of images by their width / height, on a logarithmic scale with usual ones."""
    names = {f"{width / height:.2f}": f"{width}:{height}" for width, height in RATIOS}
    axis = {
        "values": [width / height for width, height in RATIOS],
        "labelExpr": f"{names}[format(datum.value, '.2f')]",
        # So turned, they stand beside each other on a phone.
        "labelAngle": -60,
        "labelOverlap": False,
    }
    return _sizes(rows, axis, ".2f")


def _sizes(rows: Rows, axis: Spec, form: str) -> Spec:
    ends = [rows[0]["value"], rows[-1]["value"]]
    scale = {"type": "log", "base": 2, "domain": ends, "nice": False}
    x = _number("value", title=None, scale=scale, axis=axis)
    y = _number("train", title="share of images", axis=_share_axis(".1~%"))
    place = _number("value", title="about", format=form)
    return _panels(rows, 150, {"x": x}, *_train_and_test(y), _pointed_at(*SPLITS, place=place))


def _train_and_test(y: Spec) -> list[Spec]:
    """Train as an area in steps, and test as a line over it."""
    step = {"interpolate": "step", "clip": True}
    return [
        _layer({"type": "area", "color": TRAIN, "fillOpacity": 0.45, **step}, y=y),
        _layer({"type": "line", "color": TEST, "strokeWidth": 1.4, **step}, y=_number("test")),
    ]


def cumulative(rows: Rows) -> Spec:
    """The share of the pixels up to each level, with the tallest gap marked."""
    train = _number("train_up_to", title="share of pixels up to it", axis=_share_axis(".0%"))
    step: Spec = {"interpolate": "step-after"}
    line = {"type": "line", "strokeWidth": 1.4, **step}
    words = [
        {"calculate": "'tallest gap ' + format(abs(datum.gap), '.2r')", "as": "gap_words"},
        {"calculate": "'area ' + format(datum.area, '.2r') + ' levels'", "as": "area_words"},
        {"calculate": "[datum.gap_words + ' at ' + datum.level, datum.area_words]", "as": "words"},
    ]
    text = {"type": "text", "align": "right", "baseline": "bottom", "color": INK}
    dashed = {"type": "rule", "strokeDash": [4, 3], "color": INK}
    return _by_level(
        rows,
        190,
        ("pixel level", LEVELS - 1),
        _layer(
            {"type": "area", "color": INK, "opacity": 0.3, **step},
            y=train,
            y2={"field": "test_up_to"},
        ),
        _layer({**line, "color": TRAIN}, y=train),
        _layer({**line, "color": TEST}, y=_number("test_up_to")),
        _pointed_at(*(f"{split}_up_to" for split in SPLITS)),
        _layer(dashed, TALLEST, y=train, y2={"datum": 1}),
        _layer(
            {"type": "rule", "strokeWidth": 3, "color": INK},
            TALLEST,
            y=train,
            y2={"field": "test_up_to"},
        ),
        _layer(text, TALLEST + words, x={"datum": 255}, y={"datum": 0.1}, text={"field": "words"}),
    )


def gaps(rows: Rows) -> Spec:
    """Test minus train of the share up to each level, enlarged."""
    area = {"type": "area", "interpolate": "step-after", "color": "var(--accent)"}
    return _by_level(
        rows,
        90,
        ("pixel level", LEVELS - 1),
        _layer(
            {**area, "fillOpacity": 0.45},
            y=_number("gap", title="test − train", axis=_share_axis(".2~%")),
        ),
        _layer(
            {"type": "rule", "strokeWidth": 2, "color": INK},
            TALLEST,
            y=_number("gap"),
            y2={"datum": 0},
        ),
        _pointed_at("gap"),
    )


def presets(rows: Rows) -> Spec:
    """Both splits after each preset: the range, the mean, and one std to each side of it."""
    names = {"ticks": False, "domain": False, "labelPadding": 8, "labelLimit": 115}
    by_name: Spec = {"type": "nominal", "sort": None}
    ends = [
        {"calculate": f"datum.mean {sign} datum.std", "as": end}
        for end, sign in (("below", "-"), ("above", "+"))
    ]
    values = _number(
        "min", title="value after the preset", scale={"padding": 8}, axis={"tickCount": 6}
    )
    return _panels(
        rows,
        {"step": 30, "for": "position"},
        {
            "y": {"field": "preset", "title": None, "axis": names, **by_name},
            "yOffset": {"field": "split", **by_name},
            "color": {
                "field": "split",
                "scale": {"range": [TRAIN, TEST]},
                "legend": None,
                **by_name,
            },
            "tooltip": [
                *({"field": field} for field in ("preset", "channel", "split")),
                *(_number(field, format=".4f") for field in ("min", "max", "mean", "std")),
            ],
        },
        _layer({"type": "rule", "strokeWidth": 1.5}, x=values, x2={"field": "max"}),
        _layer({"type": "rule", "strokeWidth": 7}, ends, x=_number("below"), x2={"field": "above"}),
        _layer(
            {"type": "tick", "thickness": 2, "size": 13}, x=_number("mean"), color={"value": INK}
        ),
    )


def _number(field: str, **how: Any) -> Spec:
    return {"field": field, "type": "quantitative", **how}


def _share_axis(form: str) -> Spec:
    # One width for all plots, so that their panels line up.
    return {"format": form, "tickCount": 4, "minExtent": 40}


def _layer(mark: Spec, transform: list[Spec] | None = None, **encoding: Spec) -> Spec:
    return {"transform": transform or [], "mark": mark, "encoding": encoding}


def _pointed_at(*fields: str, place: Spec | None = None) -> Spec:
    """An invisible line at each level or other place; pointing at it shows the shares."""
    shown = [_number(field, title=field.removesuffix("_up_to"), format=".3%") for field in fields]
    tooltip = [place] if place else [{"field": "channel"}, _number("level")]
    rule = {"type": "rule", "strokeWidth": 2, "opacity": 0}
    return {"mark": rule, "encoding": {"tooltip": [*tooltip, *shown]}}


def _by_level(rows: Rows, height: int, across: tuple[str, int], *layers: Spec) -> Spec:
    title, top = across
    axis = {"grid": False, "values": [min(top, (top + 1) * k // 4) for k in range(5)]}
    scale = {"domain": [0, top], "nice": False, "padding": 4}
    x = _number("level", title=title, scale=scale, axis=axis)
    return _panels(rows, height, {"x": x}, *layers)


def _panels(rows: Rows, height: int | Spec, encoding: Spec, *layers: Spec) -> Spec:
    channels = list(dict.fromkeys(row["channel"] for row in rows))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": rows},
        "facet": {
            "field": "channel",
            "sort": channels,
            "title": None,
            "header": {"labelFontSize": 13, "labelAnchor": "start"},
        },
        "columns": len(channels),
        "spec": {"height": height, "encoding": encoding, "layer": list(layers)},
        "config": {"view": {"stroke": None}, "axis": {"titleFontWeight": "normal"}},
    }
