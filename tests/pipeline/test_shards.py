"""A project whose images are shards, in a folder or on a server (SeaweedFS) as `s3://`."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from stages.images.judge import list_folder
from stages.images.shards import read_shard
from stages.measure.file_split import measure_folder
from stages.shared.location import locate
from stages.shared.params import Dataset, Splits
from tests import remotes
from tests.conftest import Params, Project
from tests.remotes import BUCKET, Log, Remote, access, serving
from tests.shards import write_photos, write_split

FORMS = ["tar", "parquet"]
SHARDS = 6  # of the train split
PHOTOS = {"train": write_photos(10 * SHARDS, seed=0), "test": write_photos(20, seed=1)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with remotes.s3(tmp_path_factory.mktemp("server")) as server:
        yield server


def write_dataset(root: Path, form: str) -> None:
    for split, photos in PHOTOS.items():
        write_split(root / split, form, photos)


@pytest.fixture
def project(checkout: Project, tmp_path: Path) -> Project:
    """A project without images and a cache folder of its own."""
    project = checkout.copy_to(tmp_path / "normstats")
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return project


def use(project: Project, root: str) -> None:
    def change(params: Params) -> None:
        params["dataset"] |= {"root": root, "download": []}
        params["limits"] = {"psi": 10}

    project.edit_params(change)


@pytest.fixture
def bucket(server: Remote, tmp_path: Path) -> Iterator[str]:
    """A folder in the bucket with the images in both forms, removed after the test."""
    for form in FORMS:
        write_dataset(tmp_path / "photos" / form, form)
    for file in (tmp_path / "photos").rglob("*.*"):
        server.files.put_file(str(file), f"{BUCKET}/{file.relative_to(tmp_path)}")
    folder = f"{BUCKET}/photos"
    yield folder
    server.files.rm(folder, recursive=True)


def statistics(project: Project) -> list[bytes]:
    return [project.read(f"data/statistics/{split}.npz") for split in PHOTOS]


def decoded(uri: str) -> NDArray[np.uint8]:
    """The pixels (H, W, C) of a picture of the page."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def shards_read(log: Log) -> list[str]:
    return sorted({key.removeprefix("photos/") for key in log.read})


def test_statistics_have_the_same_bytes_in_all_forms(project: Project, tmp_path: Path) -> None:
    found = {}
    for form in ("folder", *FORMS):
        write_dataset(tmp_path / form, form)
        use(project, str(tmp_path / form))
        project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache" / form)
        for split in PHOTOS:
            project.stage("measure", split)
        found[form] = statistics(project)
    assert found["folder"] == found["tar"] == found["parquet"]
    pixels = [photo.pixels().reshape(-1, 3).astype(np.int64) for photo in PHOTOS["train"]]
    with np.load(io.BytesIO(found["tar"][0])) as train:
        assert (train["image_sums"] == [of.sum(axis=0) for of in pixels]).all()
        assert (train["image_sums_of_squares"] == [(of**2).sum(axis=0) for of in pixels]).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_bucket_is_reproduced_and_only_a_replaced_shard_is_measured_anew(
    project: Project, server: Remote, bucket: str, tmp_path: Path, form: str
) -> None:
    use(project, f"s3://{bucket}/{form}")
    everything = sorted(server.files.find(f"{bucket}/{form}"))
    with serving(Log(server.port)) as log:
        project.environment |= access(log.port)
        ran = project.repro()
        assert {"measure@train", "measure@test", "sample", "compare", "report"} <= set(ran)
        assert [f"{bucket}/{key}" for key in shards_read(log)] == everything
        before = statistics(project)

        log.read.clear()
        assert project.repro() == []
        assert shards_read(log) == []

        # As long as the old shard: only the ETag differs.
        photos = PHOTOS["train"][10:20]
        write_split(tmp_path / "new", form, [*reversed(photos)])
        replaced = f"{form}/train/1.{form}"
        server.files.put_file(str(tmp_path / "new" / f"0.{form}"), f"{bucket}/{replaced}")
        assert project.repro("measure") == ["measure@train"]
        assert shards_read(log) == [replaced]
    assert statistics(project)[1] == before[1]

    use(project, str(tmp_path / "photos" / form))
    (tmp_path / "new" / f"0.{form}").replace(tmp_path / "photos" / replaced)
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "another cache")
    on_server = statistics(project)
    project.stage("measure", "train")
    assert statistics(project) == on_server != before


def test_the_page_has_the_pictures_of_a_bucket(
    project: Project, server: Remote, bucket: str
) -> None:
    use(project, f"s3://{bucket}/tar")
    project.environment |= access(server.port)
    for split in PHOTOS:
        project.stage("measure", split)
    project.stage("sample")
    samples = json.loads(project.read("reports/samples.json"))
    by_name = {f"{n // 10}.tar/{photo.name}": photo for n, photo in enumerate(PHOTOS["train"])}
    assert samples["train"]["extremes"]
    for extreme in samples["train"]["extremes"]:
        assert (decoded(extreme["picture"]) == by_name[extreme["file"]].pixels()).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_killed_run_goes_on_with_the_shards_that_are_left(
    project: Project, server: Remote, bucket: str, form: str
) -> None:
    use(project, f"s3://{bucket}/{form}")
    held = f"photos/{form}/train/3.{form}"
    release = threading.Event()
    with serving(Log(server.port)) as log:
        log.before[held] = release.wait
        project.environment |= access(log.port)
        project.environment["TQDM_MININTERVAL"] = "0"  # every shard that is kept shows at once
        process = project.start("python", "-m", "stages.measure", "train")
        assert process.stdout is not None
        printed = ""
        while f" {SHARDS - 1}/{SHARDS} " not in printed:
            printed += (character := process.stdout.read(1))
            assert character, printed
        process.kill()
        release.set()
        process.communicate()

        log.read.clear()
        project.stage("measure", "train")
        assert shards_read(log) == [held.removeprefix("photos/")]
    whole = project.read("data/statistics/train.npz")
    project.environment["XDG_CACHE_HOME"] += " that is empty"
    project.environment |= access(server.port)
    project.stage("measure", "train")
    assert project.read("data/statistics/train.npz") == whole


def test_a_shard_of_a_bucket_is_read_ahead_while_an_image_is_decoded(
    server: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_split(tmp_path, "tar", write_photos(60), size=60)
    size = (tmp_path / "0.tar").stat().st_size
    monkeypatch.setattr("stages.images.shards.BLOCK_BYTES", size // 8)
    key = "ahead/0.tar"
    server.files.put_file(str(tmp_path / "0.tar"), f"{BUCKET}/{key}")
    asked = threading.Semaphore(0)
    with serving(Log(server.port)) as log:
        for name, value in access(log.port).items():
            monkeypatch.setenv(name, value)
        fsspec.filesystem("s3").clear_instance_cache()  # of another test's server
        [shard] = list_folder(locate(f"s3://{BUCKET}", "ahead"))
        reading = read_shard(shard)
        log.before[key] = asked.release
        next(reading)
        for _ in ("its own block", "the one after"):
            assert asked.acquire(timeout=30)
        assert [member.name for member, _ in reading][-1] == "0059.tif"
    fsspec.filesystem("s3").clear_instance_cache()
    server.files.rm(f"{BUCKET}/ahead", recursive=True)


def test_a_truncated_shard_of_a_bucket_is_an_error_that_names_it(
    project: Project, server: Remote, bucket: str
) -> None:
    use(project, f"s3://{bucket}/tar")
    project.environment |= access(server.port)
    shard = f"{bucket}/tar/train/2.tar"
    server.files.pipe_file(shard, server.files.cat_file(shard)[:5000])
    printed = project.stage("measure", "train", expect=1)
    assert f"error: s3://{shard}: cannot be read as a shard: " in printed
    assert "Traceback" not in printed


def test_a_server_that_is_gone_is_an_error_in_a_line(project: Project) -> None:
    use(project, f"s3://{BUCKET}/photos")
    [port] = remotes.free_ports(1)
    project.environment |= access(port)
    printed = project.stage("measure", "train", expect=1)
    assert printed.startswith(f"error: s3://{BUCKET}/photos/train: cannot be read: Could not conn")
    assert "Traceback" not in printed


def test_a_key_that_is_refused_is_an_error_that_names_the_bucket(
    project: Project, server: Remote, bucket: str
) -> None:
    use(project, f"s3://{bucket}/tar")
    project.environment |= access(server.port) | {"AWS_SECRET_ACCESS_KEY": "another"}
    printed = project.stage("measure", "train", expect=1)
    assert printed.startswith(f"error: s3://{bucket}/tar/train: cannot be read: The request sign")


@pytest.fixture
def photos(
    server: Remote, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dataset]:
    """The bucket's tar files, read in this process."""
    for name, value in access(server.port).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fsspec.filesystem("s3").clear_instance_cache()
    splits = Splits(train="train", test="test")
    yield Dataset(root=f"s3://{bucket}/tar", splits=splits, download=[])
    fsspec.filesystem("s3").clear_instance_cache()


def test_marks_of_folders_are_no_files_and_files_that_are_no_images_are_noted(
    photos: Dataset, server: Remote, bucket: str, tmp_path: Path
) -> None:
    folder = f"{bucket}/tar/train"
    for mark in ("", "sub/"):  # as consoles of S3 make folders
        key = f"{folder}/{mark}".removeprefix(f"{BUCKET}/")
        server.files.call_s3("put_object", Bucket=BUCKET, Key=key, Body=b"")
    for name in ("_SUCCESS", "nshards.txt", "sub/0.idx"):
        server.files.pipe_file(f"{folder}/{name}", b"6")
    table = tmp_path / "metadata.parquet"
    pq.write_table(pa.table({"key": ["0000"], "label": [1]}), table)
    server.files.put_file(str(table), f"{folder}/metadata.parquet")
    statistics, index = measure_folder("train", photos, map)
    assert statistics.images == len(PHOTOS["train"])
    assert index.noted == {
        "idx": ["sub/0.idx"],
        "no suffix": ["_SUCCESS"],
        "parquet": ["metadata.parquet"],
        "txt": ["nshards.txt"],
    }
    server.files.pipe_file(f"{folder}/photo.png", b"")
    with pytest.raises(ValueError, match=r"photo\.png: no shard, but 0\.tar is one"):
        measure_folder("train", photos, map)


def test_a_shard_that_is_replaced_after_it_was_read_is_named(
    photos: Dataset, server: Remote, bucket: str
) -> None:
    def engine(work: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Any]:
        yield from map(work, tasks)
        server.files.copy(f"{bucket}/tar/train/1.tar", f"{bucket}/tar/train/2.tar")

    with pytest.raises(ValueError, match=r"2\.tar: added, removed or replaced .*; run again"):
        measure_folder("train", photos, engine)
