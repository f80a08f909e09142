"""What the shapes of reports have in common.

More keys than these may be there. Where a report has numbers by channel, it has the same channels
everywhere, in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from stages.shared.names import CHANNELS

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
