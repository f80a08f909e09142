"""Whether what was measured between the splits stays within the limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

Limit = float | Mapping[Any, float]


def check(shift: Mapping[str, Any], limits: Mapping[Any, Limit]) -> dict[str, Any]:
    """Compare the measures of the shift report with their limits, by measure and channel.

    A number is the limit of every channel. It bounds a difference of either sign, and the larger
    of a ratio and its inverse. A value that is not finite (None) breaks every limit.

    Raises ValueError for a limit of a channel that the report does not have.

    >>> check({"psi": {"gray": 0.3}}, {"psi": 0.2})["passed"]
    False
    """
    checked = {
        measure: {
            channel: _check(measure, shift[measure][channel], of_channel)
            for channel, of_channel in _by_channel(measure, limit, list(shift[measure])).items()
        }
        for measure, limit in limits.items()
    }
    held = [channel["holds"] for channels in checked.values() for channel in channels.values()]
    return {"passed": all(held), "limits": checked}


def in_words(checked: Mapping[str, Any]) -> str:
    """The verdict, with a table of the broken limits, or of all limits if none is broken."""
    rows = [
        (measure, channel, held["value"], held["limit"], held["holds"])
        for measure, channels in checked["limits"].items()
        for channel, held in channels.items()
    ]
    broken = [row for row in rows if not row[-1]]
    if broken:
        return (
            f"{len(broken)} of {len(rows)} limits are broken, so nothing is published:\n\n"
            f"{_table(broken)}\n\n"
            "reports/index.html shows the shift in detail. Mend the shift, or if it is harmless "
            "raise the limits in params.yaml; then run `dvc repro`"
        )
    if rows:
        return f"the splits stay within all {len(rows)} limits\n\n{_table(rows)}"
    return "params.yaml has no limits"


def _table(rows: list[tuple[Any, ...]]) -> str:
    headers = ("measure", "channel", "value", "limit", "holds")
    return tabulate(rows, headers, floatfmt=".4g", missingval="not finite")


def _by_channel(measure: str, limit: Limit, channels: list[str]) -> Mapping[Any, float]:
    if not isinstance(limit, Mapping):
        return dict.fromkeys(channels, limit)
    if unknown := [channel for channel in limit if channel not in channels]:
        raise ValueError(
            f"limits.{measure} in params.yaml: expected limits of {', '.join(channels)}, the "
            f"channels of the images, found {', '.join(unknown)}; name those, or write one number "
            "for every channel"
        )
    return limit


def _check(measure: str, value: float | None, limit: float) -> dict[str, Any]:
    if value is None:
        size = None
    elif measure == "std_ratio":
        size = max(value, 1 / value) if value else None
    else:
        size = abs(value)
    return {"value": value, "limit": limit, "holds": size is not None and size <= limit}
