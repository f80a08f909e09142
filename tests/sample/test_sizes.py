"""The sizes of many images in few numbers, against counting the images one by one."""

from __future__ import annotations

import json
import math
from collections import Counter
from statistics import median_low

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from stages.sample.sizes import sizes_of_files
from stages.shared.preparation import Preparation

RNG = np.random.default_rng(0)
IMAGES = [tuple(map(int, RNG.integers(1, 9, 2))) for _ in range(100)] + [(1, 40), (90, 3)]
COUNTED = [(height, width, images) for (height, width), images in sorted(Counter(IMAGES).items())]


def test_they_are_those_of_the_images_one_by_one() -> None:
    found = sizes_of_files(COUNTED, Preparation())
    assert found["sizes"] == len(set(IMAGES))
    assert found["portrait"] == sum(height > width for height, width in IMAGES)
    assert found["landscape"] == sum(height < width for height, width in IMAGES)
    assert math.prod(found["smallest"]) == min(map(math.prod, IMAGES))
    assert found["largest"] == [90, 3]
    counts = Counter(IMAGES)
    named = [counts.pop((height, width)) for height, width, _ in found["most_frequent"]]
    assert named == [images for _, _, images in found["most_frequent"]]
    assert min(named) >= max(counts.values())
    longer = sorted(map(max, IMAGES))
    assert found["longer_side"][1] == median_low(longer)
    for share, side in zip((0.05, 0.95), found["longer_side"][::2], strict=True):
        assert sum(of < side for of in longer) < share * len(longer)
        assert sum(of <= side for of in longer) >= share * len(longer)
    assert found["changed"] == found["enlarged"] == found["padded"] == 0


def test_a_bin_is_an_eighth_of_a_doubling_with_squares_in_the_middle_of_one() -> None:
    found = sizes_of_files(COUNTED, Preparation())
    for key, values, most in (
        ("longer_side_bins", [max(size) for size in IMAGES], math.inf),
        ("aspect_ratio_bins", [width / height for height, width in IMAGES], 4),
    ):
        assert sum(found[key].values()) == len(IMAGES)
        for number, images in found[key].items():
            low, high = (2 ** ((int(number) + half) / 8) for half in (-0.5, 0.5))
            within = [low < min(max(value, 1 / most), most) < high for value in values]
            assert sum(within) == images


def test_they_are_few_however_many_sizes_there_are() -> None:
    sizes = [(height, width, 1) for height in range(1, 400) for width in range(1, 400)]
    assert len(json.dumps(sizes_of_files(sizes, Preparation()))) < 2000


@pytest.mark.parametrize("resize", [None, 5, (3, 6)])
@pytest.mark.parametrize("crop", [None, (4, 4), (2, 7)])
def test_what_resizing_and_cropping_did_is_what_torchvision_does(
    resize: int | tuple[int, int] | None, crop: tuple[int, int] | None
) -> None:
    changed = enlarged = padded = 0
    for height, width in IMAGES:
        image = Image.new("L", (width, height))
        resized = image if resize is None else v2.Resize(resize)(image)
        cropped = resized if crop is None else v2.CenterCrop(crop)(resized)
        changed += cropped.size != image.size
        enlarged += resized.width > width or resized.height > height
        padded += cropped.width > resized.width or cropped.height > resized.height
    found = sizes_of_files(COUNTED, Preparation(resize, crop))
    assert [found[key] for key in ("changed", "enlarged", "padded")] == [changed, enlarged, padded]
