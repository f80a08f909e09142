"""The names of splits and channels, and how many levels a channel has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

SPLITS = ("train", "test")
CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}  # by the number of channels
Channel = Literal["gray", "red", "green", "blue"]
LEVELS = 256  # of a uint8 channel: 0..255
BINS_PER_DOUBLING = 8  # of the sides and aspect ratios of images, from one to twice as much

T = TypeVar("T")


def channel_names(count: int) -> tuple[str, ...]:
    """The names of an image's channels. Raises ValueError for a count that is not supported.

    >>> channel_names(3)
    ('red', 'green', 'blue')
    """
    if count not in CHANNELS:
        expected = " or ".join(f"{n} ({', '.join(names)})" for n, names in CHANNELS.items())
        raise ValueError(f"expected channels: {expected}, found {count}")
    return CHANNELS[count]


def by_channel(values: Iterable[T]) -> dict[str, T]:
    """The value of each channel, under the channel's name.

    >>> by_channel([0.49, 0.48, 0.45])
    {'red': 0.49, 'green': 0.48, 'blue': 0.45}
    """
    listed = list(values)
    return dict(zip(channel_names(len(listed)), listed, strict=True))
