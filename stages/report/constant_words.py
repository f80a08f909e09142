"""What the constants of a preset are, in words: copied from where, right for what, or fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from stages.identify.matching import KINDS, Candidate, Constant, Kind, Match, identify
from stages.report.numbers import fixed, span

FITTED = {
    "pixel": "Fitted to the train split: the mean and the std of all its pixels.",
    "image": "Fitted to the train split: the mean of all its pixels, and the mean of its images' "
    "own stds (ddof 0).",
}


@dataclass(frozen=True)
class Origin:
    """What the constants are, and the addresses where they are published."""

    words: str
    sources: Sequence[str] = ()


def fitted_origin(definition: str, constant_channels: Mapping[str, int]) -> Origin:
    """What was fitted, and which channels are constant, so that their std was set to 1."""
    constant = (
        f"In {channel} every pixel is {level} of 255: its std is set to 1."
        for channel, level in constant_channels.items()
    )
    return Origin(" ".join([FITTED[definition], *constant]))


def fixed_origin(
    constants: Mapping[str, Sequence[float]],
    measured: Mapping[str, list[Candidate]],
    after: Mapping[str, Any],
    instead: str,
) -> Origin:
    """Who published the constants, whether they fit this dataset, and what to use if not.

    `measured` has the constants of each split under each definition, `after` the train split after
    the preset, and `instead` names a preset that is fitted to this dataset.
    """
    found = {
        kind: {
            split: identify(Constant.of_preset(constants[kind], kind), definitions)
            for split, definitions in measured.items()
        }
        for kind in KINDS
    }
    mean, std = (span(after[kind].values(), partial(fixed, decimals=2)) for kind in KINDS)
    published = {kind: found[kind]["train"].published for kind in KINDS}
    equal = {kind: _names(m for of in found[kind].values() for m in of.equal) for kind in KINDS}
    if all(found[kind]["train"].equal for kind in KINDS):
        verdict = [f"Right for this dataset: the {equal['mean']}, and the {equal['std']}."]
    else:
        verdict = [
            f"Wrong for this dataset: they give its train pixels a mean of {mean} and a std of "
            f"{std}, not 0 and 1.",
            *(f"The {kind} is measured here: the {equal[kind]}." for kind in KINDS if equal[kind]),
            f"Use {instead} instead, unless the network was trained with these.",
        ]
    return Origin(
        " ".join([_publication(published), *verdict]),
        list(dict.fromkeys(match.candidate.source for of in published.values() for match in of)),
    )


def _publication(published: Mapping[Kind, list[Match]]) -> str:
    of = {kind: _names(matches).replace(f"{kind} of ", "") for kind, matches in published.items()}
    if not any(of.values()):
        return "Not among the published constants known here."
    if of["mean"] == of["std"]:
        name, _, what = of["mean"].partition(" (")
        if name == "no dataset":
            return f"Made from no data: {what.removesuffix(')')}."
        return f"Copied: the published mean and std of {of['mean']}."
    return " ".join(
        f"The {kind} is the published one of {name}."
        if name
        else f"The {kind} is not among the published constants known here."
        for kind, name in of.items()
    )


def _names(matches: Iterable[Match]) -> str:
    return " and the ".join(dict.fromkeys(match.candidate.name for match in matches))
