"""The examples in the docstrings of the arithmetic."""

from __future__ import annotations

import doctest
import importlib

import pytest

# Modules in which each public function has an example.
MODULES = [
    "check.verdict",
    "compare.effects",
    "compare.inference",
    "compare.shift",
    "export.configs",
    "export.keras_weights",
    "export.limits",
    "measure.counting",
    "normalize.presets",
    "report.numbers",
    "sample.extremes",
    "sample.sizes",
    "shared.batches",
    "shared.names",
    "shared.preparation",
    "statistics.histograms",
    "statistics.summary",
]
# These take or give a whole report, which is too long for an example.
WITHOUT = {"design_effect", "image_effects", "in_words"}
SOME = ["compare.reweigh", "identify.matching"]


@pytest.mark.parametrize("name", [*MODULES, *SOME])
def test_examples_give_what_they_say(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"stages.{name}"))
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("name", MODULES)
def test_each_public_function_has_an_example(name: str) -> None:
    module = importlib.import_module(f"stages.{name}")
    without = {
        test.name.rpartition(".")[2]
        for test in doctest.DocTestFinder(exclude_empty=False).find(module)
        if not test.examples and test.name != module.__name__
    }
    functions = {
        key
        for key, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and getattr(value, "__module__", None) == module.__name__
        and not key.startswith("_")
    }
    assert functions & without <= WITHOUT
