from __future__ import annotations

import numpy as np
import torch

from stages.identify.matching import definitions
from stages.measure.counting import measure_batch
from stages.report.constant_words import FITTED, Origin, fitted_origin, fixed_origin
from tests.conftest import random_images

TRAIN, TEST = random_images(30, seed=2), random_images(10, seed=3)
MEASURED = {
    split: definitions(split, measure_batch(images, torch.device("cpu")))
    for split, images in (("train", TRAIN), ("test", TEST))
}


def origin(mean: list[float], std: list[float]) -> Origin:
    pixels = TRAIN.transpose(1, 0, 2, 3).reshape(3, -1) / 255
    after = {
        "mean": dict(enumerate((pixels.mean(axis=1) - mean) / std)),
        "std": dict(enumerate(pixels.std(axis=1) / std)),
    }
    return fixed_origin({"mean": mean, "std": std}, MEASURED, after, "fitted_preset")


def of_pixels(images: np.ndarray, decimals: int = 4) -> tuple[list[float], list[float]]:
    axes = (0, 2, 3)
    pixels = images / 255
    return pixels.mean(axes).round(decimals).tolist(), pixels.std(axes).round(decimals).tolist()


def test_a_channel_without_a_std_is_named() -> None:
    assert fitted_origin("pixel", {}).words == FITTED["pixel"]
    assert fitted_origin("image", {"blue": 7}).words == (
        f"{FITTED['image']} In blue every pixel is 7 of 255: its std is set to 1."
    )


def test_copied_constants_are_named_with_their_source_and_what_to_use_instead() -> None:
    copied = origin([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert copied.words.startswith("Copied: the published mean and std of ImageNet. Wrong for ")
    assert copied.words.endswith(
        "Use fitted_preset instead, unless the network was trained with these."
    )
    assert "https://github.com/pytorch/vision/pull/1965" in copied.sources


def test_constants_from_no_data_are_named_as_such() -> None:
    assert origin([0.0] * 3, [1.0] * 3).words.startswith(
        "Made from no data: pixels stay as they are. Wrong for this dataset"
    )
    assert origin([0.5] * 3, [0.5] * 3).words.startswith("Made from no data: scaling to [-1, 1].")


def test_mean_and_std_of_the_train_pixels_after_the_preset_are_given() -> None:
    mean, std = of_pixels(TRAIN, 15)
    words = origin([0.0] * 3, [1.0] * 3).words
    means = " to ".join(dict.fromkeys(f"{end:.2f}" for end in (min(mean), max(mean))))
    stds = " to ".join(dict.fromkeys(f"{end:.2f}" for end in (min(std), max(std))))
    assert f"they give its train pixels a mean of {means} and a std of {stds}, not 0 a" in words


def test_constants_of_this_dataset_are_right_for_it() -> None:
    words = origin(*of_pixels(TRAIN)).words
    assert words == (
        "Not among the published constants known here. Right for this dataset: the mean of all "
        "train pixels, and the std of all train pixels."
    )


def test_constants_of_the_test_split_are_named_but_wrong() -> None:
    words = origin(*of_pixels(TEST)).words
    assert "The mean is measured here: the mean of all test pixels." in words
    assert "The std is measured here: the std of all test pixels." in words
    assert "Use fitted_preset instead" in words


def test_a_mean_and_a_std_of_two_datasets_are_named_apart() -> None:
    words = origin([0.485, 0.456, 0.406], [0.2023, 0.1994, 0.2010]).words
    assert words.startswith(
        "The mean is the published one of ImageNet. The std is the published one of CIFAR-10. "
    )
    assert origin([0.1, 0.2, 0.3], [0.229, 0.224, 0.225]).words.startswith(
        "The mean is not among the published constants known here. The std is the published one of "
    )
