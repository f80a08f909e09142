"""What is this constant? `python -m stages.identify 0.2023 0.1994 0.2010`."""

from __future__ import annotations

import re
import textwrap

from stages.identify.matching import Constant, Identification, definitions, identify, sentence
from stages.normalize.named import find_preset
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.statistics.files import load_splits
from stages.statistics.summary import SplitSummary, summarize


def main(constant: list[str]) -> None:
    # People copy numbers with commas, brackets and parentheses.
    words = re.findall(r"[^\s,()\[\]]+", " ".join(constant))
    statistics = load_splits()
    measured = [found for split in statistics.items() for found in definitions(*split)]
    constants = read_constants(words, summarize(statistics["train"]))
    print("\n\n".join(answer(identify(constant, measured)) for constant in constants))


def read_constants(words: list[str], train: SplitSummary) -> list[Constant]:
    channels = len(train.channels)
    if len(words) == 1 and words[0][0].isalpha():
        preset = find_preset(load_params(), words[0], train)
        return [Constant.of_preset(preset.mean, "mean"), Constant.of_preset(preset.std, "std")]
    if len(words) not in (channels, 2 * channels):
        raise ValueError(
            f"expected {channels} number{'s' * (channels != 1)} (a mean or a std), {2 * channels} "
            "numbers (a mean, then a std) or the name of a preset, found "
            f"{len(words)} word{'s' * (len(words) != 1)}: {' '.join(words)}"
        )
    if wrong := [w for w in words if not re.fullmatch(r"\d*\.?\d+", w) or float(w) > 255]:
        raise ValueError(
            "expected numbers from 0 to 255 in plain decimals such as 0.2023, found "
            f"{', '.join(wrong)}"
        )
    first, second = tuple(words[:channels]), tuple(words[channels:])
    return [Constant(first, "mean"), Constant(second, "std")] if second else [Constant(first)]


def answer(found: Identification) -> str:
    lines = [
        textwrap.fill(f"{sentence(found)}.", 98),
        "",
        f"{'closest':41}{'differs by up to':>{14 * len(found.constant.words) + 15}}",
    ]
    for match in found.measured[:4]:
        values = (float(value * found.constant.unit) for value in match.candidate.values)
        numbers = "".join(f"{value:14.8f}" for value in values)
        lines.append(f"{match.candidate.name:41}{numbers}{float(match.difference):15.2g}")
    for match in found.published:
        what = f"{match.candidate.name}: {match.candidate.details}"
        lines += ["", textwrap.fill(what, 98), match.candidate.source]
    return textwrap.indent("\n".join(lines), "  ").lstrip()


if __name__ == "__main__":
    entry.run(
        main,
        entry.argument(
            "constant",
            nargs="+",
            help="a mean or a std, or a mean and then a std, with a number for each channel; or "
            "the name of a preset",
        ),
    )
