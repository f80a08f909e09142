"""What is said of sizes, of numbers counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from stages.report.size_words import of_one_size, ratio_words, side_words, size_words
from stages.shared.params import Dataset, Splits

SPLITS = Splits(train="train", test="test")
ONE: dict[str, Any] = {
    "smallest": [32, 48],
    "largest": [32, 48],
    "files": {
        "sizes": 1,
        "smallest": [32, 48],
        "largest": [32, 48],
        "most_frequent": [[32, 48, 20]],
        "longer_side": [48, 48, 48],
        "portrait": 0,
        "landscape": 20,
        "longer_side_bins": {"45": 20},
        "changed": 0,
        "enlarged": 0,
        "padded": 0,
    },
}
# 5 of 375 x 500, 3 of 1080 x 1080 and 2 of 90 x 60; as (height, width).
MANY: dict[str, Any] = {
    "smallest": [90, 60],
    "largest": [1080, 1080],
    "files": {
        "sizes": 3,
        "smallest": [90, 60],
        "largest": [1080, 1080],
        "most_frequent": [[375, 500, 5], [1080, 1080, 3], [90, 60, 2]],
        "longer_side": [90, 500, 1080],
        "portrait": 2,
        "landscape": 5,
        "longer_side_bins": {"52": 2, "72": 5, "81": 3},
        "changed": 0,
        "enlarged": 0,
        "padded": 0,
    },
}
OF_TRAIN = (
    "The train images have 3 sizes, from 60 × 90 to 1080 × 1080 pixels, width × height; the most "
    "frequent are 500 × 375 (50.0 %), 1080 × 1080 (30.0 %) and 60 × 90 (20.0 %). The longer side "
    "of 90 % of the train images has 90 to 1080 pixels; its median is 500. Of the train images "
    "20.0 % are higher than wide, 50.0 % wider than high, and 30.0 % square."
)


def dataset(**prepared: Any) -> Dataset:
    return Dataset(root="photos", splits=SPLITS, download=[], **prepared)


def test_of_one_size_there_is_one_sentence_and_nothing_to_draw() -> None:
    sizes = {"train": ONE, "test": ONE}
    assert size_words(sizes, dataset(resize=9)) == ["Every image is 48 × 32 pixels."]
    assert of_one_size(sizes)


def test_each_split_has_a_paragraph() -> None:
    sizes = {"train": MANY, "test": ONE}
    assert size_words(sizes, dataset()) == [OF_TRAIN, "Every test image is 48 × 32 pixels."]
    assert not of_one_size(sizes)


@pytest.mark.parametrize("other", [[32, 49], [48, 32]])
def test_two_splits_of_one_size_each_are_not_of_one_size(other: list[int]) -> None:
    test = ONE | {"files": ONE["files"] | {"smallest": other, "largest": other}}
    assert not of_one_size({"train": ONE, "test": test})
    assert size_words({"train": ONE, "test": test}, dataset())[1:] == [
        f"Every test image is {other[1]} × {other[0]} pixels."
    ]


def test_what_was_made_of_the_sizes_is_said() -> None:
    done = {"changed": 10, "enlarged": 2, "padded": 1}
    sizes = {
        "train": MANY
        | {"smallest": [224, 224], "largest": [224, 298], "files": MANY["files"] | done},
        "test": ONE | {"smallest": [224, 336], "largest": [224, 336], "files": ONE["files"] | done},
    }
    made = "made the train images 224 × 224 to 298 × 224 and the test images 336 × 224 pixels."
    enlarged = "Resizing enlarged 20.0 % of the train and 10.0 % of the test images."
    padded = "Cropping added black to 10.0 % of the train and 5.0 % of the test images."
    assert size_words(sizes, dataset(resize=224))[-1] == f"dataset.resize {made} {enlarged}"
    assert size_words(sizes, dataset(resize=224, crop=9))[-1] == (
        f"dataset.resize and dataset.crop {made} {enlarged} {padded}"
    )


def test_the_plots_have_the_words_of_their_numbers() -> None:
    sizes = {"train": MANY, "test": MANY}
    assert side_words(sizes).startswith(
        "The longer side of 90 % of the train images has 90 to 1080 pixels; its median is 500. The "
        "longer side of 90 % of the test images"
    )
    assert ratio_words(sizes).endswith(
        "Of the test images 20.0 % are higher than wide, 50.0 % wider than high, and 30.0 % square."
    )
