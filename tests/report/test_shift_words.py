"""The words that go with the numbers: first how large, then how certain, told apart."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from stages.report.shift_words import limits_in_words, shift_words

Shift = dict[str, Any]


def by_channel(red: Any, green: Any, blue: Any) -> dict[str, Any]:
    return {"red": red, "green": green, "blue": blue}


SHIFT: Shift = {
    "labelled": {"train": True, "test": True},
    "constant_channels": {},
    "mean_levels": by_channel(0.718, 0.758, 0.989),
    "mean_stds": by_channel(0.0114, 0.0122, 0.0148),
    "std_ratio": by_channel(0.9985, 0.9976, 1.0),
    "psi": by_channel(0.00027, 0.00032, 0.00038),
    "overlap": by_channel(0.9925, 0.9925, 0.9918),
    "image_mean_cohens_d": by_channel(0.022, 0.024, 0.025),
    "image_std_cohens_d": by_channel(-0.0051, -0.0048, 0.0025),
    "design_effect": by_channel(276.5, 273.3, 351.8),
    "class_mix": {"total_variation": 0.0},
    "classes": {"cat": {"images": {"train": 5000, "test": 1000}}},
    "p_value": {
        "wasserstein_levels": {"any_channel": 0.00999},
        "mean_levels": {"any_channel": 0.00899},
        "std_ratio": {"any_channel": 0.653},
    },
}


def changed(**parts: Any) -> Shift:
    return {**deepcopy(SHIFT), **parts}


def with_p_value(p_value: float | None) -> dict[str, Any]:
    return {"p_value": {measure: {"any_channel": p_value} for measure in SHIFT["p_value"]}}


def test_a_small_shift_that_is_not_chance_is_called_both() -> None:
    words = shift_words(SHIFT, 1000)
    assert words.verdict == (
        "The shift is negligible in size, though chance alone would seldom give as much."
    )
    assert words.size == (
        "The test images are brighter than the train images by 0.72 to 0.99 of 255 levels (0.011 "
        "to 0.015 stds of the train pixels). The stds of their pixels differ by at most 0.24 %. At "
        "least 99.2 % of the two pixel distributions overlap. Compared with how much single images "
        "differ, that is a Cohen's d of at most 0.025 in brightness and 0.0051 in contrast; 0.2 "
        "counts as small."
    )
    assert "1,000 times" in words.certainty
    assert "distributions as far apart in 1.0 %, means as far apart in 0.9 %" in words.certainty
    assert words.certainty.endswith("says that there is a shift, not that it is large.")
    assert "273 to 352 of them tell as much about the mean" in words.independence


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        (
            with_p_value(0.4),
            "The shift is negligible in size, and chance alone may explain it.",
        ),
        (
            {"image_mean_cohens_d": by_channel(0.1, -0.3, 0.0)},
            "The shift is small in size, and chance alone would seldom give as much.",
        ),
        (
            {"image_std_cohens_d": by_channel(0.6, 0.0, 0.0), **with_p_value(0.05)},
            "The shift is medium in size, yet chance alone may explain it.",
        ),
        (
            {"psi": by_channel(0.0, 0.0, 0.3)},
            "The shift is large in size, and chance alone would seldom give as much.",
        ),
    ],
)
def test_size_and_certainty_are_told_apart(changes: Shift, verdict: str) -> None:
    assert shift_words(changed(**changes), 1000).verdict == verdict


def test_a_large_p_value_is_no_proof_that_there_is_no_shift() -> None:
    words = shift_words(changed(**with_p_value(0.05)), 1000)
    assert words.certainty.endswith(
        "That is no proof that there is no shift: the intervals say how large one may be."
    )


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (by_channel(-2.0, -1.0, -3.0), "darker than the train images by 1.0 to 3.0 of 255"),
        (by_channel(-2.0, 0.0, -3.0), "darker than the train images by 0.0 to 3.0 of 255"),
        (by_channel(0.0, 0.0, 0.0), "exactly as bright"),
        (by_channel(1.0, -2.5, 0.0), "+1.00 in red, −2.50 in green, 0.00 in blue, of 255"),
    ],
)
def test_the_direction_is_that_of_the_gaps(levels: dict[str, float], words: str) -> None:
    assert words in shift_words(changed(mean_levels=levels), 1000).size


def test_a_measure_without_a_finite_value_is_left_out_or_named_as_missing() -> None:
    nothing = by_channel(None, None, None)
    shift = changed(
        mean_stds=nothing,
        std_ratio=nothing,
        psi=nothing,
        image_mean_cohens_d=nothing,
        image_std_cohens_d=nothing,
        design_effect=nothing,
        **with_p_value(None),
    )
    words = shift_words(shift, 1000)
    assert words.verdict.startswith("The size of the shift cannot be told")
    assert words.size == (
        "The test images are brighter than the train images by 0.72 to 0.99 of 255 levels. In red "
        "and green and blue all train pixels are the same, so stds cannot be compared. "
        "At least 99.2 % of the two pixel distributions overlap."
    )
    assert words.certainty.startswith("No class has images in both splits")
    assert words.independence == "Chance is judged by whole images."


def test_one_channel_without_a_finite_value_is_named() -> None:
    words = shift_words(changed(std_ratio=by_channel(0.99, None, 1.0)), 1000)
    assert "In green all train pixels are the same, so stds cannot be compared." in words.size
    assert "differ by at most" not in words.size


def test_a_constant_channel_is_named() -> None:
    words = shift_words(changed(constant_channels={"blue": 0}), 1000).size
    assert words.endswith("In blue every pixel of both splits is 0 of 255: there is no shift.")


def test_a_different_mix_of_classes_is_not_called_chance() -> None:
    mixed = changed(class_mix={"total_variation": 0.03}, **with_p_value(0.3))
    words = shift_words(mixed, 1000)
    assert words.verdict == (
        "The shift is negligible in size, and chance and the different mix of classes may explain "
        "it."
    )
    assert "3.0 % of the images would have to change class to make the shares" in words.certainty


def test_shuffles_that_ignore_classes_are_said_to() -> None:
    words = shift_words(
        changed(labelled={"train": False, "test": False}, class_mix=None, classes={}), 1000
    )
    assert words.certainty.startswith("Shuffling the images between the splits, 1,000 ")
    assert words.certainty.endswith(
        " Not every image of the train split and the test split has a label, so the shuffles "
        "ignore classes. A different mix of classes counts as a shift too."
    )
    assert shift_words(SHIFT, 1000).certainty.startswith("Shuffling the images of each class bet")


def test_where_no_image_can_be_shuffled_nothing_is_said_of_chance() -> None:
    words = shift_words(changed(**with_p_value(None)), 1000)
    assert words.verdict == (
        "The shift is negligible in size; whether chance explains it cannot be told."
    )
    assert words.certainty.startswith("No class has images in both splits")


def test_intervals_from_few_images_are_said_to_be_too_narrow() -> None:
    few = {"cat": {"images": {"train": 5000, "test": 7}}, "ox": {"images": {"train": 9, "test": 0}}}
    assert "Some classes have only 7 images" in shift_words(changed(classes=few), 1000).certainty
    assert "too narrow" not in shift_words(SHIFT, 1000).certainty


def test_gray_images_have_no_channel_that_is_farthest_apart() -> None:
    def gray(content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        kept = {k: gray(v) for k, v in content.items() if k not in ("green", "blue")}
        return {"gray" if name == "red" else name: value for name, value in kept.items()}

    words = shift_words(gray(SHIFT), 1000)
    assert "stds as unlike in 65.3 % of the shuffles. A small p-value" in words.certainty
    assert "brighter than the train images by 0.72 of 255 levels (0.011 stds" in words.size
    assert "276 of them tell as much" in words.independence
    assert "in the channel that is farthest apart" in shift_words(SHIFT, 1000).certainty


def test_limits_are_counted() -> None:
    held = {"holds": True}
    broken = {"passed": False, "limits": {"psi": {"red": held, "blue": {"holds": False}}}}
    assert limits_in_words({"passed": True, "limits": {"psi": by_channel(held, held, held)}}) == (
        "All 3 limits hold"
    )
    assert limits_in_words(broken) == "1 of 2 limits broken"
    assert limits_in_words({"passed": True, "limits": {}}) == "No limits set"
