from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, wasserstein_distance

from stages.measure.counting import measure_batch
from stages.report.plot_words import cumulative_words, level_words
from stages.report.plots import image_rows, level_rows, limited, size_rows
from tests.conftest import random_images

IMAGES = {"train": random_images(30, seed=2) // 2, "test": random_images(10, seed=3)}
ROWS = level_rows(
    {split: measure_batch(images, torch.device("cpu")) for split, images in IMAGES.items()}
)
CHANNELS = ("red", "green", "blue")


@pytest.mark.parametrize("channel", range(3))
def test_each_level_has_its_share_of_the_pixels_and_the_share_up_to_it(channel: int) -> None:
    rows = ROWS[256 * channel : 256 * (channel + 1)]
    assert {row["channel"] for row in rows} == {CHANNELS[channel]}
    assert [row["level"] for row in rows] == list(range(256))
    up_to = {}
    for split, images in IMAGES.items():
        pixels = images[:, channel]
        shares = [np.mean(pixels == level) for level in range(256)]
        up_to[split] = np.array([np.mean(pixels <= level) for level in range(256)])
        np.testing.assert_allclose([row[split] for row in rows], shares)
        np.testing.assert_allclose([row[f"{split}_up_to"] for row in rows], up_to[split])
    np.testing.assert_allclose([row["gap"] for row in rows], up_to["test"] - up_to["train"])


@pytest.mark.parametrize("channel", range(3))
def test_the_tallest_gap_is_kolmogorov_smirnov_and_the_area_wasserstein(channel: int) -> None:
    train, test = (images[:, channel].ravel() for images in IMAGES.values())
    [marked] = [row for row in ROWS if row["channel"] == CHANNELS[channel] and "area" in row]
    expected = ks_2samp(train, test)
    np.testing.assert_allclose(abs(marked["gap"]), expected.statistic)
    assert marked["level"] == expected.statistic_location
    np.testing.assert_allclose(marked["area"], wasserstein_distance(train, test))
    words = cumulative_words(ROWS)
    assert f"{CHANNELS[channel].capitalize()}: the tallest gap is {expected.statistic:.2f}" in words


def checked(limit: float) -> dict[str, Any]:
    return {"value": 0.5, "limit": limit, "holds": True}


@pytest.mark.parametrize(
    ("measure", "alike", "limit", "allowed"),
    [
        ("mean_levels", 0.0, 2, (-2, 2)),
        ("std_ratio", 1.0, 1.25, (Fraction(4, 5), Fraction(5, 4))),
        ("psi", 0.0, 0.1, (0, Fraction(1, 10))),
    ],
)
def test_the_ends_are_the_limits_of_check(
    measure: str, alike: float, limit: float, allowed: tuple[float, float]
) -> None:
    rows = [{"measure": measure, "channel": channel, "alike": alike} for channel in ("red", "blue")]
    bounded, free = limited(rows, {measure: {"red": checked(limit)}})
    assert (bounded["lowest"], bounded["highest"]) == pytest.approx(tuple(map(float, allowed)))
    assert (free["lowest"], free["highest"]) == (alike, alike)


def test_images_are_counted_in_bins_of_their_brightness() -> None:
    means_NC = {split: images.mean(axis=(2, 3)) for split, images in IMAGES.items()}
    rows = image_rows(means_NC, 256)
    assert [row["level"] for row in rows] == [4 * bin_ + 2 for bin_ in range(64)] * 3
    for row in rows:
        channel = CHANNELS.index(row["channel"])
        for split, of_NC in means_NC.items():
            bins_N = np.floor(of_NC[:, channel] / 4)
            assert row[split] == pytest.approx(np.mean(bins_N == row["level"] // 4))


def test_sizes_have_a_row_for_each_bin_between_the_ends_of_both_splits() -> None:
    """Bin 72 is around 512 = 2 ** 9, and eight bins later is twice as much."""
    bins = {"train": {"72": 3, "80": 1}, "test": {"71": 1}}
    sizes = {split: {"files": {"longer_side_bins": of}} for split, of in bins.items()}
    rows = size_rows(sizes, "longer_side_bins", "longer side")
    values = [row["value"] for row in rows]
    np.testing.assert_allclose(values, 512 * 2 ** (np.arange(-3, 11) / 8), atol=1e-4)
    assert {row["value"]: row["train"] for row in rows if row["train"]} == {512: 0.75, 1024: 0.25}
    assert [row["test"] for row in rows] == [0, 0, 1] + [0] * 11


def test_the_numbers_in_words_are_those_of_the_pixels() -> None:
    words = level_words(ROWS)
    for channel, name in enumerate(CHANNELS):
        train = IMAGES["train"][:, channel]
        assert (
            f"{name.capitalize()}, in levels: train mean {train.mean():.1f}, std "
            f"{train.std():.1f}, {100 * np.mean(train == 0):.1f} % at 0, 0.0 % at 255; test mean "
        ) in words
