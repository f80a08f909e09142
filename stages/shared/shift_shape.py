"""The shape of reports/shift.json."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from stages.shared.names import Channel
from stages.shared.shape import BySplit, Count, Digests, Finite, Finites, PValues, Shape, Values

Counts = BySplit[Count]


class Interval(Shape):
    low: Values
    high: Values


class ClassStds(BySplit[Values]):
    gap: Values


class ClassMeans(ClassStds):
    gap_standard_error: Values


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
    labelled: BySplit[bool]  # whether every image of the split has a label

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Shift:
        """Intervals, p-values and named gaps are of the report's own measures and classes."""
        tested, needed = self.interval_95.keys(), {"mean_levels", "std_ratio", "wasserstein_levels"}
        if not needed <= tested <= self.model_fields_set:
            raise ValueError(
                "interval_95: expected measures of the report, with mean_levels, std_ratio and "
                "wasserstein_levels"
            )
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
