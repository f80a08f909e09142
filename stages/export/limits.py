"""Which normalizations every library can apply as torchvision does."""

from __future__ import annotations

from collections.abc import Sequence

SMALLEST_STD = 1e-9
LARGEST = 1e9


def check_exportable(mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise ValueError for constants that a library would silently change.

    Keras divides levels 0..255 by at least 1e-7, so it would replace a std below 4e-10. It keeps
    their variance as float32, which is infinite for a std above 7e16. Within these limits, no
    step of any library leaves the range of float32.

    >>> check_exportable([0.5], [0.25])
    """
    if not (
        all(abs(value) <= LARGEST for value in mean)
        and all(SMALLEST_STD <= value <= LARGEST for value in std)
    ):
        raise ValueError(
            f"the published preset cannot be exported: expected means from {-LARGEST:g} to "
            f"{LARGEST:g} and stds from {SMALLEST_STD:g} to {LARGEST:g}, which every library can "
            f"apply in float32, got mean {list(mean)}, std {list(std)}; edit it in params.yaml"
        )
