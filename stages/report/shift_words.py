"""The shift in words: first how large it is, then how certain.

Fixed rules turn the numbers of the shift report into sentences. A measure without a finite value
(None) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from stages.report.numbers import percent, signed, significant, span

Shift = Mapping[str, Any]

# The least Cohen's d of a small, medium and large effect (Cohen, Statistical Power Analysis, 1988).
# The least population stability index of a small and of a large change (Siddiqi, 2006).
SIZES = ("negligible", "small", "medium", "large")
COHENS_D = (0.2, 0.5, 0.8)
PSI = (0.1, 0.25, 0.25)

# Below this usual p-value, chance is called a poor explanation. It only chooses words.
SELDOM = 0.05

# Resampling n images understates their variance by 1 / n: by more than 5 % below 20 images.
FEW = 20

# The verdict uses only the p-value of this measure, as it sees a shift of any kind.
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
    """The size and the certainty in one sentence, as neither implies the other."""
    size, p_value = size_in_words(shift), shift["p_value"][TESTED]["any_channel"]
    if size is None:
        return "The size of the shift cannot be told: some measures have no finite value."
    if p_value is None:
        return f"The shift is {size} in size; whether chance explains it cannot be told."
    chance = "chance and the different mix of classes" if mix(shift) else "chance alone"
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
        "Compared with how much single images differ, that is a Cohen's d of at most "
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
        return "No class has images in both splits, so none can be shuffled between them."
    *others, last = known
    listed = f"{', '.join(others)} and {last}" if others else last
    p_value = shift["p_value"][TESTED]["any_channel"]
    caution = (
        "A small p-value says that there is a shift, not that it is large."
        if p_value is not None and p_value < SELDOM
        else "That is no proof that there is no shift: the intervals say how large one may be."
    )
    shuffled = "images of each class" if all(shift["labelled"].values()) else "images"
    farthest = ", in the channel that is farthest apart" if len(shift["mean_levels"]) > 1 else ""
    return (
        f"Shuffling the {shuffled} between the splits, {permutations:,} times, "
        f"gives {listed} of the shuffles{farthest}. {caution}"
        f"{no_strata(shift)}{mix(shift)}{small_classes(shift)}"
    )


def without_labels(shift: Shift) -> str:
    unlabelled = [f"{split} split" for split, is_so in shift["labelled"].items() if not is_so]
    return f"Not every image of the {' and the '.join(unlabelled)} has a label"


def no_strata(shift: Shift) -> str:
    """A caution where the shuffles ignore classes."""
    if all(shift["labelled"].values()):
        return ""
    return (
        f" {without_labels(shift)}, so the shuffles ignore classes. A different mix of classes "
        "counts as a shift too."
    )


def mix(shift: Shift) -> str:
    """A caution where the classes have different shares in the two splits."""
    apart = (shift["class_mix"] or {}).get("total_variation")
    if not apart:
        return ""
    return (
        f" The mix of classes differs: {percent(apart)} of the images would have to change class "
        "to make the shares equal. The shuffles keep the shares, so the p-values only tell whether "
        "the classes themselves differ. Sizes and intervals are of the whole shift."
    )


def small_classes(shift: Shift) -> str:
    """A caution where a class has so few images that the intervals are too narrow."""
    counts = [n for of_class in shift["classes"].values() for n in of_class["images"].values() if n]
    fewest = min(counts, default=FEW)
    if fewest >= FEW:
        return ""
    images = "1 image" if fewest == 1 else f"{fewest} images"
    return (
        f" Some classes have only {images} in a split: resamples of so few vary too little, so the "
        "intervals are too narrow."
    )


def independence(shift: Shift) -> str:
    ratios = [ratio for ratio in shift["design_effect"].values() if ratio is not None]
    if not ratios or min(ratios) <= 1:
        return "Chance is judged by whole images."
    return (
        "Chance is judged by whole images, because the pixels of one image are alike: "
        f"{span(ratios, partial(significant, digits=3))} of them tell as much about the mean as "
        "one independent pixel (the design effect). A test that took pixels as independent would "
        "overstate the evidence by that factor."
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
