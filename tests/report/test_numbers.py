from __future__ import annotations

import pytest

from stages.report.numbers import fixed, percent, probability, signed, significant, span


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.71772, 3, "0.718"),
        (-0.0051, 4, "−0.0051"),
        (-0.00001, 3, "0.000"),
        (1.0, 4, "1.0000"),
        (8.2e-05, 6, "0.000082"),
        (None, 4, "–"),
    ],
)
def test_fixed_keeps_decimals_and_has_a_true_minus(
    value: float | None, decimals: int, expected: str
) -> None:
    assert fixed(value, decimals) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(4.358, "+4.4"), (-2.005, "−2.0"), (0.04, "0.0"), (0.0, "0.0")]
)
def test_signed_has_a_sign_unless_it_rounds_to_0(value: float, expected: str) -> None:
    assert signed(value, 1) == expected


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (0.71772, 2, "0.72"),
        (0.0119, 2, "0.012"),
        (276.46, 3, "276"),
        (8.197e-05, 2, "0.000082"),
        (-0.5, 2, "−0.50"),
        (351.76, 2, "350"),
        (0.0, 2, "0.0"),
    ],
)
def test_significant_digits_without_an_exponent(value: float, digits: int, expected: str) -> None:
    assert significant(value, digits) == expected


def test_a_span_of_numbers_that_read_the_same_is_one_number() -> None:
    assert span([0.99, 0.7177, 0.758]) == "0.72 to 0.99"
    assert span([0.7177, 0.7180]) == "0.72"


def test_percent() -> None:
    assert percent(0.00999) == "1.0 %"
    assert percent(0.9924) == "99.2 %"
    assert percent(0.0) == percent(-1e-17) == "0.0 %"
    assert percent(1.0) == "100.0 %"
    assert percent(1 / 10_001) == "less than 0.1 %"
    assert percent(0.99996) == "more than 99.9 %"


def test_a_p_value_never_reads_as_0() -> None:
    assert probability(0.03696) == "= 0.037"
    assert probability(1.0) == "= 1.000"
    assert probability(1 / 1001) == "= 0.001"
    assert probability(1 / 10_001) == "< 0.001"
    assert probability(None) == "–"
