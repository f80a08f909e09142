"""Numbers as people read them: few digits, a true minus sign, no exponent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

MINUS = "−"
NOTHING = "–"


def fixed(value: float | None, decimals: int) -> str:
    """With this number of decimals, so that numbers in a column line up; a dash for None.

    >>> fixed(0.49136, 3)
    '0.491'
    """
    if value is None:
        return NOTHING
    # Adding 0.0 turns -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


def signed(value: float | None, decimals: int) -> str:
    """The same, with a plus sign above 0.

    >>> signed(0.25, 1)
    '+0.2'
    """
    text = fixed(value, decimals)
    return f"+{text}" if value is not None and round(value, decimals) > 0 else text


def significant(value: float, digits: int = 2) -> str:
    """With this number of significant digits, as 0.011 or 150.

    >>> significant(0.01149)
    '0.011'
    """
    return f"{Decimal(f'{value:#.{digits}g}'):f}".replace("-", MINUS)


def span(values: Iterable[float], text: Callable[[float], str] = significant) -> str:
    """The smallest to the largest, as `0.72 to 0.99`; one number where both read the same.

    >>> span([0.99, 0.724, 0.8])
    '0.72 to 0.99'
    """
    ordered = sorted(values)
    return " to ".join(dict.fromkeys(text(value) for value in (ordered[0], ordered[-1])))


def percent(share: float) -> str:
    """A share of 1 in percent, as `0.9 %`; 0 and 100 only for shares that are exactly 0 and 1.

    >>> percent(0.00001)
    'less than 0.1 %'
    """
    text = f"{fixed(100 * share, 1)} %"
    if text == "0.0 %" and share > 0:
        return "less than 0.1 %"
    return "more than 99.9 %" if text == "100.0 %" and share < 1 else text


def probability(p: float | None) -> str:
    """A p-value, as `= 0.037` or `< 0.001`, for no p-value is 0.

    >>> probability(0.0369)
    '= 0.037'
    """
    if p is None:
        return NOTHING
    return f"= {fixed(p, 3)}" if p >= 0.0005 else "< 0.001"
