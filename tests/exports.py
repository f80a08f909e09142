"""The exported files as each library loads them, and how near its results are to torchvision.

N images, C channels, H x W pixels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import Compose, Normalize, ToTensor

from stages.export.__main__ import main
from stages.shared.reports import write_json

Constants = Sequence[float]
Images = NDArray[np.uint8]  # (N, H, W, C)
Values = NDArray[np.float32]  # (N, C, H, W)
Apply = Callable[[Images], Values]


def export(project: Path, mean: Constants, std: Constants) -> Path:
    """Run the stage in a folder with only this normalization; the folder of its exports."""
    published = {"mean": list(mean), "std": list(std)}
    write_json(project / "reports" / "published" / "normalization.json", published)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        main()
    return project / "data" / "exports"


def picture(image_HWC: NDArray[np.uint8]) -> Image.Image:
    """As read from a file: mode L if it has one channel, else RGB."""
    return Image.fromarray(image_HWC[..., 0] if image_HWC.shape[-1] == 1 else image_HWC)


# The libraries are imported where they are used: together they take some ten seconds.


def hugging_face(exports: Path, backend: str) -> Apply:
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(exports, backend=backend)

    def apply(images_NHWC: Images) -> Values:
        pictures = [picture(image_HWC) for image_HWC in images_NHWC]
        values: Values = processor(pictures, return_tensors="np")["pixel_values"]
        return values

    return apply


def timm(exports: Path) -> Apply:
    from timm.data.transforms_factory import create_transform

    data_config = json.loads((exports / "timm.json").read_bytes())

    def apply(images_NHWC: Images) -> Values:
        _, height, width, channels = images_NHWC.shape
        transform = create_transform(
            **data_config, input_size=(channels, height, width), crop_pct=1.0
        )
        return np.stack([transform(picture(image_HWC)) for image_HWC in images_NHWC])

    return apply


def albumentations(exports: Path) -> Apply:
    import albumentations

    transform: Any = albumentations.load(exports / "albumentations.json")

    def apply(images_NHWC: Images) -> Values:
        values = [transform(image=image_HWC)["image"] for image_HWC in images_NHWC]
        return np.stack(values).transpose(0, 3, 1, 2)

    return apply


def keras(exports: Path) -> Apply:
    import keras

    layer = keras.layers.Normalization()
    with np.load(exports / "keras.npz") as weights:
        layer.build((None, None, None, len(weights["0"])))
        layer.load_own_variables(weights)

    def apply(images_NHWC: Images) -> Values:
        values: Values = layer(images_NHWC).cpu().numpy()
        return values.transpose(0, 3, 1, 2)

    return apply


def onnx(exports: Path, layout: str) -> Apply:
    from onnxruntime import InferenceSession

    session = InferenceSession(exports / f"normalize_{layout}.onnx")

    def apply(images_NHWC: Images) -> Values:
        if layout == "nhwc":
            [values] = session.run(None, {"images": images_NHWC})
            return np.asarray(values).transpose(0, 3, 1, 2)
        [values] = session.run(None, {"images": images_NHWC.transpose(0, 3, 1, 2)})
        return np.asarray(values)

    return apply


@dataclass(frozen=True)
class Library:
    """`roundings` is how many rounding errors can add up from a level to its value.

    None if each step rounds as torchvision does, so that all bits must be equal.
    """

    load: Callable[[Path], Apply]
    roundings: float | None


TORCHVISION_ROUNDINGS = 4  # x / 255 and the mean; the difference; the std; the quotient

LIBRARIES = {
    # The mean, 255 times it; the difference; the std, 255 times it; the quotient.
    "Hugging Face, torchvision": Library(partial(hugging_face, backend="torchvision"), 6),
    # Multiplies by 1 / 255, but in float64: rounded to float32 that is x / 255 for each level.
    "Hugging Face, PIL": Library(partial(hugging_face, backend="pil"), None),
    "timm": Library(timm, None),
    # The mean, 255 times it; the difference; the std, 255 times it, its inverse; the product.
    "Albumentations": Library(albumentations, 7),
    # 255 times the mean; the difference; the variance, whose error the root halves; the root; the
    # quotient.
    "Keras": Library(keras, 4.5),
    "ONNX, NHWC": Library(partial(onnx, layout="nhwc"), None),
    "ONNX, NCHW": Library(partial(onnx, layout="nchw"), None),
}


def relative_error(roundings: float) -> float:
    """The largest relative error after this many roundings in float32 (Higham 2002, Lemma 3.1)."""
    unit = 2.0**-24
    return roundings * unit / (1 - roundings * unit)


def assert_like_torchvision(
    library: Library, values_NCHW: Values, images_NHWC: Images, mean: Constants, std: Constants
) -> None:
    """Equal to the bit, or as near as the roundings of both allow.

    The bound scales with the numbers that are subtracted, x / 255 <= 1 and the mean. If they are
    nearly equal, the difference is mostly their rounding errors.
    """
    transform = Compose([ToTensor(), Normalize(mean, std)])
    expected_NCHW = np.stack([transform(image_HWC) for image_HWC in images_NHWC])
    assert values_NCHW.dtype == np.float32
    assert values_NCHW.shape == expected_NCHW.shape
    if library.roundings is None:
        assert values_NCHW.tobytes() == expected_NCHW.tobytes()
        return
    scale_C = (1 + np.abs(mean)) / np.array(std)
    bound_C = scale_C * (relative_error(TORCHVISION_ROUNDINGS) + relative_error(library.roundings))
    difference_NCHW = np.abs(values_NCHW.astype(np.float64) - expected_NCHW)
    assert (difference_NCHW.max(axis=(0, 2, 3)) <= bound_C).all()


def every_level(channels: int) -> Images:
    """One image (1, 8, 32, C) with all 256 levels in each channel, in different order."""
    levels_HW = np.arange(256, dtype=np.uint8).reshape(8, 32)
    planes = [levels_HW, levels_HW[::-1], levels_HW[:, ::-1]][:channels]
    return np.stack(planes, axis=-1)[None]
