"""A normalization as configuration files of libraries. No file fixes the size of an image.

Every number is a float64 in units of [0, 1] pixel fractions, as published.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def preprocessor_config(mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """Hugging Face's `preprocessor_config.json`, without resizing, which a user may turn on.

    >>> preprocessor_config([0.5], [0.25])["image_std"]
    [0.25]
    """
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }


def albumentations_transform(mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """What `albumentations.to_dict` gives, without its `__version__`, which nothing reads.

    >>> albumentations_transform([0.5], [0.25])["transform"]["max_pixel_value"]
    255.0
    """
    return {
        "transform": {
            "__class_fullname__": "Normalize",
            "p": 1.0,
            "max_pixel_value": 255.0,
            "mean": mean,
            "normalization": "standard",
            "std": std,
        }
    }
