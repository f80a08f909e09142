"""The parts of a split are on disk, so that a million files need little memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from stages.images.decode import MeasuredImage
from stages.images.index import load_index, save_index
from stages.images.listing import File, Listing
from stages.measure.collect import collect
from stages.measure.file_split import measure_folder
from stages.measure.store import Store, to_record
from stages.shared.params import Dataset, Splits
from stages.shared.preparation import Preparation
from stages.statistics.files import save_statistics
from tests.shards import write_photos, write_split

FEW, MANY = 5_000, 25_000
CONTENT = "a" * 32
STATISTICS_BYTES = 7 * 8  # of an image in colour: its pixels, and two sums of each channel


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def peak(images: int) -> int:
    """The most bytes of memory that listing images, and saving what is collected, takes."""
    files = (
        File(f"class {n // 100:03}/{n:030}.png", Path("photos"), CONTENT) for n in range(images)
    )
    tracemalloc.start()
    listing = Listing(Path("photos"), files)
    _, listed = tracemalloc.get_traced_memory()
    with Store.open("tests") as store:
        statistics, index = collect(listing, store, Preparation(), quarantine=False)
    tracemalloc.reset_peak()  # the block in work would hide all else
    save_statistics("train", statistics)
    save_index("train", index)
    _, saved = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return max(listed, saved)


def test_a_further_file_takes_little_more_memory_than_its_statistics() -> None:
    record = to_record(MeasuredImage(np.ones((3, 256), dtype=np.int64), (16, 16), []))
    with Store.open("tests") as store:
        store.add([(CONTENT, record)])
    few, many = peak(FEW), peak(MANY)
    assert (many - few) / (MANY - FEW) < 1.5 * STATISTICS_BYTES
    assert load_index("train").names[-1] == f"class {MANY // 100 - 1:03}/{MANY - 1:030}.png"


@pytest.mark.parametrize("form", ["folder", "tar", "parquet"])
def test_the_index_counts_the_sizes_in_files_and_has_the_ends_of_those_measured(
    tmp_path: Path, form: str
) -> None:
    photos = write_photos(40)
    photos += [replace(photos[0], key="again")]
    write_split(tmp_path / "photos" / "train", form, photos)
    splits = Splits(train="train", test="test")
    dataset = Dataset(root=str(tmp_path / "photos"), splits=splits, download=[], resize=12)
    _, index = measure_folder("train", dataset, lambda work, tasks: map(work, tasks))
    save_index("train", index)
    loaded = load_index("train")
    sizes = Counter(photo.pixels().shape[:2] for photo in photos)
    assert loaded.file_sizes == sorted((*size, images) for size, images in sizes.items())
    resized = [v2.Resize(12)(Image.new("L", (width, height))) for height, width in sizes]
    pixels = [image.width * image.height for image in resized]
    for end, most in (loaded.smallest, min(pixels)), (loaded.largest, max(pixels)):
        assert end in [(image.height, image.width) for image in resized]
        assert end[0] * end[1] == most


def test_an_index_whose_sizes_are_not_of_all_images_is_refused(tmp_path: Path) -> None:
    write_split(tmp_path / "photos" / "train", "folder", write_photos(3))
    splits = Splits(train="train", test="test")
    dataset = Dataset(root=str(tmp_path / "photos"), splits=splits, download=[])
    _, index = measure_folder("train", dataset, lambda work, tasks: map(work, tasks))
    save_index("train", index.model_copy(update={"file_sizes": index.file_sizes[1:]}))
    with pytest.raises(ValueError, match="file_sizes: of 2 images, not of 3"):
        load_index("train")
