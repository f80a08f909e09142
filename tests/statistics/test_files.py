"""Statistics files: the same bytes everywhere, and no damage goes unnoticed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.measure.counting import measure_batch
from stages.statistics.files import STATISTICS, load_splits, load_statistics, save_statistics
from stages.statistics.integers import FIELDS, SplitStatistics

TRAIN = STATISTICS / "train.npz"


@pytest.fixture
def statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SplitStatistics:
    monkeypatch.chdir(tmp_path)
    images = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    measured = measure_batch(images, torch.device("cpu"))
    save_statistics("train", measured)
    return measured


def test_what_is_saved_is_loaded(statistics: SplitStatistics) -> None:
    loaded = load_statistics("train")
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(statistics, name))


def test_numpy_reads_the_four_arrays(statistics: SplitStatistics) -> None:
    with np.load(TRAIN) as arrays:
        assert {name: (array.dtype, array.shape) for name, array in arrays.items()} == {
            "histogram": (np.int64, (3, 256)),
            "image_pixels": (np.int64, (2,)),
            "image_sums": (np.int64, (2, 3)),
            "image_sums_of_squares": (np.int64, (2, 3)),
        }


def test_equal_statistics_are_equal_bytes_on_every_machine(statistics: SplitStatistics) -> None:
    """The digest was taken with Python 3.10 and numpy 2.2, and with Python 3.11 and numpy 2.4."""
    assert hashlib.sha256(TRAIN.read_bytes()).hexdigest() == (
        "6301a6d6c96ab9e926a9616bf945dba32fd8ab2af057d6038b91b9264ffa4ba3"
    )


def test_any_changed_byte_is_noticed_or_harmless(statistics: SplitStatistics) -> None:
    """Some bytes of a zip file carry nothing, so a change may pass, but never change a number."""
    good = TRAIN.read_bytes()
    noticed = 0
    for position in range(0, len(good), 7):
        TRAIN.write_bytes(good[:position] + bytes([good[position] ^ 0x55]) + good[position + 1 :])
        try:
            loaded = load_statistics("train")
        except ValueError:
            noticed += 1
        else:
            for name in FIELDS:
                np.testing.assert_array_equal(getattr(loaded, name), getattr(statistics, name))
    assert noticed > 0.9 * len(good) / 7


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(statistics: SplitStatistics, share: float) -> None:
    good = TRAIN.read_bytes()
    TRAIN.write_bytes(good[: int(share * len(good))])
    with pytest.raises(
        ValueError, match=r"damaged statistics .* delete it and run `dvc repro measure@train`"
    ):
        load_statistics("train")


def test_another_numpy_file_is_refused(statistics: SplitStatistics) -> None:
    with TRAIN.open("wb") as file:
        np.save(file, statistics.histogram)
    with pytest.raises(ValueError, match="damaged statistics"):
        load_statistics("train")
    np.savez(TRAIN, histogram=statistics.histogram)
    with pytest.raises(ValueError, match="damaged statistics"):
        load_statistics("train")


def test_statistics_of_other_channels_are_refused(statistics: SplitStatistics) -> None:
    two = np.zeros((2, 2, 4, 5), np.uint8)
    save_statistics("train", measure_batch(two, torch.device("cpu")))
    with pytest.raises(ValueError, match=r"expected channels: 1 \(gray\) or 3 .*, found 2"):
        load_statistics("train")


def test_both_splits_have_the_same_channels(statistics: SplitStatistics) -> None:
    gray = measure_batch(np.full((2, 1, 4, 5), 7, np.uint8), torch.device("cpu"))
    save_statistics("test", gray)
    train, test = load_splits().values()
    assert train.channel_names == test.channel_names == ("red", "green", "blue")
    assert test.image_sums.tolist() == [[7 * 20] * 3] * 2
    save_statistics("train", gray)
    assert [split.channel_names for split in load_splits().values()] == [("gray",), ("gray",)]


def test_a_missing_file_is_refused(statistics: SplitStatistics) -> None:
    with pytest.raises(FileNotFoundError, match=r"test.npz: .* run `dvc repro measure@test`"):
        load_statistics("test")
