"""What a copied constant is: which definitions on the dataset give it, and who published it.

N images, C channels. Numbers are compared exactly, as fractions instead of floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import hypot
from typing import Literal

import numpy as np

from stages.identify.published import PUBLISHED
from stages.statistics.integers import SplitStatistics
from stages.statistics.summary import image_stds, mean_and_std, summarize

Kind = Literal["mean", "std"]
KINDS: tuple[Kind, ...] = ("mean", "std")

# In pixel fractions, half a unit of the sixth decimal: sums in float32 are rarely better.
FLOAT32_ERROR = Fraction(1, 2 * 10**6)

# In pixel fractions, half a unit of the second decimal: a constant with one decimal, such as
# 0.5 0.5 0.5, would fit too many definitions.
COARSEST_ROUNDING = Fraction(1, 2 * 10**2)


@dataclass(frozen=True)
class Constant:
    """One number for each channel, in plain decimals as someone wrote them.

    Without a `kind` it may be a mean or a std. Its unit is [0, 1] pixel fractions; or levels
    0..255 if a number is above 1, unless `in_fractions`.
    """

    words: tuple[str, ...]
    kind: Kind | None = None
    in_fractions: bool = False

    @staticmethod
    def of_preset(values: Iterable[float], kind: Kind) -> Constant:
        """Write each float with as few decimals as read back as the same float."""
        words = tuple(np.format_float_positional(value, trim="-") for value in values)
        return Constant(words, kind, in_fractions=True)

    @cached_property
    def unit(self) -> int:
        in_levels = not self.in_fractions and any(Fraction(word) > 1 for word in self.words)
        return 255 if in_levels else 1

    @cached_property
    def values(self) -> tuple[Fraction, ...]:
        """In pixel fractions."""
        return tuple(Fraction(word) / self.unit for word in self.words)

    @cached_property
    def decimals(self) -> int:
        """The most decimals of any number: 0.247 beside 0.2435 has lost its last zero."""
        return max(len(word.partition(".")[2]) for word in self.words)

    @cached_property
    def tolerance(self) -> Fraction:
        """How far a number that equals the constant may be off, in the constant's unit."""
        rounding = Fraction(1, 2 * 10**self.decimals)
        if rounding > COARSEST_ROUNDING * self.unit:
            return Fraction(0)
        return max(rounding, FLOAT32_ERROR * self.unit)


@dataclass(frozen=True)
class Candidate:
    """What a constant may turn out to be."""

    kind: Kind
    name: str
    values: tuple[Fraction, ...]  # in pixel fractions
    details: str = ""  # of a published constant: the numbers as published, and the definition
    source: str = ""


@dataclass(frozen=True)
class Match:
    """A candidate compared with a constant."""

    candidate: Candidate
    difference: Fraction  # the largest of any channel, in the constant's unit
    decimals: int  # of the constant, to which every channel agrees
    is_equal: bool


@dataclass(frozen=True)
class Identification:
    constant: Constant
    measured: list[Match]  # every definition on the dataset, the closest first
    published: list[Match]  # equal published constants, the closest first

    @property
    def equal(self) -> list[Match]:
        """The definitions on the dataset that give the constant."""
        return [match for match in self.measured if match.is_equal]


def identify(constant: Constant, definitions: Iterable[Candidate]) -> Identification:
    """Compare a constant with the definitions on the dataset and with what is published.

    A published constant with more decimals counts only if none has exactly these.
    """
    published = [match for match in matches(constant, published_constants()) if match.is_equal]
    exact = [match for match in published if match.difference == 0]
    return Identification(constant, matches(constant, definitions), exact or published)


def definitions(split: str, statistics: SplitStatistics) -> list[Candidate]:
    """Every definition of a mean or a std that is in use, measured on a split."""
    channels = summarize(statistics).channels
    # A mean of squares is the squared mean plus the variance.
    root_mean_variances = [hypot(c.image_std_mean, c.image_std_std) for c in channels]
    measured: list[tuple[Kind, str, Sequence[float]]] = [
        ("mean", f"mean of all {split} pixels", [c.mean for c in channels]),
        ("std", f"std of all {split} pixels", [c.std for c in channels]),
        ("std", f"std of the {split} images' means", [c.image_mean_std for c in channels]),
        ("std", f"std of the {split} images' stds", [c.image_std_std for c in channels]),
        ("std", f"mean of the {split} images' stds (ddof 0)", [c.image_std_mean for c in channels]),
        ("std", f"root mean variance of the {split} images", root_mean_variances),
    ]
    pixels_N1 = statistics.image_pixels[:, None]
    if pixels_N1.min() > 1:
        stds_NC = image_stds(statistics) * np.sqrt(pixels_N1 / (pixels_N1 - 1))
        ddof_1 = [mean_and_std(stds_N)[0] for stds_N in stds_NC.T]
        measured.append(("std", f"mean of the {split} images' stds (ddof 1)", ddof_1))
    # Each float64 as its shortest decimals, as it would be written to a file.
    return [
        Candidate(kind, name, tuple(Fraction(str(value)) for value in values))
        for kind, name, values in measured
    ]


@cache
def published_constants() -> list[Candidate]:
    return [
        Candidate(
            kind=kind,
            name=f"{kind} of {entry.dataset}",
            values=Constant(tuple(written.split())).values,
            details="; ".join(filter(None, [written, entry.definition])),
            source=entry.source,
        )
        for entry in PUBLISHED
        for kind in KINDS
        if (written := getattr(entry, kind))
    ]


def matches(constant: Constant, candidates: Iterable[Candidate]) -> list[Match]:
    """The candidates of the constant's kind and number of channels, the closest first."""
    found = [
        _match(constant, one)
        for one in candidates
        if constant.kind in (None, one.kind) and len(constant.values) == len(one.values)
    ]
    return sorted(found, key=lambda match: match.difference)


def _match(constant: Constant, candidate: Candidate) -> Match:
    pairs = zip(constant.values, candidate.values, strict=True)
    difference = max(abs(value - other) for value, other in pairs) * constant.unit
    return Match(
        candidate=candidate,
        difference=difference,
        decimals=agreed_decimals(difference, constant.decimals),
        is_equal=difference <= constant.tolerance,
    )


def agreed_decimals(difference: Fraction, given: int) -> int:
    """To how many of the decimals given two numbers agree, within half a unit of the last one.

    Rounding both would be wrong: 0.44648 is rounded to 0.4465, but to three decimals the first is
    0.446 and the second 0.447.

    >>> agreed_decimals(Fraction("0.4465") - Fraction("0.44648"), 4)
    4
    """
    agreed = 0
    while agreed < given and difference * 2 * 10 ** (agreed + 1) <= 1:
        agreed += 1
    return agreed


def sentence(found: Identification) -> str:
    """What the constant is, in words."""
    constant = found.constant
    subject = " ".join([constant.kind or "", *constant.words]).strip()
    if constant.unit == 255:
        subject += " (in levels 0..255)"
    if found.equal:
        agreed = min(match.decimals for match in found.equal)
        here = f"equals the {_names(found.equal)} to {_decimals(agreed, constant.decimals)}"
    else:
        closest = found.measured[0]
        here = (
            f"equals nothing measured here; closest is the {closest.candidate.name}, which differs "
            f"by up to {float(closest.difference):.2g}"
        )
    if not found.published:
        return f"{subject} {here}; not among the published constants known here"
    rounded = found.published[0].difference > 0
    known = "up to rounding, the published" if rounded else "published as the"
    return f"{subject} {here}; {known} {_names(found.published)}"


def _names(found: list[Match]) -> str:
    *others, last = dict.fromkeys(match.candidate.name for match in found)
    return f"{', the '.join(others)} and the {last}" if others else last


def _decimals(agreed: int, given: int) -> str:
    if agreed < given:
        return f"{agreed} of the {given} decimals given"
    return f"all {given} decimals given" if given > 1 else "the last digit given"
