"""The folder of this user that outlives a checkout."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Where verified downloads are kept, outside any checkout; XDG_CACHE_HOME moves it."""
    return platformdirs.user_cache_path("normstats")
