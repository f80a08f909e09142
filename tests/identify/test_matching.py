"""What a constant is, against numpy on the pixels themselves."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from stages.download.ready_made.labelled import LabelledImages
from stages.identify.matching import (
    Candidate,
    Constant,
    Identification,
    definitions,
    identify,
    sentence,
)
from stages.identify.published import PUBLISHED, Published
from stages.measure.counting import measure_batch
from tests.conftest import ROOT

Numbers = dict[str, np.ndarray[Any, Any]]

CPU = torch.device("cpu")


def by_hand(split: str, images: np.ndarray[Any, Any]) -> Numbers:
    """Every definition, of every channel, straight from its name."""
    values = []
    for channel in range(images.shape[1]):
        pixels_NP = images[:, channel].reshape(len(images), -1) / 255
        means_N, stds_N = pixels_NP.mean(1), pixels_NP.std(1)
        channel_values = {
            f"mean of all {split} pixels": pixels_NP.mean(),
            f"std of all {split} pixels": pixels_NP.std(),
            f"std of the {split} images' means": means_N.std(),
            f"std of the {split} images' stds": stds_N.std(),
            f"mean of the {split} images' stds (ddof 0)": stds_N.mean(),
            f"root mean variance of the {split} images": np.sqrt((stds_N**2).mean()),
        }
        if pixels_NP.shape[1] > 1:
            name = f"mean of the {split} images' stds (ddof 1)"
            channel_values[name] = pixels_NP.std(1, ddof=1).mean()
        values.append(channel_values)
    return {name: np.array([channel[name] for channel in values]) for name in values[0]}


@pytest.fixture(scope="module")
def measured(cifar10: dict[str, LabelledImages]) -> list[Candidate]:
    return [
        definition
        for split in ("train", "test")
        for definition in definitions(split, measure_batch(cifar10[split].images, CPU))
    ]


@pytest.fixture(scope="module")
def expected(cifar10: dict[str, LabelledImages]) -> Numbers:
    return by_hand("train", cifar10["train"].images) | by_hand("test", cifar10["test"].images)


def constant(text: str) -> Constant:
    return Constant(tuple(text.split()))


def names(found: Identification) -> list[str]:
    return [match.candidate.name for match in found.equal]


@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 6), st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)),
        elements=st.integers(0, 255),
    )
)
@example(np.full((2, 3, 1, 1), 7, np.uint8))
def test_every_definition_equals_numpy_on_the_pixels(images: np.ndarray[Any, Any]) -> None:
    values = {found.name: found.values for found in definitions("x", measure_batch(images, CPU))}
    numpy_values = by_hand("x", images)
    assert values.keys() == numpy_values.keys()
    for name, numbers in numpy_values.items():
        assert np.array(values[name], float) == pytest.approx(numbers, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "name", "published"),
    [
        ("0.2023 0.1994 0.2010", "mean of the train images' stds (ddof 1)", ["std of CIFAR-10"]),
        ("0.2022 0.1993 0.2009", "mean of the train images' stds (ddof 0)", []),
        ("0.2470 0.2435 0.2616", "std of all train pixels", ["std of CIFAR-10"]),
        ("0.247 0.2435 0.2616", "std of all train pixels", ["std of CIFAR-10"]),
        ("0.4914 0.4822 0.4465", "mean of all train pixels", ["mean of CIFAR-10"]),
        ("125.3 123.0 113.9", "mean of all train pixels", ["mean of CIFAR-10"]),
        ("63.0 62.1 66.7", "std of all train pixels", ["std of CIFAR-10"]),
    ],
)
def test_the_copied_constants_are_one_definition_and_no_other(
    text: str, name: str, published: list[str], measured: list[Candidate]
) -> None:
    found = identify(constant(text), measured)
    assert names(found) == [name]
    assert found.equal[0].decimals == found.constant.decimals
    assert [match.candidate.name for match in found.published] == published


@pytest.mark.parametrize("decimals", [4, 8, 12])
def test_a_rounded_definition_is_found_by_its_digits(
    decimals: int, measured: list[Candidate], expected: Numbers
) -> None:
    for name, numbers in expected.items():
        words = tuple(f"{number:.{decimals}f}" for number in numbers)
        found = identify(Constant(words), measured)
        assert names(found) == [name]
        assert found.equal[0].decimals == decimals


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_tutorials_print_stats_std_is_the_std_of_the_images_stds(
    split: str, measured: list[Candidate]
) -> None:
    """Its numbers were summed in float32, so the last of their digits may be off."""
    tables = json.loads((ROOT / "tests/reference/seed_tables.json").read_text())
    numbers = tables["print_stats"]["to_tensor"][split]["std"]
    found = identify(Constant(tuple(map(str, numbers)), "std"), measured)
    assert names(found) == [f"std of the {split} images' stds"]
    assert found.equal[0].decimals >= 7


def test_imagenets_constants_are_none_of_cifar10(measured: list[Candidate]) -> None:
    for kind, text in (("mean", "0.485 0.456 0.406"), ("std", "58.395 57.120 57.375")):
        found = identify(constant(text), measured)
        assert found.equal == []
        (match,) = found.published
        assert match.candidate.name == f"{kind} of ImageNet"


def test_two_decimals_are_the_fewest_that_mean_anything(measured: list[Candidate]) -> None:
    assert names(identify(constant("0.49 0.48 0.45"), measured)) == ["mean of all train pixels"]
    assert names(identify(constant("125 123 114"), measured)) == ["mean of all train pixels"]
    assert names(identify(constant("0.5 0.5 0.4"), measured)) == []
    assert names(identify(constant("0.2 0.2 0.2"), measured)) == []


@pytest.mark.parametrize("entry", [entry for entry in PUBLISHED if entry.dataset == "CIFAR-10"])
def test_what_is_published_of_cifar10_has_the_definition_it_is_said_to_have(
    entry: Published, measured: list[Candidate], expected: Numbers
) -> None:
    if entry.mean:
        found = identify(Constant(tuple(entry.mean.split()), "mean"), measured)
        assert names(found) == ["mean of all train pixels"]
    if "cut off" in entry.definition:
        cut_off = np.floor(expected["std of all train pixels"] * 1000) / 1000
        assert np.array(entry.std.split(), float) == pytest.approx(cut_off)
    else:
        (name,) = names(identify(Constant(tuple(entry.std.split()), "std"), measured))
        definition = {"over all train pixels": "std of all train pixels"}
        assert name == definition.get(entry.definition, entry.definition)


@pytest.mark.parametrize("entry", PUBLISHED)
def test_each_published_constant_is_found_as_such(entry: Published) -> None:
    assert entry.source.startswith("https://")
    texts = [text for text in (entry.mean, entry.std) if text]
    assert texts
    for text in texts:
        found = identify(constant(text), definitions=[]).published
        assert entry.source in [match.candidate.source for match in found]


def test_gray_is_compared_with_gray() -> None:
    images = np.full((4, 1, 2, 2), 51, np.uint8)
    found = identify(constant("0.1307"), definitions("train", measure_batch(images, CPU)))
    assert all(len(match.candidate.values) == 1 for match in found.measured)
    assert [match.candidate.name for match in found.published] == ["mean of MNIST"]
    (in_colour,) = identify(constant("0.1307 0.1307 0.1307"), []).published
    assert in_colour.candidate.name == "mean of MNIST, its one channel three times"
    assert identify(constant("0.2"), definitions("x", measure_batch(images, CPU))).equal


def test_what_the_sentence_says(measured: list[Candidate]) -> None:
    def say(text: str, kind: Any = None) -> str:
        return sentence(identify(Constant(tuple(text.split()), kind), measured))

    assert say("0.2023 0.1994 0.2010") == (
        "0.2023 0.1994 0.2010 equals the mean of the train images' stds (ddof 1) to all 4 decimals "
        "given; published as the std of CIFAR-10"
    )
    assert say("0.229 0.224 0.225", "std") == (
        "std 0.229 0.224 0.225 equals nothing measured here; closest is the root mean variance of "
        "the train images, which differs by up to 0.018; published as the std of ImageNet"
    )
    assert say("125.3 123.0 113.9", "mean") == (
        "mean 125.3 123.0 113.9 (in levels 0..255) equals the mean of all train pixels to the last "
        "digit given; published as the mean of CIFAR-10"
    )
    assert say("0.25 0.24 0.26") == (
        "0.25 0.24 0.26 equals the std of all test pixels and the std of all train pixels to all 2 "
        "decimals given; up to rounding, the published std of CIFAR-10"
    )
    assert say("0.060528398 0.061124973 0.06764512") == (
        "0.060528398 0.061124973 0.06764512 equals the std of the train images' stds to 8 of the 9 "
        "decimals given; not among the published constants known here"
    )


@pytest.mark.parametrize(
    ("word", "values", "said"),
    [
        # No decimal is claimed that one of the definitions lacks.
        ("0.25000000", ["0.25000000", "0.25000040"], "the 1st and the 2nd to 6 of the 8 decimals"),
        ("0.987", ["0.987"] * 3, "the 1st, the 2nd and the 3rd to all 3 decimals"),
    ],
)
def test_the_sentence_names_every_equal_definition(word: str, values: list[str], said: str) -> None:
    candidates = [
        Candidate("std", name, (Fraction(value),))
        for name, value in zip(("1st", "2nd", "3rd"), values, strict=False)
    ]
    found = identify(Constant((word,), "std"), candidates)
    assert sentence(found).startswith(f"std {word} equals {said} given")
