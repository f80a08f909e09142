"""Whether what was measured between the splits stays within the limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check(shift: Mapping[str, Any], limits: Mapping[Any, Mapping[Any, float]]) -> dict[str, Any]:
    """Hold the measures of the shift report against their limits, by measure and channel.

    A limit bounds the size of a difference, whatever its sign; of a ratio, the larger of it and
    its inverse. What has no finite value (None) holds no limit.
    """
    checked = {
        measure: {
            channel: _check(measure, shift[measure][channel], limit)
            for channel, limit in channels.items()
        }
        for measure, channels in limits.items()
    }
    held = [channel["holds"] for channels in checked.values() for channel in channels.values()]
    return {"passed": all(held), "limits": checked}


def _check(measure: str, value: float | None, limit: float) -> dict[str, Any]:
    if value is None:
        size = None
    elif measure == "std_ratio":
        size = max(value, 1 / value) if value else None
    else:
        size = abs(value)
    return {"value": value, "limit": limit, "holds": size is not None and size <= limit}
