"""The shape of every report, by the name of its file; reading a report checks it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, model_validator

from stages.shared.names import CHANNELS, Channel
from stages.shared.shape import (
    BySplit,
    Count,
    Digests,
    Finite,
    Finites,
    Shape,
    Side,
    Size,
    Split,
    Value,
)
from stages.shared.shift_shape import Shift

# By the number of each bin, which is bounded so that all between the first and last can be drawn.
Bins = Annotated[
    dict[Annotated[str, Field(pattern=r"^(0|-?[1-9]\d{0,2})$")], Side], Field(min_length=1)
]
Three = Annotated[list[Side], Field(min_length=3, max_length=3)]


class Checked(Shape):
    value: Value
    limit: Finite
    holds: bool


class Check(Shape):
    passed: bool
    limits: dict[str, dict[Channel, Checked]]

    @model_validator(mode="after")
    def _all_hold(self) -> Check:
        if self.passed != all(
            checked.holds for channels in self.limits.values() for checked in channels.values()
        ):
            raise ValueError("passed: expected whether all limits hold")
        return self


class Extreme(Shape):
    name: str
    index: Count
    brightness: Finite
    contrast: Finite
    of_class: str | None = Field(alias="class")  # None for an image without a label
    file: str | None
    picture: Annotated[str, Field(pattern=r"^data:image/png;base64,[A-Za-z0-9+/]+=*$")]


class FileSizes(Shape):
    """Those before `dataset.resize` and `crop`; bins are numbered as `BINS_PER_DOUBLING` has it."""

    sizes: Count
    smallest: Size
    largest: Size
    most_frequent: Annotated[list[Three], Field(min_length=1)]  # height, width, images
    longer_side: Three  # that 5, 50 and 95 % of the images do not exceed
    portrait: Count
    landscape: Count
    longer_side_bins: Bins
    aspect_ratio_bins: Bins
    changed: Count
    enlarged: Count
    padded: Count


class Sizes(Shape):
    smallest: Size
    largest: Size
    files: FileSizes


class Sample(Shape):
    sizes: Sizes
    sha256: dict[str, str]
    extremes: list[Extreme]


class Samples(Shape):
    train: Sample
    test: Sample


class OfSplit(Shape):
    images: Count
    classes: Count
    duplicates: Count = 0
    quarantined: Count = 0
    noted: dict[str, Count] = Field(default_factory=dict)
    converted: dict[str, Count] = Field(default_factory=dict)
    unlabelled: Count = 0
    decoder: list[str] = Field(default_factory=list)


class Inventory(Shape):
    train: OfSplit
    test: OfSplit
    contents_in_both_splits: Count = 0


class BadFile(Shape):
    name: str
    reason: str


class MeanAndStd(Shape):
    mean: Finites
    std: Finites


class Metrics(BySplit[MeanAndStd]):
    preset: MeanAndStd
    gap: MeanAndStd


class AfterPreset(MeanAndStd):
    images: Count
    pixels_per_channel: Count
    min: Finites
    max: Finites
    image_mean_std: Finites
    image_std_mean: Finites
    image_std_std: Finites
    quantiles: dict[str, Finites]


class Gap(MeanAndStd):
    wasserstein: Finites


class Details(BySplit[AfterPreset]):
    statistics: Digests
    gap: Gap


class Normalization(Shape):
    mean: list[Finite]
    std: list[Annotated[Finite, Field(gt=0)]]

    @model_validator(mode="after")
    def _of_the_same_channels(self) -> Normalization:
        if len(self.mean) != len(self.std) or len(self.mean) not in CHANNELS:
            raise ValueError("expected a number for each channel in mean and in std")
        return self


class DistributionRow(Shape):
    channel: Channel
    split: Split
    value: Finite
    fraction: Finite


SHAPES: dict[str, TypeAdapter[Any]] = {
    "shift.json": TypeAdapter(Shift),
    "check.json": TypeAdapter(Check),
    "samples.json": TypeAdapter(Samples),
    "inventory.json": TypeAdapter(Inventory),
    "quarantine.json": TypeAdapter(BySplit[list[BadFile]]),
    "metrics.json": TypeAdapter(Metrics),
    "details.json": TypeAdapter(Details),
    "normalization.json": TypeAdapter(Normalization),
    "distribution.json": TypeAdapter(Annotated[list[DistributionRow], Field(min_length=1)]),
}
