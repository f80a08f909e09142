"""A first look refuses a folder without an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.adopt.look import look_at
from tests.shards import tar_of


def test_shards_without_an_image_are_refused(tmp_path: Path) -> None:
    tar_of(tmp_path / "0.tar", {})
    with pytest.raises(ValueError, match=r"none of 1 files is or has an image$"):
        look_at(tmp_path)
