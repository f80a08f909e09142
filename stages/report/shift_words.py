"""The shift in words: how large it is first, then how surely it is there.

Every sentence is made of the numbers of the shift report by the rules in this module. A measure
without a finite value (None) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.report.numbers import percent, signed, significant, span

Shift = Mapping[str, Any]

# From which Cohen's d an effect is called so (Cohen, Statistical Power Analysis, 1988), and from
# which population stability index a population changed a little and a lot (Siddiqi, 2006).
SIZES = ("negligible", "small", "medium", "large")
COHENS_D = (0.2, 0.5, 0.8)
PSI = (0.1, 0.25, 0.25)

# The usual line below which a p-value makes chance a poor explanation. It only chooses words.
SELDOM = 0.05

# Drawing n images understates their variance by 1 in n: below so many, by more than 5 percent.
FEW = 20

# The one test that the verdict rests on: the distance sees a shift of any kind.
TESTED = "wasserstein_levels"


@dataclass(frozen=True)
class ShiftWords:
    verdict: str
    size: str
    certainty: str
    independence: str


def shift_words(shift: Shift, permutations: int) -> ShiftWords:
    return ShiftWords(
        verdict=verdict(shift),
        size=" ".join(
            filter(None, (of(shift) for of in (brightness, contrast, overlap, effects, constants)))
        ),
        certainty=certainty(shift, permutations),
        independence=independence(shift),
    )


def verdict(shift: Shift) -> str:
    """The size and the certainty in one sentence: neither stands for the other."""
    size, p_value = size_in_words(shift), shift["p_value"][TESTED]["any_channel"]
    if size is None:
        return "The size of the shift cannot be told: some measures have no finite value."
    if p_value is None:
        return f"The shift is {size} in size; whether chance explains it cannot be told."
    chance = "chance and the other mix of classes" if mix(shift) else "chance alone"
    if p_value < SELDOM:
        link = "though" if size == SIZES[0] else "and"
        return f"The shift is {size} in size, {link} {chance} would seldom give as much."
    link = "and" if size == SIZES[0] else "yet"
    return f"The shift is {size} in size, {link} {chance} may explain it."


def size_in_words(shift: Shift) -> str | None:
    """The worst of brightness, contrast (Cohen's d of the images) and distribution (PSI)."""
    steps = [
        sum(value >= threshold for threshold in thresholds)
        for measure, thresholds in (
            ("image_mean_cohens_d", COHENS_D),
            ("image_std_cohens_d", COHENS_D),
            ("psi", PSI),
        )
        for value in _sizes(shift[measure])
    ]
    return SIZES[max(steps)] if steps else None


def brightness(shift: Shift) -> str:
    levels = shift["mean_levels"]
    gaps = list(levels.values())
    if not any(gaps):
        return "The test images are on average exactly as bright as the train images."
    if min(gaps) < 0 < max(gaps):
        each = ", ".join(f"{signed(gap, 2)} in {channel}" for channel, gap in levels.items())
        return f"Test minus train, the mean differs by {each}, of 255 levels."
    in_stds = _sizes(shift["mean_stds"])
    stds = f" ({span(in_stds)} stds of the train pixels)" if in_stds else ""
    than = "brighter" if max(gaps) > 0 else "darker"
    sizes = span(abs(gap) for gap in gaps)
    return f"The test images are {than} than the train images by {sizes} of 255 levels{stds}."


def contrast(shift: Shift) -> str:
    ratios = shift["std_ratio"]
    if None in ratios.values():
        unknown = " and ".join(channel for channel, ratio in ratios.items() if ratio is None)
        return f"In {unknown} all train pixels are the same, so stds cannot be compared."
    off = max(abs(ratio - 1) for ratio in ratios.values())
    return f"The stds of their pixels differ by at most {significant(100 * off)} %."


def overlap(shift: Shift) -> str:
    shared = min(shift["overlap"].values())
    return f"At least {percent(shared)} of the two pixel distributions overlap."


def effects(shift: Shift) -> str:
    bright, contrasted = (_sizes(shift[f"image_{of}_cohens_d"]) for of in ("mean", "std"))
    if len(bright) + len(contrasted) < 2 * len(shift["mean_levels"]):
        return ""
    return (
        "Beside how much images differ from each other anyway, that is a Cohen's d of at most "
        f"{significant(max(bright))} in brightness and {significant(max(contrasted))} in contrast; "
        "0.2 counts as small."
    )


def constants(shift: Shift) -> str:
    return " ".join(
        f"In {channel} every pixel of both splits is {level} of 255: there is no shift."
        for channel, level in shift["constant_channels"].items()
    )


def certainty(shift: Shift, permutations: int) -> str:
    shares = {
        words: shift["p_value"][measure]["any_channel"]
        for measure, words in (
            (TESTED, "distributions as far apart"),
            ("mean_levels", "means as far apart"),
            ("std_ratio", "stds as unlike"),
        )
    }
    known = [f"{words} in {percent(p)}" for words, p in shares.items() if p is not None]
    if not known:
        return "No class has images in both splits, so none can be dealt out anew between them."
    *others, last = known
    listed = f"{', '.join(others)} and {last}" if others else last
    p_value = shift["p_value"][TESTED]["any_channel"]
    caution = (
        "A small p-value says that there is a shift, not that it is large."
        if p_value is not None and p_value < SELDOM
        else "That is no proof that there is no shift: the intervals say how large one may be."
    )
    dealt = "images of each class" if all(shift["labelled"].values()) else "images"
    farthest = ", in the channel that is farthest apart" if len(shift["mean_levels"]) > 1 else ""
    return (
        f"Dealing the {dealt} out anew between the splits, {permutations:,} times, "
        f"gives {listed} of the deals{farthest}. {caution}"
        f"{no_strata(shift)}{mix(shift)}{small_classes(shift)}"
    )


def without_labels(shift: Shift) -> str:
    unlabelled = [f"{split} split" for split, is_so in shift["labelled"].items() if not is_so]
    return f"Not every image of the {' and the '.join(unlabelled)} has a label"


def no_strata(shift: Shift) -> str:
    """A caution where the deals know no classes."""
    if all(shift["labelled"].values()):
        return ""
    return (
        f" {without_labels(shift)}: classes were left out of the deals, so that another mix of "
        "them counts as a shift too."
    )


def mix(shift: Shift) -> str:
    """A caution where the classes are not equally frequent in both splits."""
    apart = (shift["class_mix"] or {}).get("total_variation")
    if not apart:
        return ""
    return (
        f" The splits mix their classes otherwise: for equal shares {percent(apart)} of the images "
        "would have to be of another class. The deals keep those shares, so that the p-values only "
        "tell whether the classes themselves differ; sizes and intervals are of the whole shift."
    )


def small_classes(shift: Shift) -> str:
    """A caution where so few images are drawn from that the intervals are too narrow."""
    counts = [n for of_class in shift["classes"].values() for n in of_class["images"].values() if n]
    fewest = min(counts, default=FEW)
    if fewest >= FEW:
        return ""
    images = "1 image" if fewest == 1 else f"{fewest} images"
    return (
        f" Some classes have only {images} in a split: drawn from so few, they vary too little, "
        "and the intervals are too narrow."
    )


def independence(shift: Shift) -> str:
    ratios = [ratio for ratio in shift["design_effect"].values() if ratio is not None]
    if not ratios or min(ratios) <= 1:
        return "Chance enters here by whole images."
    return (
        "Chance enters here by whole images, because the pixels of one image are alike: "
        f"{span(ratios, 3)} of them tell as much about the mean as a single independent pixel "
        "would (the design effect), and a test that took pixels as independent would overstate "
        "the evidence as many times."
    )


def limits_in_words(check: Mapping[str, Any]) -> str:
    held = [c["holds"] for channels in check["limits"].values() for c in channels.values()]
    if not held:
        return "No limits set"
    if all(held):
        return f"All {len(held)} limits hold"
    return f"{held.count(False)} of {len(held)} limits broken"


def _sizes(by_channel: Mapping[str, float | None]) -> list[float]:
    return [abs(value) for value in by_channel.values() if value is not None]
