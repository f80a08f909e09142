"""Resizing and cropping before measuring are torchvision's, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from stages.images.decode import prepare
from stages.shared.preparation import Preparation, Size

sides = st.integers(1, 40)


@given(
    size=st.tuples(sides, sides),
    resize=st.none() | sides | st.tuples(sides, sides),
    crop=st.none() | st.tuples(sides, sides),
    mode=st.sampled_from(["L", "RGB"]),
)
def test_prepared_images_are_those_of_torchvision(
    size: Size, resize: int | Size | None, crop: Size | None, mode: str
) -> None:
    if isinstance(resize, int) and resize * max(size) / min(size) > 500:
        resize = None
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    expected = image
    if resize is not None:
        expected = v2.Resize(resize)(expected)
    if crop is not None:
        expected = v2.CenterCrop(crop)(expected)
    found = prepare(image, Preparation(resize, crop))
    assert (found.mode, found.size) == (expected.mode, expected.size)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("size", [(100, 151), (151, 100), (33, 34), (64, 64)])
def test_the_usual_evaluation_transform_is_torchvisions(size: Size) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = v2.Compose([v2.Resize(57), v2.CenterCrop(48)])(Image.fromarray(pixels))
    found = prepare(Image.fromarray(pixels), Preparation(57, (48, 48)))
    assert np.array_equal(np.asarray(found), np.asarray(expected))
