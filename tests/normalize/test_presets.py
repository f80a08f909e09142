"""A preset acts on 256 levels as torchvision acts on every pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import Compose, Normalize, ToTensor, v2

from stages.download.ready_made.labelled import LabelledImages
from stages.measure.counting import measure_batch
from stages.normalize.named import find_preset
from stages.normalize.presets import Preset, StdDefinition, fit_preset
from stages.shared.load_params import load_params
from stages.statistics.summary import SplitSummary, summarize
from tests.conftest import random_images

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def train(cifar10: dict[str, LabelledImages]) -> SplitSummary:
    return summarize(measure_batch(cifar10["train"].images, CPU))


@pytest.mark.parametrize("name", load_params().presets)
def test_levels_equal_torchvision_on_every_image(
    name: str, cifar10: dict[str, LabelledImages], train: SplitSummary
) -> None:
    """`ToTensor` and `Normalize`, one picture (H, W, C) at a time: equal to the last bit."""
    preset = find_preset(load_params(), name, train)
    levels_CV = preset.normalized_levels()
    transform = Compose([ToTensor(), Normalize(preset.mean, preset.std)])
    channels = np.arange(3)[:, None, None]
    images_seen = 0
    for split in cifar10.values():
        pictures_NHWC = split.images.transpose(0, 2, 3, 1)
        for image_CHW, picture_HWC in zip(split.images, pictures_NHWC, strict=True):
            expected_CHW = transform(picture_HWC).numpy()
            assert levels_CV[channels, image_CHW].tobytes() == expected_CHW.tobytes()
            images_seen += 1
    assert images_seen == 60_000


@pytest.mark.parametrize("name", load_params().presets)
def test_the_v2_transforms_give_the_same_but_for_the_last_bit(
    name: str, train: SplitSummary
) -> None:
    """`v2.ToDtype` multiplies by 1 / 255 where `ToTensor` divides by 255."""
    preset = find_preset(load_params(), name, train)
    levels_C1V = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    to_float = v2.ToDtype(torch.float32, scale=True)
    expected_C1V = v2.Normalize(preset.mean, preset.std)(to_float(levels_C1V))
    two_roundings = 2 * torch.finfo(torch.float32).eps / min(preset.std)
    applied_CV = torch.from_numpy(preset.normalized_levels())
    torch.testing.assert_close(applied_CV, expected_C1V[:, 0], rtol=0, atol=two_roundings)


def test_a_fitted_preset_gives_its_split_mean_0_and_std_1() -> None:
    images = random_images(40, seed=3)
    split = summarize(measure_batch(images, CPU))
    pixel, image = fit_preset(split, "pixel"), fit_preset(split, "image")
    for channel in range(3):
        fractions = images[:, channel] / 255
        after = (fractions - pixel.mean[channel]) / pixel.std[channel]
        assert after.mean() == pytest.approx(0, abs=1e-12)
        assert after.std() == pytest.approx(1, abs=1e-12)
        after = (fractions - image.mean[channel]) / image.std[channel]
        assert after.std((1, 2)).mean() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("definition", ["pixel", "image"])
def test_a_channel_of_one_level_is_fitted_as_by_scikit_learn(definition: StdDefinition) -> None:
    """StandardScaler divides a constant feature by 1 instead of its std, so it becomes 0."""
    images = random_images(4, seed=0)
    images[:, 1] = 9
    preset = fit_preset(summarize(measure_batch(images, CPU)), definition)
    assert preset.std[1] == 1
    assert preset.normalized_levels()[1, 9] == 0
    images[:, 1] = images[:, 0]
    others = fit_preset(summarize(measure_batch(images, CPU)), definition)
    assert (preset.std[0], preset.std[2]) == (others.std[0], others.std[2])


def test_the_image_std_cannot_be_fitted_to_images_of_one_level_each() -> None:
    images = random_images(4, seed=0)
    images[:, 1] = np.arange(4)[:, None, None]
    split = summarize(measure_batch(images, CPU))
    with pytest.raises(ValueError, match=r"expected positive stds, got .* fit the pixel std"):
        fit_preset(split, "image")
    assert fit_preset(split, "pixel").std[1] == pytest.approx(images[:, 1].std() / 255)


@pytest.mark.parametrize("std", [1e-46, 1e308])
def test_a_std_beyond_float32_is_refused(std: float) -> None:
    with pytest.raises(ValueError, match="float32 holds and can divide by"):
        Preset(mean=(0.0, 0.0, 0.0), std=(1.0, std, 1.0))
