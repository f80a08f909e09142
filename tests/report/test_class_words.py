from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from stages.report.class_words import class_words, common_classes
from stages.report.plots import class_rows

CHANNELS = ("red", "green", "blue")


def a_class(
    gaps: Sequence[float | None], errors: Sequence[float | None], images: tuple[int, int] = (20, 20)
) -> dict[str, Any]:
    channels = CHANNELS if len(gaps) == 3 else ("gray",)
    return {
        "images": dict(zip(("train", "test"), images, strict=True)),
        "mean_levels": {
            "gap": dict(zip(channels, gaps, strict=True)),
            "gap_standard_error": dict(zip(channels, errors, strict=True)),
        },
        "std_levels": {"gap": dict.fromkeys(channels, 0.25)},
    }


SHIFT: dict[str, Any] = {
    "labelled": {"train": True, "test": True},
    "mean_levels": dict.fromkeys(CHANNELS, 0.0),
    "classes": {
        "cat": a_class([1.0, -4.0, 0.5], [1.0, 1.25, 1.0], (19, 3000)),
        "dog": a_class([2.5, 0.0, 0.0], [1.0, 1.5, 2.0]),
    },
    "largest_class_gap": {
        "mean_levels": {"class": "cat", "channel": "green", "gap": -4.0},
        "std_levels": {"class": "dog", "channel": "red", "gap": 1.5},
    },
    "most_unusual_class_gap": {
        "class": "dog",
        "channel": "red",
        "gap": 2.5,
        "deal_std": 1.0,
        "p_value": 0.33,
    },
}
NOTHING = [None] * 3


def with_classes(classes: dict[str, Any]) -> dict[str, Any]:
    return {**SHIFT, "classes": {**SHIFT["classes"], **classes}}


def test_the_largest_gap_is_told_from_the_most_unusual_one() -> None:
    found, unusual = class_words(SHIFT)
    assert found == (
        "In 6 comparisons (2 classes by 3 channels), the largest gap of a mean is −4.0 levels, of "
        "cat in green. The largest gap of a std is +1.5 levels, of dog in red."
    )
    assert unusual == (
        "The largest of many gaps is large by chance alone. The most unusual gap of a mean is "
        "+2.5 levels, of dog in red. It is 2.5 times the std of this gap over the shuffles. A gap "
        "as unusual, in some class and channel, occurs in 33.0 % of them."
    )


def test_a_class_of_few_images_has_no_standard_error() -> None:
    rows = {
        (row["class"], row["channel"]): row["standard_error"]
        for row in class_rows(SHIFT)
        if row["measure"] == "mean"
    }
    assert [rows["cat", channel] for channel in CHANNELS] == NOTHING
    assert [rows["dog", channel] for channel in CHANNELS] == [1.0, 1.5, 2.0]
    assert SHIFT["classes"]["cat"]["mean_levels"]["gap_standard_error"]["red"] == 1.0


@pytest.mark.parametrize(
    ("lacking", "sentences"),
    [
        ({"a": (3, 0)}, ["Only the train split has a."]),
        (
            {"a": (0, 2), "b": (0, 1), "c": (9, 0)},
            ["Only the train split has c.", "Only the test split has a and b."],
        ),
        (
            {f"class {n}": (0, 2) for n in range(12)},
            [
                f"Only the test split has {', '.join(f'class {n}' for n in range(10))} and 2 more "
                "classes."
            ],
        ),
    ],
)
def test_classes_that_one_split_lacks_are_named_once_and_drawn_nowhere(
    lacking: dict[str, tuple[int, int]], sentences: list[str]
) -> None:
    classes = {name: a_class(NOTHING, NOTHING, images) for name, images in lacking.items()}
    shift = with_classes(classes)
    assert class_words(shift) == [*class_words(SHIFT), *sentences]
    assert class_rows(shift) == class_rows(SHIFT)
    assert common_classes(shift).keys() == {"cat", "dog"}


def test_gray_images_have_one_channel_to_compare() -> None:
    gap = {"class": "cat", "channel": "gray", "gap": -4.0}
    found, _ = class_words(
        {
            "labelled": {"train": True, "test": True},
            "mean_levels": {"gray": 0.0},
            "classes": {"cat": a_class([-4.0], [1.25])},
            "largest_class_gap": {"mean_levels": gap, "std_levels": gap},
            "most_unusual_class_gap": {**gap, "deal_std": 1.0, "p_value": 0.33},
        }
    )
    assert found.startswith("In 1 comparison (1 class by 1 channel), the largest gap of a mean ")


def test_splits_without_a_class_in_common() -> None:
    nothing = {"mean_levels": None, "std_levels": None}
    shift = {
        **SHIFT,
        "classes": {"a": a_class(NOTHING, NOTHING, (0, 9))},
        "largest_class_gap": nothing,
        "most_unusual_class_gap": None,
    }
    assert class_words(shift) == [
        "The splits have no class in common.",
        "Only the test split has a.",
    ]
    assert class_rows(shift) == []


def test_splits_without_labels_have_no_classes_to_compare() -> None:
    assert class_words({**SHIFT, "classes": {}, "labelled": {"train": True, "test": False}}) == [
        "Not every image of the test split has a label, so there are no classes to compare."
    ]
