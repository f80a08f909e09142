"""What is this constant? `python -m stages.identify 0.2023 0.1994 0.2010`."""

from __future__ import annotations

import argparse
import re
import textwrap

from stages import entry
from stages.core.identify import Constant, Identification, definitions, identify, sentence
from stages.core.statistics import SPLITS
from stages.core.summary import SplitSummary, summarize
from stages.files.params import load_params
from stages.files.statistics import load_statistics
from stages.normalize import find_preset

EXPECTED = "3 numbers (a mean or a std), 6 numbers (a mean, then a std) or the name of a preset"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("constant", nargs="+", help=EXPECTED)
    # As they are copied: with commas, brackets and parentheses.
    words = re.findall(r"[^\s,()\[\]]+", " ".join(parser.parse_args().constant))
    statistics = {split: load_statistics(split) for split in SPLITS}
    measured = [found for split in SPLITS for found in definitions(split, statistics[split])]
    constants = read_constants(words, summarize(statistics["train"]))
    print("\n\n".join(answer(identify(constant, measured)) for constant in constants))


def read_constants(words: list[str], train: SplitSummary) -> list[Constant]:
    if len(words) == 1:
        preset = find_preset(load_params(), words[0], train)
        return [Constant.of_preset(preset.mean, "mean"), Constant.of_preset(preset.std, "std")]
    if len(words) not in (3, 6):
        raise ValueError(f"expected {EXPECTED}, found {len(words)} words: {' '.join(words)}")
    if wrong := [w for w in words if not re.fullmatch(r"\d*\.?\d+", w) or float(w) > 255]:
        raise ValueError(
            "expected numbers from 0 to 255 in plain decimals, which tell their digits, as 0.2023, "
            f"found {', '.join(wrong)}"
        )
    if len(words) == 3:
        return [Constant(tuple(words))]
    return [Constant(tuple(words[:3]), "mean"), Constant(tuple(words[3:]), "std")]


def answer(found: Identification) -> str:
    lines = [
        textwrap.fill(f"{sentence(found)}.", 98),
        "",
        f"{'closest':41}{'differs by up to':>57}",
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
    entry.run(main)
