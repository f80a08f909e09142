"""`python -m stages.identify` as a user runs it."""

from __future__ import annotations

import pytest
import torch

from stages.download.ready_made.labelled import LabelledImages
from stages.measure.counting import measure_batch
from stages.statistics.files import save_statistics
from tests.conftest import Project

NUMBERS = "expected numbers from 0 to 255 in plain decimals such as 0.2023"


@pytest.fixture(scope="module")
def project(
    checkout: Project,
    cifar10: dict[str, LabelledImages],
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """A project with only the statistics of CIFAR-10; no test changes it."""
    project = checkout.copy_to(tmp_path_factory.mktemp("identify") / "normstats")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.path)
        for split, labelled in cifar10.items():
            save_statistics(split, measure_batch(labelled.images, torch.device("cpu")))
    return project


def test_three_numbers_are_looked_up_as_a_mean_and_as_a_std(project: Project) -> None:
    output = project.stage("identify", "0.2023,", "0.1994,", "0.2010")
    assert " ".join(output.split()).startswith(
        "0.2023 0.1994 0.2010 equals the mean of the train images' stds (ddof 1) to all 4 decimals "
        "given; published as the std of CIFAR-10. closest differs by up to mean of the train "
        "images' stds (ddof 1) 0.20230092 0.19941281 0.20096161 "
    )
    assert output.endswith("\n  https://github.com/kuangliu/pytorch-cifar/issues/16\n")
    assert "mean of all train pixels to all 4" in project.stage(
        "identify", "0.4914", "0.4822", "0.4465"
    )


def test_six_numbers_are_a_mean_and_a_std(project: Project) -> None:
    words = "0.4914 0.4822 0.4465 0.247 0.2435 0.2616"
    mean, std = project.stage("identify", *words.split()).split("\n\nstd ")
    assert mean.startswith("mean 0.4914 0.4822 0.4465 equals the mean of all train pixels to all 4")
    assert std.startswith("0.247 0.2435 0.2616 equals the std of all train pixels to all 4")


def test_a_preset_is_known_by_its_name(project: Project) -> None:
    output = " ".join(project.stage("identify", "imagenet").split())
    assert "mean 0.485 0.456 0.406 equals nothing measured here" in output
    assert "published as the mean of ImageNet" in output
    assert "std 0.229 0.224 0.225 equals nothing measured here" in output
    assert "published as the std of ImageNet" in output


def test_a_fitted_preset_equals_its_definition_to_the_last_digit(project: Project) -> None:
    output = " ".join(project.stage("identify", "dataset_image_std").split())
    assert "equals the mean of all train pixels to all 17 decimals given" in output
    assert "equals the mean of the train images' stds (ddof 0) to all 17 decimals given" in output


@pytest.mark.parametrize("words", ["0.2023 0.1994 0.2010", "imagenet", "125.3 123.0 113.9"])
def test_the_answer_fits_a_terminal_of_100_columns(project: Project, words: str) -> None:
    lines = project.stage("identify", *words.split()).splitlines()
    assert all(len(line) <= 100 for line in lines if "https://" not in line)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            "0.2023 0.1994",
            "expected 3 numbers (a mean or a std), 6 numbers (a mean, then a std) or the name of a "
            "preset, found 2 words: 0.2023 0.1994",
        ),
        (
            "nope",
            "no preset 'nope' in params.yaml; expected one of to_tensor, half, imagenet, "
            "dataset_image_std, dataset_pixel_std",
        ),
        ("0.2 nan 0.2", f"{NUMBERS}, found nan"),
        ("0.2 -0.2 1e-1", f"{NUMBERS}, found -0.2, 1e-1"),
        ("0.4 0.4 0.4 256 0.2 red", f"{NUMBERS}, found 256, red"),
    ],
)
def test_a_mistake_is_named(project: Project, words: str, error: str) -> None:
    assert project.stage("identify", *words.split(), expect=1) == f"error: {error}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["0.2023,0.1994,0.2010"],
        ["0.2023,", "0.1994,", "0.2010"],
        ["(0.2023, 0.1994, 0.2010)"],
        ["[0.2023,", "0.1994,", "0.2010]"],
    ],
)
def test_a_constant_is_read_as_it_is_copied(project: Project, words: list[str]) -> None:
    plain = project.stage("identify", "0.2023", "0.1994", "0.2010")
    assert project.stage("identify", *words) == plain


def test_a_preset_is_in_fractions(project: Project) -> None:
    preset = {"mean": [0, 0, 0], "std": [2, 2, 2]}
    project.edit_params(lambda params: params["presets"].update(doubled=preset))
    output = project.stage("identify", "doubled")
    assert "std 2 2 2 equals nothing measured here" in output
    assert "levels" not in output


def test_missing_statistics_are_named(checkout: Project) -> None:
    assert checkout.stage("identify", "imagenet", expect=1) == (
        "error: data/statistics/train.npz: no statistics there; run `dvc repro measure@train`\n"
    )
