"""Limits by hand: a measure's value, its limit, and whether it holds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stages.check.verdict import check


def report(value: float | None, measure: str = "mean_levels") -> dict[str, Any]:
    """A shift report in which only the green channel is of interest."""
    return {"psi": {"green": 7.0}, measure: {"red": 0.0, "green": value, "blue": 1e9}, "other": 1}


def holds(value: float | None, limit: float, measure: str = "mean_levels") -> bool:
    result = check(report(value, measure), {measure: {"green": limit}})
    assert result == {
        "passed": result["passed"],
        "limits": {measure: {"green": {"value": value, "limit": limit, "holds": result["passed"]}}},
    }
    return bool(result["passed"])


@pytest.mark.parametrize("value", [0.0, 0.3, 0.5])
def test_a_limit_bounds_both_signs_and_holds_at_itself(value: float) -> None:
    assert holds(value, 0.5)
    assert holds(-value, 0.5)
    assert not holds(math.nextafter(0.5, 1), 0.5)
    assert not holds(-math.nextafter(0.5, 1), 0.5)


@pytest.mark.parametrize("measure", ["mean_stds", "psi", "image_mean_cohens_d"])
def test_a_limit_of_0_allows_no_difference(measure: str) -> None:
    assert holds(0.0, 0, measure)
    assert not holds(5e-324, 0, measure)


@pytest.mark.parametrize(
    ("ratio", "limit", "expected"),
    [
        (1.0, 1.0, True),
        (1.25, 1.25, True),
        (0.8, 1.25, True),
        (1.26, 1.25, False),
        (0.79, 1.25, False),
        (0.5, 2.0, True),
        (1.0, 0.9, False),
        (1e-320, 1e300, False),
        (0.0, 1e300, False),
    ],
)
def test_a_limit_of_a_ratio_bounds_its_inverse_too(
    ratio: float, limit: float, *, expected: bool
) -> None:
    assert holds(ratio, limit, "std_ratio") is expected


@pytest.mark.parametrize("measure", ["mean_levels", "std_ratio", "psi"])
def test_a_value_that_is_not_finite_breaks_every_limit(measure: str) -> None:
    assert not holds(None, 1e300, measure)


def test_only_the_limited_channels_count() -> None:
    limits = {"mean_levels": {"red": 0.0, "green": 1.0}}
    assert check(report(1.0), limits)["passed"]
    assert not check(report(1.0), {"mean_levels": {**limits["mean_levels"], "blue": 1.0}})["passed"]


def test_a_number_is_the_limit_of_every_channel_of_the_report() -> None:
    found = check({"psi": {"gray": 0.2}, "std_ratio": {"red": 1.0, "blue": 2.0}}, {"psi": 0.1})
    assert found["limits"] == {"psi": {"gray": {"value": 0.2, "limit": 0.1, "holds": False}}}
    colour = check(report(1.0), {"mean_levels": 1.0})["limits"]["mean_levels"]
    held = {channel: checked["holds"] for channel, checked in colour.items()}
    assert held == {"red": True, "green": True, "blue": False}


def test_a_limit_of_a_channel_that_the_images_lack_is_refused() -> None:
    with pytest.raises(ValueError, match=r"limits.psi in params.yaml: expected limits of gray, .*"):
        check({"psi": {"gray": 0.2}}, {"psi": {"gray": 0.1, "red": 0.1}})


def test_one_broken_limit_is_enough_and_all_are_listed() -> None:
    result = check(report(-2.0), {"mean_levels": {"red": 1, "green": 1}, "psi": {"green": 7}})
    assert result == {
        "passed": False,
        "limits": {
            "mean_levels": {
                "red": {"value": 0.0, "limit": 1, "holds": True},
                "green": {"value": -2.0, "limit": 1, "holds": False},
            },
            "psi": {"green": {"value": 7.0, "limit": 7, "holds": True}},
        },
    }


def test_without_limits_everything_passes() -> None:
    assert check(report(None), {}) == {"passed": True, "limits": {}}
