"""A constant as numbers: its unit, its decimals, and how far it may be off."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.identify.matching import Constant, agreed_decimals


def constant(text: str) -> Constant:
    return Constant(tuple(text.split()))


@given(st.floats(0, 1), st.integers(0, 12), st.integers(0, 12))
def test_a_number_agrees_with_what_it_is_rounded_to(number: float, kept: int, given: int) -> None:
    difference = abs(Fraction(f"{number:.{kept}f}") - Fraction(number))
    assert agreed_decimals(difference, given) >= min(kept, given)


@given(st.fractions(0, 1), st.integers(0, 12))
@example(Fraction("0.005"), 4)
@example(Fraction("0.0050001"), 4)
def test_agreement_ends_with_half_a_unit_of_the_last_decimal(
    difference: Fraction, given: int
) -> None:
    agreed = agreed_decimals(difference, given)
    assert agreed == 0 or difference <= Fraction(1, 2) / 10**agreed
    assert agreed == given or difference > Fraction(1, 2) / 10 ** (agreed + 1)


@pytest.mark.parametrize(
    ("word", "tolerance"),
    [
        ("0.3", Fraction(0)),  # one decimal says nothing
        ("0.25", Fraction("0.005")),
        ("0.247032", Fraction("0.0000005")),
        ("0.24703223", Fraction("0.0000005")),  # more decimals than sums in float32 give
        ("125", Fraction("0.5")),
        ("125.30691805", Fraction("0.0001275")),  # 255 times that of fractions
    ],
)
def test_a_constant_may_be_off_by_its_rounding_or_by_float32(
    word: str, tolerance: Fraction
) -> None:
    assert constant(word).tolerance == tolerance


def test_numbers_are_levels_if_one_is_above_1_unless_they_are_of_a_preset() -> None:
    assert constant("0.5 51 255").values == (Fraction(1, 510), Fraction(1, 5), Fraction(1))
    assert constant("1.02").values == (Fraction(1, 250),)
    assert constant("0.5 1.0 1.0").values == (Fraction(1, 2), Fraction(1), Fraction(1))
    of_preset = Constant.of_preset([0.1, 2.0, 1e-5], "std")
    assert of_preset.words == ("0.1", "2", "0.00001")
    assert of_preset.values == (Fraction(1, 10), Fraction(2), Fraction(1, 100_000))
    assert of_preset.kind == "std"
