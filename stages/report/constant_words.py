"""What the constants of a preset are, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stages.identify.matching import Candidate, Constant, identify, sentence

FITTED = {
    "pixel": "Fitted to the train split: the mean and the std of all its pixels.",
    "image": "Fitted to the train split: the mean of all its pixels, and the mean over its images "
    "of each image's own std (ddof 0).",
}


def fitted_words(definition: str, constant_channels: Mapping[str, int]) -> str:
    """What was fitted, and where there was no std to fit."""
    constant = (
        f"In {channel} every pixel is {level} of 255: its std is set to 1."
        for channel, level in constant_channels.items()
    )
    return " ".join([FITTED[definition], *constant])


def fixed_words(mean: Sequence[float], std: Sequence[float], measured: list[Candidate]) -> str:
    """Which definitions on the dataset, and which published constants, the numbers are."""
    constants = [Constant.of_preset(mean, "mean"), Constant.of_preset(std, "std")]
    sentences = [sentence(identify(constant, measured)) for constant in constants]
    return " ".join(f"{words[:1].upper()}{words[1:]}." for words in sentences)
