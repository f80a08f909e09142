"""Normalization presets: fixed numbers, or constants fitted to a split.

C channels, V = 256 levels. Constants are in units of [0, 1] pixel fractions, as `ToTensor` gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stages.shared.names import LEVELS
from stages.statistics.summary import SplitSummary

StdDefinition = Literal["pixel", "image"]


@dataclass(frozen=True)
class Preset:
    """`Normalize(mean, std)`: one number per channel, std > 0.

    Raises ValueError when a pixel would overflow float32.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        with np.errstate(all="ignore"):
            constants = np.array([self.mean, self.std], dtype=np.float32)
            if not (np.isfinite(constants).all() and np.isfinite(self.normalized_levels()).all()):
                raise ValueError(
                    f"expected a mean and std that float32 holds and can divide by, got "
                    f"mean {list(self.mean)}, std {list(self.std)}: some pixels become infinite"
                )

    def normalized_levels(self) -> NDArray[np.float32]:
        """The 256 pixel levels after `ToTensor` and `Normalize`, (C, V).

        The operations are torchvision's, in its order and in float32 (to_tensor: `div(255)`;
        normalize: `sub_(mean).div_(std)`), so each value is bit for bit what a model is given.
        (`v2.ToDtype(scale=True)` multiplies by 1 / 255 instead: its last bit may differ.)
        """
        fractions_V = np.arange(LEVELS, dtype=np.float32) / np.float32(255)
        mean_C1 = np.array(self.mean, dtype=np.float32)[:, None]
        std_C1 = np.array(self.std, dtype=np.float32)[:, None]
        return (fractions_V - mean_C1) / std_C1


def fit_preset(split: SplitSummary, definition: StdDefinition) -> Preset:
    """The preset that gives the split's channels mean 0 and, under the definition, std 1.

    `pixel`: std over all pixels. `image`: mean over images of each image's std (ddof = 0), the
    tutorials' definition, which leaves out how images differ in brightness.

    A channel of one level has no std to divide by. It is divided by 1, as in scikit-learn's
    StandardScaler (`_handle_zeros_in_scale`), so all its pixels become 0.

    Raises ValueError for `image` if each image has a single level in a channel, but not the same:
    the mean of the stds is 0.

    >>> from stages.statistics.histograms import statistics_of_counts
    >>> from stages.statistics.summary import summarize
    >>> black_and_white = statistics_of_counts(np.eye(256, dtype=int)[[[0], [255]]])
    >>> fit_preset(summarize(black_and_white), "pixel")
    Preset(mean=(0.5,), std=(0.5,))
    """
    if definition == "pixel":
        stds = [channel.std for channel in split.channels]
    else:
        stds = [channel.image_std_mean for channel in split.channels]
    fitted = tuple(
        1.0 if channel.min_level == channel.max_level else std
        for channel, std in zip(split.channels, stds, strict=True)
    )
    if not all(fitted):
        raise ValueError(
            f"a preset cannot be fitted with the image std: expected positive stds, got {stds}, as "
            "each image has a single level in a channel; fit the pixel std, or write the numbers "
            "in params.yaml"
        )
    return Preset(mean=tuple(channel.mean for channel in split.channels), std=fitted)
