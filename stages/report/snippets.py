"""A normalization as code for the libraries that apply it, to copy and run.

Every number is written with all its digits: read back, it is the same float64.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from stages.export.configs import preprocessor_config
from stages.shared.names import channel_names


@dataclass(frozen=True)
class Snippet:
    """What to copy: `note` says what it takes, or where it goes."""

    library: str
    note: str
    text: str


def snippets(
    mean: Sequence[float], std: Sequence[float], image_size: Sequence[int]
) -> list[Snippet]:
    """One for each library; `image_size` is the height and width of the dataset's images."""
    constants = f"mean = {json.dumps(mean)}\nstd = {json.dumps(std)}\n"
    height, width = image_size
    return [
        Snippet(
            "torchvision",
            "takes a PIL image or a uint8 tensor",
            f"""\
import torch
from torchvision.transforms import v2

{constants}
transform = v2.Compose([
    v2.ToImage(),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(mean=mean, std=std),
])
""",
        ),
        Snippet(
            "timm",
            "takes a PIL image; give input_size and crop_pct as your model needs them",
            f"""\
from timm.data import create_transform

{constants}
data_config = {{
    "input_size": ({len(mean)}, {height}, {width}),
    "crop_pct": 1.0,
    "mean": mean,
    "std": std,
}}
transform = create_transform(**data_config)
""",
        ),
        Snippet(
            "Hugging Face",
            "preprocessor_config.json, beside the model; turn on resizing if you need it",
            f"{_json(preprocessor_config(mean, std))}\n",
        ),
        Snippet(
            "Albumentations",
            "takes a uint8 array, height x width x channel",
            f"""\
import albumentations as A

{constants}
transform = A.Compose([
    A.Normalize(mean=mean, std=std, max_pixel_value=255.0),
])
""",
        ),
        Snippet(
            "Keras",
            "takes a batch of values 0 to 255, channels last",
            f"""\
import keras

{constants}
transform = keras.Sequential([
    keras.layers.Rescaling(1 / 255),
    keras.layers.Normalization(mean=mean, variance=[s**2 for s in std]),
])
""",
        ),
        Snippet(
            "JSON",
            "for everything else; in units of [0, 1] pixel fractions, "
            + ", ".join(channel_names(len(mean))),
            f"{_json({'mean': mean, 'std': std})}\n",
        ),
    ]


def _json(content: dict[str, object]) -> str:
    """One key a line, lists on the line of their key."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
    return "{\n" + ",\n".join(lines) + "\n}"
