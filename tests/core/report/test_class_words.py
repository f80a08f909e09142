from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from stages.core.report.class_words import class_words, largest_by_chance


def a_class(mean_gaps: list[float], errors: list[float]) -> dict[str, Any]:
    channels = ("red", "green", "blue") if len(mean_gaps) == 3 else ("gray",)
    return {
        "mean_levels": {
            "gap": dict(zip(channels, mean_gaps, strict=True)),
            "gap_standard_error": dict(zip(channels, errors, strict=True)),
        }
    }


SHIFT = {
    "classes": {
        "cat": a_class([1.0, -4.0, 0.5], [1.0, 1.25, 1.0]),
        "dog": a_class([2.5, 0.0, 0.0], [1.0, 1.0, 1.0]),
    },
    "largest_class_gap": {
        "mean_levels": {"class": "cat", "channel": "green", "gap": -4.0},
        "std_levels": {"class": "dog", "channel": "red", "gap": 1.5},
    },
}


def test_the_largest_gap_comes_with_what_chance_gives_the_largest() -> None:
    found, warning = class_words(SHIFT)
    assert found == (
        "Of 6 comparisons (2 classes by 3 channels) the largest gap of a mean is that of cat in "
        "green: −4.0 levels, 3.2 standard errors. The largest gap of a std is that of dog in red: "
        "+1.5 levels."
    )
    # 1 - (1 - 2 * (1 - Phi(z)))^6 is 1/2 at z = 1.60 and 1/20 at z = 2.63.
    assert "exceeds 1.6 standard errors half of the time and 2.6 one time in twenty" in warning
    assert "Here 2 of 6 exceed 1.96, which chance alone makes about 0.3 do" in warning


@pytest.mark.parametrize("comparisons", [1, 6, 30, 300])
@pytest.mark.parametrize("probability", [0.5, 0.05])
def test_the_largest_by_chance_is_exceeded_as_often_as_said(
    comparisons: int, probability: float
) -> None:
    size = largest_by_chance(comparisons, probability)
    np.testing.assert_allclose(1 - (2 * norm.cdf(size) - 1) ** comparisons, probability)


def test_a_class_of_one_image_has_no_standard_error() -> None:
    one = {**SHIFT, "classes": {"cat": a_class([1.0, -4.0, 0.5], [0.0, 0.0, 0.0])}}
    found, _ = class_words(one)
    assert "cat in green: −4.0 levels. The largest" in found


def test_of_gray_images_nothing_is_said_of_other_channels() -> None:
    gap = {"class": "cat", "channel": "gray", "gap": -4.0}
    found, warning = class_words(
        {
            "classes": {"cat": a_class([-4.0], [1.25]), "dog": a_class([2.5], [1.0])},
            "largest_class_gap": {"mean_levels": gap, "std_levels": gap},
        }
    )
    assert found.startswith("Of 2 comparisons (2 classes by 1 channel) the largest gap of a mean ")
    assert warning.endswith("Here 2 of 2 exceed 1.96, which chance alone makes about 0.1 do.")


def test_splits_without_a_class_in_common() -> None:
    nothing = {"mean_levels": None, "std_levels": None}
    assert class_words({"classes": {}, "largest_class_gap": nothing}) == [
        "The splits have no class in common."
    ]
