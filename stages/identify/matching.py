"""What a copied constant is: which definitions on the dataset give it, and who published it.

N images, C channels. Numbers are compared exactly, as fractions, and not as floats.
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

# In pixel fractions, half a unit of the sixth decimal: sums in float32 are seldom better.
FLOAT32_ERROR = Fraction(1, 2 * 10**6)

# In pixel fractions, half a unit of the second decimal: 0.5 0.5 0.5 fits too much to say anything.
COARSEST_ROUNDING = Fraction(1, 2 * 10**2)


@dataclass(frozen=True)
class Constant:
    """A number of each channel as someone wrote it, in plain decimals; a mean or a std if no
    `kind`.

    In units of [0, 1] pixel fractions, or of levels 0..255 where one of them is above 1, unless
    they are known to be fractions.
    """

    words: tuple[str, ...]
    kind: Kind | None = None
    in_fractions: bool = False

    @staticmethod
    def of_preset(values: Iterable[float], kind: Kind) -> Constant:
        """Each float as the shortest decimals that read back as it."""
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
        """The most that one of them has: 0.247 beside 0.2435 has lost its last zero."""
        return max(len(word.partition(".")[2]) for word in self.words)

    @cached_property
    def tolerance(self) -> Fraction:
        """How far from a number, in its own unit, the constant may be and still stand for it."""
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
    details: str = ""  # of what is published: as it is written there, and its definition
    source: str = ""


@dataclass(frozen=True)
class Match:
    """A candidate beside a constant: all channels agree to so many of its decimals."""

    candidate: Candidate
    difference: Fraction  # the largest of the channels, in the constant's own unit
    decimals: int
    is_equal: bool


@dataclass(frozen=True)
class Identification:
    constant: Constant
    measured: list[Match]  # every definition on the dataset, the closest first
    published: list[Match]  # those that are equal, the closest first

    @property
    def equal(self) -> list[Match]:
        """The definitions on the dataset that give the constant."""
        return [match for match in self.measured if match.is_equal]


def identify(constant: Constant, definitions: Iterable[Candidate]) -> Identification:
    """Compare with the definitions on the dataset and with what is published.

    What is published with more decimals counts only if nothing is published just so.
    """
    published = [match for match in matches(constant, published_constants()) if match.is_equal]
    just_so = [match for match in published if match.difference == 0]
    return Identification(constant, matches(constant, definitions), just_so or published)


def definitions(split: str, statistics: SplitStatistics) -> list[Candidate]:
    """Every definition of a mean and a std that is in use, measured on a split."""
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
    # A float64 stands for its shortest decimals, as it does where it is written to a file.
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
    """To how many of the decimals given two numbers agree: within half a unit of the last of them.

    Not by rounding both: 0.4465, itself rounded from 0.44653, would round to another third decimal.

    >>> agreed_decimals(Fraction("0.44653") - Fraction("0.4465"), 4)
    4
    """
    agreed = 0
    while agreed < given and difference * 2 * 10 ** (agreed + 1) <= 1:
        agreed += 1
    return agreed


def sentence(found: Identification) -> str:
    """What the constant is, for people."""
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
