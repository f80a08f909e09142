"""What splits and channels are called, and how many levels a channel has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

SPLITS = ("train", "test")
CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}  # their names by how many there are
LEVELS = 256  # of a uint8 channel: 0..255
BINS_PER_DOUBLING = 8  # of the sides and aspect ratios of images, from one to twice as much

T = TypeVar("T")


def channel_names(count: int) -> tuple[str, ...]:
    """The names of so many channels. Raises ValueError where images have another number of them.

    >>> channel_names(3)
    ('red', 'green', 'blue')
    """
    if count not in CHANNELS:
        expected = " or ".join(f"{n} ({', '.join(names)})" for n, names in CHANNELS.items())
        raise ValueError(f"expected channels: {expected}, found {count}")
    return CHANNELS[count]


def by_channel(values: Iterable[T]) -> dict[str, T]:
    """A value of each channel, under the channels' names.

    >>> by_channel([0.49, 0.48, 0.45])
    {'red': 0.49, 'green': 0.48, 'blue': 0.45}
    """
    listed = list(values)
    return dict(zip(channel_names(len(listed)), listed, strict=True))
