"""What is exported is what the libraries themselves would save."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from stages.export.configs import albumentations_transform, preprocessor_config
from stages.export.keras_weights import keras_weights
from stages.export.limits import check_exportable
from stages.export.onnx_graph import Layout, onnx_graph
from tests.conftest import random_images

Constants = tuple[list[float], list[float]]

MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]


@pytest.fixture(params=[1, 3], ids=["gray", "colour"])
def constants(request: pytest.FixtureRequest) -> Constants:
    channels: int = request.param
    return MEAN[:channels], STD[:channels]


def test_hugging_face_saves_the_same_and_how_it_would_resize(
    constants: Constants, tmp_path: Path
) -> None:
    from transformers import ViTImageProcessor

    mean, std = constants
    ViTImageProcessor(do_resize=False, image_mean=mean, image_std=std).save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_bytes())
    assert saved.keys() - preprocessor_config(mean, std).keys() == {"resample", "size"}
    assert saved.items() >= preprocessor_config(mean, std).items()


def test_albumentations_saves_the_same_and_its_version(
    constants: Constants, tmp_path: Path
) -> None:
    import albumentations

    mean, std = constants
    transform = albumentations.Normalize(mean, std, max_pixel_value=255.0)
    albumentations.save(transform, tmp_path / "transform.json")
    saved = json.loads((tmp_path / "transform.json").read_bytes())
    del saved["__version__"]
    assert saved == albumentations_transform(mean, std)


@pytest.mark.parametrize("channels", [1, 3])
def test_keras_saves_the_same_once_it_has_seen_the_pixels(channels: int) -> None:
    import keras

    levels_NHWC = random_images(20, seed=4, channels=channels).transpose(0, 2, 3, 1)
    layer = keras.layers.Normalization()
    layer.adapt(levels_NHWC.astype(np.float32))
    saved: dict[str, Any] = {}
    layer.save_own_variables(saved)
    pixels = levels_NHWC.reshape(-1, channels) / 255
    weights = keras_weights(pixels.mean(axis=0).tolist(), pixels.std(axis=0).tolist())
    assert weights.keys() == saved.keys()
    for position, variable in saved.items():
        expected = variable.value.cpu().numpy()
        assert (weights[position].dtype, weights[position].shape) == (
            expected.dtype,
            expected.shape,
        )
        np.testing.assert_allclose(weights[position], expected, rtol=1e-6)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_the_graph_is_valid_onnx(constants: Constants, layout: Layout) -> None:
    onnx.checker.check_model(onnx_graph(*constants, layout), full_check=True)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ([0, 0, 0], [1, 9e-10, 1]),
        ([0, 0, 0], [1, 1.1e9, 1]),
        ([0, 0, 0], [1, 0, 1]),
        ([0, 0, 0], [1, -1, 1]),
        ([0, 0, 0], [1, float("nan"), 1]),
        ([0, 1.1e9, 0], [1, 1, 1]),
        ([0, -1.1e9, 0], [1, 1, 1]),
        ([0, float("nan"), 0], [1, 1, 1]),
    ],
)
def test_what_a_library_would_silently_change_is_refused(
    mean: list[float], std: list[float]
) -> None:
    with pytest.raises(ValueError, match=r"expected means from .* got mean"):
        check_exportable(mean, std)
