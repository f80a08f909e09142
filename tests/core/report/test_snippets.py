"""Every snippet carries the very same numbers; that it runs is tested in test_report.py."""

from __future__ import annotations

import ast
import json
import re

import pytest

from stages.core.report.snippets import snippets

MEAN = [0.1 + 0.2, 0.48215840839460783, 1 / 3]
STD = [0.24703223246328201, 5e-324, 1.0]
PYTHON = ("torchvision", "timm", "Albumentations", "Keras")


@pytest.mark.parametrize("library", PYTHON)
def test_numbers_in_code_read_back_as_the_same_floats(library: str) -> None:
    [text] = [s.text for s in snippets(MEAN, STD, (32, 32)) if s.library == library]
    numbers = dict(re.findall(r"^(mean|std) = (\[.*\])$", text, flags=re.MULTILINE))
    assert ast.literal_eval(numbers["mean"]) == MEAN
    assert ast.literal_eval(numbers["std"]) == STD


def test_numbers_in_json_read_back_as_the_same_floats() -> None:
    texts = {s.library: s.text for s in snippets(MEAN, STD, (32, 32))}
    assert set(texts) == {*PYTHON, "Hugging Face", "JSON"}
    assert json.loads(texts["JSON"]) == {"mean": MEAN, "std": STD}
    preprocessor = json.loads(texts["Hugging Face"])
    assert (preprocessor["image_mean"], preprocessor["image_std"]) == (MEAN, STD)
    assert preprocessor["rescale_factor"] == 1 / 255


def test_timm_is_told_the_size_of_the_images() -> None:
    texts = {s.library: s.text for s in snippets(MEAN, STD, (48, 64))}
    assert '"input_size": (3, 48, 64)' in texts["timm"]
