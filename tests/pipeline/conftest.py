"""The tests of the pipeline as a whole are slow: `pytest -m "not slow"` leaves them out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.conftest import Params, Project

# Of a folder of photos the width and height of each, as a camera, a phone and a scanner leave them.
PHOTOS = {
    "train": [(500, 375)] * 6 + [(333, 500)] * 3 + [(90, 90), (640, 480), (1000, 90)],
    "test": [(500, 375)] * 2 + [(1080, 1920)] * 3 + [(300, 200)],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def of_photos(reproduced: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of `PHOTOS`, reproduced; no test changes it."""
    project = reproduced.copy_to(tmp_path_factory.mktemp("photos") / "normstats")
    shutil.rmtree(project.path / "data" / "cifar10")
    rng = np.random.default_rng(0)
    for split, sizes in PHOTOS.items():
        for number, (width, height) in enumerate(sizes):
            path = project.path / "data" / "photos" / split / "ab"[number % 2] / f"{number:02}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
            coarse.resize((width, height)).save(path)

    def of_files(params: Params) -> None:
        params["dataset"].update(root="data/photos", download=[])
        params["limits"] = {}

    project.edit_params(of_files)
    project.repro()
    return project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("slow")
