"""The same images as files of a folder and as shards of a bucket, and what numpy counts in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np

from stages.images.decoder import version
from stages.images.judge import list_folder
from stages.images.listing import Listing
from stages.measure.store import Store
from stages.shared.names import LEVELS
from stages.shared.params import Dataset, Splits
from stages.statistics.files import save_statistics
from stages.statistics.integers import SplitStatistics
from tests.conftest import Params
from tests.remotes import BUCKET, Remote
from tests.shards import Photo, write_photos, write_split

TASKS = 10  # for an engine: of one shard each, or of equally many image files
TASK_IMAGES = 6
PHOTOS = write_photos(TASKS * TASK_IMAGES)


@dataclass(frozen=True)
class Source:
    """The images in one form, which a test may damage."""

    form: str  # folder, tar or parquet
    root: str
    names: list[str]  # of the image files, or the shards

    @property
    def dataset(self) -> Dataset:
        return Dataset(root=self.root, splits=Splits(train="train", test="test"), download=[])

    @property
    def task_files(self) -> int:
        return len(self.names) // TASKS

    def files(self) -> Listing:
        return list_folder(self.dataset.folder("train"))

    def missing(self) -> list[str]:
        """The names of the files that were not measured yet."""
        with Store.open(version(self.dataset.preparation)) as store:
            lacks = store.lacks if self.form == "folder" else store.lacks_shards
            files = list(self.files())
            return [file.name for file in compress(files, lacks(file.content for file in files))]

    def edit(self, measure: Params, params: Params) -> None:
        params["dataset"] |= {"root": self.root, "download": []}
        params["measure"] = measure


def write(folder: Path, form: str, photos: Sequence[Photo]) -> None:
    write_split(folder, form, photos, size=TASK_IMAGES)


@contextmanager
def source(form: str, folder: Path, server: Remote) -> Iterator[Source]:
    """The images in this folder, or as shards in the server's bucket."""
    train = folder / "photos" / "train"
    write(train, form, PHOTOS)
    names = sorted(path.name for path in train.iterdir())
    if form == "folder":
        yield Source(form, str(train.parent), names)
    else:
        server.files.put(str(train.parent), BUCKET, recursive=True)
        yield Source(form, f"s3://{BUCKET}/photos", names)
        server.files.rm(f"{BUCKET}/photos", recursive=True)


def saved(statistics: SplitStatistics) -> bytes:
    save_statistics("train", statistics)
    return Path("data/statistics/train.npz").read_bytes()


def by_hand(photos: Sequence[Photo]) -> bytes:
    """The file of statistics of all pixels of the images."""
    pixels = [photo.pixels().reshape(-1, 3).astype(np.int64) for photo in photos]
    levels_C = np.concatenate(pixels).T
    return saved(
        SplitStatistics(
            histogram=np.stack([np.bincount(levels, minlength=LEVELS) for levels in levels_C]),
            image_pixels=np.array([len(image) for image in pixels]),
            image_sums=np.array([image.sum(axis=0) for image in pixels]),
            image_sums_of_squares=np.array([(image**2).sum(axis=0) for image in pixels]),
        )
    )
