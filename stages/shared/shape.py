"""What the shapes of reports have in common.

A report may have more keys. All its numbers by channel have the same channels in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from stages.shared.names import CHANNELS

T = TypeVar("T")

Count = Annotated[int, Field(ge=0, lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Value = Finite | None  # None where there is no finite value
Split = Literal["train", "test"]
Side = Annotated[int, Field(gt=0, lt=2**63)]
Size = Annotated[list[Side], Field(min_length=2, max_length=2)]  # height, width


def _same_channels(found: Iterable[str], info: ValidationInfo) -> None:
    channels = tuple(found)
    expected = cast("dict[str, Any]", info.context).setdefault("channels", channels)
    if channels != expected or channels not in CHANNELS.values():
        raise ValueError(f"expected the same channels everywhere, found {', '.join(channels)}")


def _by_channel(values: dict[str, T], info: ValidationInfo) -> dict[str, T]:
    _same_channels(values, info)
    return values


def _and_any_channel(values: dict[str, T], info: ValidationInfo) -> dict[str, T]:
    *channels, last = values or [""]
    if last != "any_channel":
        raise ValueError("expected the channels, then any_channel")
    _same_channels(channels, info)
    return values


Finites = Annotated[dict[str, Finite], AfterValidator(_by_channel)]
Values = Annotated[dict[str, Value], AfterValidator(_by_channel)]
PValues = Annotated[dict[str, Value], AfterValidator(_and_any_channel)]


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class BySplit(Shape, Generic[T]):
    train: T
    test: T


Digests = BySplit[str]  # the SHA-256 of the statistics that a report was made from
