"""The exported files: each library loads them, and gives what torchvision gives."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.download.ready_made.labelled import LabelledImages
from stages.export.limits import LARGEST, SMALLEST_STD
from tests.conftest import ROOT, Project
from tests.exports import (
    LIBRARIES,
    Constants,
    Images,
    assert_like_torchvision,
    every_level,
    export,
)

PUBLISHED = json.loads((ROOT / "reports/published/normalization.json").read_bytes())

# Everything that can be exported, and often what people use.
MEANS = st.floats(-2, 2) | st.floats(-LARGEST, LARGEST)
STDS = st.floats(-9, 9).map(lambda exponent: 10.0**exponent)
PRESETS = st.sampled_from([1, 3]).flatmap(
    lambda channels: st.tuples(st.tuples(*[MEANS] * channels), st.tuples(*[STDS] * channels))
)

DIGESTS = {
    "albumentations.json": "39af4bc1f53582713277d1862fdf68e0e5b82617a6f30d3bf3efa5c612ef33b1",
    "keras.npz": "b5f69ff2e962f5bd819118684f1b02c08f84704a003dcbd437aa9017b9ea2e5a",
    "normalize_nchw.onnx": "85e93c740b2bc133002f5625b99b1cfea8e772c699666691b20d0001c2dc8f9c",
    "normalize_nhwc.onnx": "3fbedc0005fadd013a05e8049a8826349a012a619d9fb27c44c4de48fad3a688",
    "preprocessor_config.json": "e9bc0cf5245ea669be8972a6fe47bc90430e25f75cd7a07a41b94f7d2f1a90b1",
    "timm.json": "143c3221f2f0c203ab0c067c2b6f9b57b4b96a5fea7e1c9ec0d731ff1e5f6c20",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def pictures(cifar10: dict[str, LabelledImages]) -> Images:
    return np.ascontiguousarray(cifar10["test"].images.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("library", LIBRARIES)
@given(PRESETS)
@example(((0, 0, 0), (SMALLEST_STD, SMALLEST_STD, SMALLEST_STD)))
@example(((LARGEST, -LARGEST, LARGEST), (SMALLEST_STD, SMALLEST_STD, LARGEST)))
@example(((0, 0.5, 1), (LARGEST, LARGEST, LARGEST)))
@example(((0.1307,), (0.3081,)))
def test_every_level_after_any_preset_is_as_in_torchvision(
    library: str, folder: Path, preset: tuple[Constants, Constants]
) -> None:
    mean, std = preset
    apply = LIBRARIES[library].load(export(folder, mean, std))
    images = every_level(len(mean))
    assert_like_torchvision(LIBRARIES[library], apply(images), images, mean, std)


@pytest.mark.parametrize("library", LIBRARIES)
def test_real_images_are_as_in_torchvision(library: str, folder: Path, pictures: Images) -> None:
    apply = LIBRARIES[library].load(export(folder, **PUBLISHED))
    for images in (pictures, every_level(3)):  # of two sizes
        assert_like_torchvision(LIBRARIES[library], apply(images), images, **PUBLISHED)


def test_the_same_normalization_is_the_same_bytes_on_every_machine(folder: Path) -> None:
    """The digests were taken with Python 3.11, numpy 2.4, onnx 1.23, and with 3.10, 1.24, 1.16."""
    exports = export(folder, mean=[0.4914, 0.4822, 0.4465], std=[0.2470, 0.2435, 0.2616])
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in exports.iterdir()}
    assert found == DIGESTS


def test_the_same_bytes_again_and_elsewhere(reproduced: Project, tmp_path: Path) -> None:
    elsewhere = reproduced.copy_to(tmp_path / "a" / "longer path" / "normstats")
    elsewhere.environment |= {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    for name in DIGESTS:
        (elsewhere.path / "data/exports" / name).unlink()
    elsewhere.stage("export")
    for name in DIGESTS:
        assert elsewhere.read(f"data/exports/{name}") == reproduced.read(f"data/exports/{name}")


def test_it_needs_neither_images_nor_statistics(
    checkout: Project, folder: Path, tmp_path: Path
) -> None:
    project = checkout.copy_to(tmp_path / "normstats")
    project.run("dvc", "repro", "--single-item", "export")
    arrays = (project.path / "data").rglob("*.np[yz]")
    assert [path.name for path in arrays] == ["keras.npz"]
    for path in export(folder, **PUBLISHED).iterdir():
        assert project.read(f"data/exports/{path.name}") == path.read_bytes()
