"""`dataset.max_pixels`: what it refuses, lets through, and leaves in the store."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import permutations
from pathlib import Path
from struct import pack
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

from stages.images.index import Index, save_index
from stages.images.listing import File, content_of
from stages.measure.file_split import measure_folder
from stages.measure.store import from_record
from stages.measure.work import Task, measure_task
from stages.sample.pictures import FilePictures
from stages.shared.params import Dataset, Splits
from stages.shared.preparation import MAX_PIXELS, Preparation
from stages.statistics.files import save_statistics
from stages.statistics.integers import SplitStatistics
from tests import clusters
from tests.conftest import Project
from tests.pictures import counts, encoded

T = TypeVar("T")
R = TypeVar("R")

SIDE = 13_400  # of an image that Pillow refuses
LEVEL = 7


def write_large(path: Path) -> None:
    """A gray PNG of one level, by hand; https://www.w3.org/TR/png-3/."""
    assert SIDE**2 > MAX_PIXELS
    packer = zlib.compressobj(1)
    row = bytes([0]) + bytes([LEVEL]) * SIDE
    data = b"".join([*(packer.compress(row) for _ in range(SIDE)), packer.flush()])
    chunks = {b"IHDR": pack(">2L5B", SIDE, SIDE, 8, 0, 0, 0, 0), b"IDAT": data, b"IEND": b""}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in chunks.items():
            file.write(pack(">L", len(content)) + kind + content)
            file.write(pack(">L", zlib.crc32(kind + content)))


def write(path: Path, height: int, width: int, cut: int = 0) -> None:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = encoded(Image.fromarray(pixels), "PNG")
    path.write_bytes(content[: len(content) - cut])


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of 20, 600 and 800 pixels, and one of 700 whose data ends too early."""
    monkeypatch.chdir(tmp_path)
    split = tmp_path / "train"
    write(split / "a.png", 4, 5)
    write(split / "b.png", 20, 30)
    write(split / "c.png", 40, 20)
    write(split / "damaged.png", 10, 70, cut=200)
    return split


class Counting:
    """An engine in this process, and the names of what it measured."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, work: Callable[[Any], R], tasks: Iterable[Any]) -> Iterator[R]:
        for task in tasks:
            self.names += [file.name for file in task.files]
            yield work(task)


def measured(
    split: Path, max_pixels: int, engine: Counting, **others: Any
) -> tuple[SplitStatistics, Index]:
    dataset = Dataset(
        root=str(split.parent),
        splits=Splits(train="train", test="test"),
        download=[],
        on_bad_image="quarantine",
        max_pixels=max_pixels,
        **others,
    )
    return measure_folder("train", dataset, engine)


def saved(found: tuple[SplitStatistics, Index]) -> list[bytes]:
    statistics, index = found
    save_statistics("train", statistics)
    save_index("train", index)
    return [
        Path(path).read_bytes() for path in ("data/statistics/train.npz", "data/index/train.json")
    ]


def reasons(index: Index) -> dict[str, str]:
    return {of.name: of.reason.partition(":")[0] for of in index.quarantined}


def test_larger_files_are_refused_by_name(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(split.parent / "cache"))
    statistics, index = measured(split, 600, Counting())
    assert list(index.names) == ["a.png", "b.png"]
    assert reasons(index) == {
        "c.png": "20 x 40 pixels, more than 600",
        "damaged.png": "70 x 10 pixels, more than 600",
    }
    pixels = [np.asarray(Image.open(split / name)) for name in index.names]
    by_hand = sum(counts(image.transpose(2, 0, 1)) for image in pixels)
    assert np.array_equal(statistics.histogram, by_hand)


@pytest.mark.parametrize("others", [{}, {"resize": 25}, {"resize": (22, 22), "crop": 30}])
def test_results_do_not_depend_on_the_limits_used_before(
    split: Path, monkeypatch: pytest.MonkeyPatch, others: dict[str, Any]
) -> None:
    """Resized to 25, the second image has 925 pixels; cropped to 30, all have 900."""
    limits = (19 if not others else 484, 650, 850, 1300, MAX_PIXELS)

    def found(limit: int) -> list[bytes]:
        try:
            return saved(measured(split, limit, Counting(), **others))
        except ValueError as error:  # no image is left
            return [str(error).encode()]

    anew = {}
    for limit in limits:
        monkeypatch.setenv("XDG_CACHE_HOME", str(split.parent / f"cache of {limit}"))
        anew[limit] = found(limit)
    assert len({*map(tuple, anew.values())}) >= 3
    for before, after in permutations(limits, 2):
        cache = split.parent / f"cache of {before} and {after}"
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        for limit in (before, after):
            assert found(limit) == anew[limit]


def test_only_images_that_the_new_limit_affects_are_measured_again(
    split: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(split.parent / "cache"))
    engine = Counting()
    for limit, again in (
        (MAX_PIXELS, ["a.png", "b.png", "c.png", "damaged.png"]),
        (800, []),
        (720, ["c.png"]),
        (600, ["c.png", "damaged.png"]),
        (MAX_PIXELS + 1, ["c.png", "damaged.png"]),
        (MAX_PIXELS, []),
    ):
        measured(split, limit, engine)
        assert sorted(engine.names) == again, limit
        engine.names.clear()


def test_a_larger_image_than_pillow_reads_is_measured_and_compared(
    checkout: Project, tmp_path: Path
) -> None:
    project = checkout.copy_to(tmp_path / "clone")
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    root = tmp_path / "photos"
    write_large(root / "train" / "large.png")
    write(root / "test" / "small.png", 30, 30)
    said = project.stage("adopt", "--in-place", str(root), expect=1)
    refusal = f"{SIDE} x {SIDE} pixels, more than {MAX_PIXELS}"
    assert f"none of 1 files is or has an image (large.png: {refusal}" in said

    project.edit_params(lambda params: params["dataset"].update(max_pixels=SIDE**2))
    project.stage("adopt", "--in-place", str(root))
    for stage in ("measure train", "measure test", "compare"):
        project.stage(*stage.split())
    with np.load(project.path / "data/statistics/train.npz") as found:
        assert found["image_pixels"].tolist() == [SIDE**2]
        assert found["histogram"][:, LEVEL].tolist() == [SIDE**2]

    project.edit_params(lambda params: params["dataset"].update(max_pixels=SIDE**2 - 1))
    said = project.stage("measure", "train", expect=1)
    assert f"large.png: {SIDE} x {SIDE} pixels, more than {SIDE**2 - 1}" in said
    assert "raise dataset.max_pixels in params.yaml" in said


def test_a_picture_to_show_has_the_same_limit(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(split.parent / "cache"))
    _, index = measured(split, MAX_PIXELS, Counting())
    with pytest.raises(ValueError, match="30 x 20 pixels, more than 599"):
        FilePictures(split, index, Preparation(max_pixels=599))[1]


def test_a_worker_of_ray_measures_a_larger_image_than_pillow_reads(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    write_large(path)
    file = File(path.name, tmp_path, content=content_of(path.read_bytes()))
    with clusters.not_stuck():
        nodes = clusters.Nodes()
        nodes.start("only", cpus=1)
        task = Task([file], Preparation(max_pixels=SIDE**2))
        try:
            [found] = nodes.engine(measure_task, [task])
        finally:
            nodes.cluster.shutdown()
    [record] = found.images.values()
    measured = from_record(record)
    assert not isinstance(measured, ValueError), measured
    assert measured.counts.tolist() == [[0] * LEVEL + [SIDE**2] + [0] * (255 - LEVEL)]
