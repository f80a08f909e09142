"""The sizes of the images in words: in their files, and what was made of them before measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stages.report.numbers import percent
from stages.shared.params import Dataset

Sizes = Mapping[str, Mapping[str, Any]]  # by split, as `samples.json` has them

ENDS = ("smallest", "largest")


def of_one_size(sizes: Sizes) -> bool:
    """Whether the files of both splits have images of one size, so that there is none to draw."""
    return len({tuple(of["files"][end]) for of in sizes.values() for end in ENDS}) == 1


def size_words(sizes: Sizes, dataset: Dataset) -> list[str]:
    """A paragraph on each split, or one on both, and one on what resizing and cropping did."""
    if of_one_size(sizes):
        paragraphs = [f"Every image is {_by(sizes['train']['files']['smallest'])} pixels."]
    else:
        paragraphs = [_of_split(split, of["files"]) for split, of in sizes.items()]
    if (dataset.resize or dataset.crop) and any(of["files"]["changed"] for of in sizes.values()):
        paragraphs.append(_of_preparation(sizes, dataset))
    return paragraphs


def _of_split(split: str, files: Mapping[str, Any]) -> str:
    if files["sizes"] == 1:
        return f"Every {split} image is {_by(files['smallest'])} pixels."
    frequent = [f"{_by(of)} ({_share(of[2], files)})" for of in files["most_frequent"]]
    return (
        f"The {split} images have {files['sizes']:,} sizes, from {_by(files['smallest'])} to "
        f"{_by(files['largest'])} pixels, width × height; the most frequent are "
        f"{_listed(frequent)}. {_sides(split, files)} {_ratios(split, files)}"
    )


def side_words(sizes: Sizes) -> str:
    """Between which lengths the longer sides of most images are."""
    return " ".join(_sides(split, of["files"]) for split, of in sizes.items())


def ratio_words(sizes: Sizes) -> str:
    """How many images are higher than wide, and how many wider than high."""
    return " ".join(_ratios(split, of["files"]) for split, of in sizes.items())


def _sides(split: str, files: Mapping[str, Any]) -> str:
    low, median, high = files["longer_side"]
    return (
        f"The longer side of 90 % of the {split} images has {low} to {high} pixels; its median is "
        f"{median}."
    )


def _ratios(split: str, files: Mapping[str, Any]) -> str:
    portrait, landscape = files["portrait"], files["landscape"]
    return (
        f"Of the {split} images {_share(portrait, files)} are higher than wide, "
        f"{_share(landscape, files)} wider than high, and "
        f"{_share(images_of(files) - portrait - landscape, files)} square."
    )


def _of_preparation(sizes: Sizes, dataset: Dataset) -> str:
    made = [
        f"the {split} images {' to '.join(dict.fromkeys(_by(of[end]) for end in ENDS))}"
        for split, of in sizes.items()
    ]
    settings, done = [], []
    for name, what, key in (
        ("resize", "Resizing enlarged", "enlarged"),
        ("crop", "Cropping added black to", "padded"),
    ):
        if getattr(dataset, name) is not None:
            train, test = (_share(of["files"][key], of["files"]) for of in sizes.values())
            settings.append(f"dataset.{name}")
            done.append(f"{what} {train} of the train and {test} of the test images.")
    return f"{_listed(settings)} made {_listed(made)} pixels. {' '.join(done)}"


def images_of(files: Mapping[str, Any]) -> int:
    """How many images the sizes are of."""
    return sum(files["longer_side_bins"].values())


def _share(images: int, files: Mapping[str, Any]) -> str:
    return percent(images / images_of(files))


def _by(size: Sequence[int]) -> str:
    """Width and height, in the order in which people say the size of a picture."""
    return f"{size[1]} × {size[0]}"


def _listed(items: Sequence[str]) -> str:
    *before, last = items
    return f"{', '.join(before)} and {last}" if before else last
