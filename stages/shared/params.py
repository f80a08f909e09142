"""What `params.yaml` may hold, as frozen, validated values."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from stages.shared.location import Location, check_root, locate
from stages.shared.names import Channel
from stages.shared.preparation import MAX_PIXELS, MOST_PIXELS, Preparation

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
PositiveNumber = Annotated[Number, Field(gt=0)]


def _of_each_channel(numbers: list[float]) -> list[float]:
    if len(numbers) not in (1, 3):
        raise ValueError(f"expected 1 number (gray) or 3 (red, green, blue), found {numbers}")
    return numbers


OfEachChannel = AfterValidator(_of_each_channel)


def _matches(pattern: str, expected: str) -> BeforeValidator:
    def check(text: Any) -> Any:
        if not isinstance(text, str) or not re.fullmatch(pattern, text):
            raise ValueError(f"expected {expected}, found {text!r}")
        return text

    return BeforeValidator(check)


# A preset's name is part of a stage's name and of a path.
PresetName = Annotated[
    str, _matches(r"[A-Za-z][A-Za-z0-9_-]*", "a name of letters, digits, _ and - after a letter")
]
DeviceName = Annotated[
    str, _matches(r"auto|cpu|mps|cuda(:\d+)?", "auto, cpu, mps, cuda or a numbered one as cuda:1")
]
RayAddress = Annotated[
    str, _matches(r"auto|[^/\s]+:\d+", "auto, or host:port of the head node of a Ray cluster")
]

Word = Annotated[str, Field(min_length=1)]
FolderName = Annotated[str, _matches(r"(?!\.\.?$)[^/\\]+", "the name of a folder in dataset.root")]
Root = Annotated[Word, AfterValidator(check_root)]
Side = Annotated[int, Field(strict=True, gt=0, le=2**14)]
Sides = tuple[Side, Side]  # height, width
# The datasets of stages/download/ready_made, which this room cannot import; a test compares.
ReadyMade = Literal["cifar10", "cifar100", "mnist", "fashion_mnist", "svhn", "stl10"]

# The measures of reports/shift.json that grow as the splits move apart. They are not imported from
# stages/compare, as every stage would then depend on it; a test compares.
LimitedMeasure = Literal[
    "mean_levels",
    "mean_stds",
    "std_ratio",
    "wasserstein_levels",
    "wasserstein_stds",
    "kolmogorov_smirnov",
    "jensen_shannon_bits",
    "psi",
    "total_variation",
    "image_mean_cohens_d",
    "image_std_cohens_d",
]


def _a_limit(limit: Any) -> Any:
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 0:
        raise ValueError(f"expected a number from 0, or such numbers by channel, found {limit!r}")
    return limit


def _limit_kind(limit: Any) -> str:
    return "by channel" if isinstance(limit, dict) else "of every channel"


Limit = Annotated[
    Annotated[Number, BeforeValidator(_a_limit), Tag("of every channel")]
    | Annotated[
        dict[Channel, Annotated[Number, Field(ge=0)]], Field(min_length=1), Tag("by channel")
    ],
    Discriminator(_limit_kind),
]
# `limits:` is None if each of its lines is commented out.
Limits = Annotated[
    dict[LimitedMeasure, Limit],
    BeforeValidator(lambda limits: {} if limits is None else limits),
]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Splits(Section):
    """The folder of each split."""

    train: FolderName
    test: FolderName

    @model_validator(mode="after")
    def _are_two(self) -> Splits:
        if self.train == self.test:
            raise ValueError(f"expected two folders, found {self.train!r} for both")
        return self


class Dataset(Section):
    root: Root
    splits: Splits
    download: list[ReadyMade]
    sources: Annotated[list[Word], Field(min_length=1)] | None = None
    timeout_seconds: Annotated[PositiveNumber, Field(le=24 * 3600)] = 20
    minimum_bytes_per_second: PositiveNumber = 200_000

    on_bad_image: Literal["stop", "quarantine"] = "stop"
    resize: Side | Sides | None = None
    crop: Side | Sides | None = None
    max_pixels: Annotated[int, Field(strict=True, gt=0, le=MOST_PIXELS)] = MAX_PIXELS

    @property
    def preparation(self) -> Preparation:
        crop = self.crop
        both = (crop, crop) if isinstance(crop, int) else crop
        return Preparation(self.resize, both, self.max_pixels)

    def folder(self, split: str) -> Location:
        """Where the images of `train` or `test` are."""
        return locate(self.root, getattr(self.splits, split))


class Measure(Section):
    engine: Literal["local", "ray"] = "local"
    ray_address: RayAddress | None = None
    device: DeviceName = "auto"
    batch_images: Annotated[int, Field(strict=True, gt=0)] = 4096


class Compare(Section):
    # With fewer than 19 permutations no p-value is as low as 0.05, and no interval covers 95 %.
    permutations: Annotated[int, Field(strict=True, ge=19)] = 1000
    seed: Annotated[int, Field(strict=True, ge=0)] = 0


class FixedPreset(Section):
    """One number for gray images, or one each for red, green and blue."""

    mean: Annotated[list[Number], OfEachChannel]
    std: Annotated[list[PositiveNumber], OfEachChannel]

    @model_validator(mode="after")
    def _of_the_same_channels(self) -> FixedPreset:
        if len(self.mean) != len(self.std):
            raise ValueError(
                f"expected as many numbers in mean as in std, found {self.mean} and {self.std}"
            )
        return self


class FittedPreset(Section):
    """Constants fitted to the train split. Fitted to the test split, they would leak it."""

    fit: Literal["train"]
    std: Literal["pixel", "image"]


def _preset_kind(preset: Any) -> str:
    return "fitted" if isinstance(preset, dict) and "fit" in preset else "fixed"


AnyPreset = Annotated[
    Annotated[FixedPreset, Tag("fixed")] | Annotated[FittedPreset, Tag("fitted")],
    Discriminator(_preset_kind),
]


class Params(Section):
    preset: str
    dataset: Dataset
    measure: Measure = Measure()
    compare: Compare = Compare()
    limits: Limits = {}
    presets: Annotated[dict[PresetName, AnyPreset], Field(min_length=1)]

    @field_validator("limits")
    @classmethod
    def _ratios_can_hold(cls, limits: Limits) -> Limits:
        limit = limits.get("std_ratio", 1)
        lowest = min(limit.values()) if isinstance(limit, dict) else limit
        if lowest < 1:
            raise ValueError(
                "std_ratio: expected at least 1, as it bounds the larger of the ratio and its "
                f"inverse, found {lowest}"
            )
        return limits

    @model_validator(mode="after")
    def _chosen_preset_exists(self) -> Params:
        if self.preset not in self.presets:
            raise ValueError(
                f"preset: expected one of {', '.join(self.presets)}, found {self.preset!r}"
            )
        return self
