"""The user's cache folder, which outlives a checkout."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Where downloads and measurements are kept; XDG_CACHE_HOME moves it."""
    return platformdirs.user_cache_path("normstats")
