"""Every snippet has the same numbers. tests/pipeline/test_report_snippets.py runs them."""

from __future__ import annotations

import ast
import json
import re

import pytest

from stages.report.snippets import snippets

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


@pytest.mark.parametrize("channels", [1, 3])
def test_timm_is_told_the_size_of_the_images(channels: int) -> None:
    texts = {s.library: s.text for s in snippets(MEAN[:channels], STD[:channels], (48, 64))}
    assert f'"input_size": ({channels}, 48, 64)' in texts["timm"]


@pytest.mark.parametrize(("channels", "names"), [(1, "gray"), (3, "red, green, blue")])
def test_json_says_which_number_is_of_which_channel(channels: int, names: str) -> None:
    notes = {s.library: s.note for s in snippets(MEAN[:channels], STD[:channels], (32, 32))}
    assert notes["JSON"].endswith(f"pixel fractions, {names}")
