"""The shape of every report, by the name of its file: held to on reading.

More keys than these may be there. Where a report has numbers by channel, it has the same channels
everywhere, in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
    model_validator,
)

from stages.core.statistics import CHANNELS

T = TypeVar("T")

Count = Annotated[int, Field(ge=0, lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Value = Finite | None  # None where there is no finite value
Channel = Literal["gray", "red", "green", "blue"]
Split = Literal["train", "test"]
Side = Annotated[int, Field(gt=0, lt=2**63)]
Size = Annotated[list[Side], Field(min_length=2, max_length=2)]  # height, width


def _same_channels(found: Iterable[str], info: ValidationInfo) -> None:
    channels = tuple(found)
    expected = cast("dict[str, Any]", info.context).setdefault("channels", channels)
    if channels != expected or channels not in CHANNELS.values():
        raise ValueError(f"expected the same channels everywhere, found {', '.join(channels)}")


def _by_channel(of: dict[str, T], info: ValidationInfo) -> dict[str, T]:
    _same_channels(of, info)
    return of


def _and_any_channel(of: dict[str, T], info: ValidationInfo) -> dict[str, T]:
    *channels, last = of or [""]
    if last != "any_channel":
        raise ValueError("expected the channels, and any_channel")
    _same_channels(channels, info)
    return of


Finites = Annotated[dict[str, Finite], AfterValidator(_by_channel)]
Values = Annotated[dict[str, Value], AfterValidator(_by_channel)]
PValues = Annotated[dict[str, Value], AfterValidator(_and_any_channel)]


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class Digests(Shape):
    """The SHA-256 of the statistics of each split that a report was made from."""

    train: str
    test: str


class Counts(Shape):
    train: Count
    test: Count


class Interval(Shape):
    low: Values
    high: Values


class ClassMeans(Shape):
    train: Values
    test: Values
    gap: Values
    gap_standard_error: Values


class ClassStds(Shape):
    train: Values
    test: Values
    gap: Values


class OfClass(Shape):
    images: Counts
    mean_levels: ClassMeans
    std_levels: ClassStds


class ClassGap(Shape):
    of_class: str = Field(alias="class")
    channel: Channel
    gap: Finite


class LargestGaps(Shape):
    mean_levels: ClassGap | None
    std_levels: ClassGap | None


class UnusualGap(ClassGap):
    deal_std: Annotated[Finite, Field(gt=0)]
    p_value: Finite


class ClassMix(Shape):
    total_variation: Finite


class Shift(Shape):
    statistics: Digests
    images: Counts
    constant_channels: dict[Channel, Count]
    mean_levels: Finites
    mean_stds: Values
    std_ratio: Values
    wasserstein_levels: Finites
    wasserstein_stds: Values
    kolmogorov_smirnov: Finites
    jensen_shannon_bits: Finites
    psi: Finites
    total_variation: Finites
    overlap: Finites
    interval_95: dict[str, Interval]
    p_value: dict[str, PValues]
    image_mean_cohens_d: Values
    image_std_cohens_d: Values
    design_effect: Values
    class_mix: ClassMix | None
    classes: dict[str, OfClass]
    largest_class_gap: LargestGaps
    most_unusual_class_gap: UnusualGap | None
    unlabelled_splits: list[Split]

    @model_validator(mode="after")
    def _of_its_own(self) -> Shift:
        """What is told of measures and classes is of those that it has."""
        tested = self.interval_95.keys()
        if (
            not {"mean_levels", "std_ratio", "wasserstein_levels"}
            <= tested
            <= self.model_fields_set
        ):
            raise ValueError("interval_95: expected some of its measures")
        if tested != self.p_value.keys():
            raise ValueError("p_value: expected the measures that have intervals")
        for measure in "mean_levels", "std_levels":
            gaps = {
                (name, channel): gap
                for name, of_class in self.classes.items()
                for channel, gap in getattr(of_class, measure).gap.items()
                if gap is not None
            }
            largest: ClassGap | None = getattr(self.largest_class_gap, measure)
            found = largest and gaps.get((largest.of_class, largest.channel)) == largest.gap
            if not (found if gaps else largest is None):
                raise ValueError(f"largest_class_gap.{measure}: expected the gap of a class")
        if (self.most_unusual_class_gap is None) != (self.largest_class_gap.mean_levels is None):
            raise ValueError("most_unusual_class_gap: expected the gap of a class")
        return self


class Checked(Shape):
    value: Value
    limit: Finite
    holds: bool


class Check(Shape):
    passed: bool
    limits: dict[str, dict[Channel, Checked]]

    @model_validator(mode="after")
    def _all_hold(self) -> Check:
        if self.passed != all(of.holds for by in self.limits.values() for of in by.values()):
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


class Sizes(Shape):
    smallest: Size
    largest: Size


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
    noted: dict[str, Count] = {}
    converted: dict[str, Count] = {}
    unlabelled: Count = 0
    decoder: list[str] = []


class Inventory(Shape):
    train: OfSplit
    test: OfSplit
    contents_in_both_splits: Count = 0


class BadFile(Shape):
    name: str
    reason: str


class Quarantine(Shape):
    train: list[BadFile]
    test: list[BadFile]


class MeanAndStd(Shape):
    mean: Finites
    std: Finites


class Metrics(Shape):
    preset: MeanAndStd
    train: MeanAndStd
    test: MeanAndStd
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


class Details(Shape):
    statistics: Digests
    train: AfterPreset
    test: AfterPreset
    gap: Gap


class Normalization(Shape):
    mean: list[Finite]
    std: list[Annotated[Finite, Field(gt=0)]]

    @model_validator(mode="after")
    def _of_the_same_channels(self) -> Normalization:
        if len(self.mean) != len(self.std) or len(self.mean) not in CHANNELS:
            raise ValueError("expected a number of each channel in mean and in std")
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
    "quarantine.json": TypeAdapter(Quarantine),
    "metrics.json": TypeAdapter(Metrics),
    "details.json": TypeAdapter(Details),
    "normalization.json": TypeAdapter(Normalization),
    "distribution.json": TypeAdapter(Annotated[list[DistributionRow], Field(min_length=1)]),
}
