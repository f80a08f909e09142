"""A folder of one's own images becomes the dataset: looked at, tracked, named, and measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image

from stages.files.ready_made.registry import READY_MADE
from stages.files.report.page import TITLES
from tests.conftest import Project, random_images
from tests.shards import write_photos, write_split


def write(path: Path, pixels: NDArray[np.uint8], mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A user's folder: train and val, two classes, some files in other modes."""
    folder = tmp_path / "my photos"
    for split, images in ("train", random_images(12, seed=0)), ("val", random_images(4, seed=1)):
        for number, image in enumerate(images.transpose(0, 2, 3, 1)):
            name = f"{'cats' if number % 3 else 'söte hunde'}/{number}.png"
            write(folder / split / name, image, "L" if number == 2 else "RGB")
    write(folder / "train" / "cats" / "large.jpg", np.zeros((300, 200, 3), np.uint8))
    return folder


def dataset(project: Project) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(project.read("params.yaml"))["dataset"]
    return content


def test_an_adopted_folder_is_described_tracked_and_reproduced(
    project: Project, photos: Path, tmp_path: Path
) -> None:
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    project.edit_params(lambda params: params.update(limits={}))
    printed = project.stage("adopt", str(photos))
    assert "13 images in 2 classes: cats 9, söte hunde 4" in printed
    assert "formats: PNG 12, JPEG 1; modes: RGB 12, L 1" in printed
    assert "height x width: 8 x 8 to 300 x 200, 2 different" in printed
    root = "data/my photos"
    assert dataset(project)["root"] == root
    assert dataset(project)["splits"] == {"train": "train", "test": "val"}
    assert dataset(project)["download"] == []
    ran = project.repro()
    assert [stage for stage in ran if stage.startswith("download")] == []
    assert {"measure@train", "compare", "publish", "report"} <= set(ran)
    assert json.loads(project.read("reports/inventory.json"))["train"]["images"] == 13
    # DVC has it: what is lost comes back, and nothing is run again.
    before = project.read(f"{root}/train/cats/large.jpg")
    project.run("rm", "-r", f"{root}/train")
    project.run("dvc", "checkout", "--quiet")
    assert project.read(f"{root}/train/cats/large.jpg") == before
    assert project.repro() == []
    # The user's own folder is as it was.
    assert len(list(photos.rglob("*.*g"))) == 17


def test_comments_of_params_stay(project: Project, photos: Path) -> None:
    def comments() -> list[str]:
        lines = project.read("params.yaml").decode().splitlines()
        return [line.partition("#")[2] for line in lines if "#" in line]

    project.run("git", "checkout", "--quiet", "params.yaml")
    before = comments()
    assert before
    project.stage("adopt", str(photos))
    assert comments() == before
    assert ": null" in project.read("params.yaml").decode()


def test_a_folder_of_the_project_is_tracked_where_it_is(project: Project, photos: Path) -> None:
    target = project.path / "data" / "photos"
    photos.rename(target)
    project.stage("adopt", "data/photos")
    assert dataset(project)["root"] == "data/photos"
    assert (project.path / "data" / "photos" / "val.dvc").is_file()
    assert "copying" not in project.stage("adopt", "data/photos")


def test_gray_images_get_presets_of_one_number(project: Project, tmp_path: Path) -> None:
    for split in ("train", "test"):
        for number, image in enumerate(random_images(5, seed=2).transpose(0, 2, 3, 1)):
            write(tmp_path / "scans" / split / f"{number}.png", image, "L")
    printed = project.stage("adopt", str(tmp_path / "scans"))
    presets = yaml.safe_load(project.read("params.yaml"))["presets"]
    assert presets["half"] == {"mean": [0.5], "std": [0.5]}
    assert "imagenet" not in presets
    assert "preset imagenet is gone, as it is not for gray; `git rm -r reports/presets/" in printed
    project.stage("validate")


def refused(project: Project, folder: Path) -> str:
    before = project.read("params.yaml")
    printed = project.stage("adopt", str(folder), expect=1)
    assert "Traceback" not in printed
    assert project.read("params.yaml") == before
    assert not list((project.path / "data").glob("*photos*"))
    return printed.rpartition("error: ")[2]


def test_what_is_no_dataset_is_refused_and_nothing_changes(
    project: Project, photos: Path, tmp_path: Path
) -> None:
    assert "no such folder" in refused(project, tmp_path / "gone")
    (photos / "val").rename(photos / "holdout")
    assert "expected the folders train, and test or val or valid" in refused(project, photos)
    assert "found holdout, train; rename them" in refused(project, photos)
    (photos / "test").mkdir()
    assert "test: a split without images" in refused(project, photos)
    (photos / "test" / "notes.txt").write_text("x")
    assert "test: a split without images" in refused(project, photos)
    (photos / "test" / "notes.png").write_text("x")
    assert "none of 2 files is an image (notes.png: not a PNG," in refused(project, photos)
    for number, image in enumerate(random_images(3, seed=3).transpose(0, 2, 3, 1)):
        write(photos / "test" / f"{number}.png", image, "L")
    assert "the images of one split are all gray" in refused(project, photos)


def test_bad_files_are_named_at_once(project: Project, photos: Path) -> None:
    (photos / "train" / "cats" / "empty.png").touch()
    printed = project.stage("adopt", str(photos))
    assert "1 files that cannot be measured" in printed
    assert "    cats/empty.png: an empty file" in printed


def test_another_dataset_of_that_name_is_not_overwritten(project: Project, photos: Path) -> None:
    project.stage("adopt", str(photos))
    other = photos.parent / "elsewhere" / photos.name
    shutil.copytree(photos, other)
    printed = project.stage("adopt", str(other), expect=1)
    assert "data/my photos/train is already there; rename" in printed


def test_a_ready_made_dataset_is_named_with_presets_for_its_channels(project: Project) -> None:
    project.stage("adopt", "mnist")
    params = yaml.safe_load(project.read("params.yaml"))
    assert params["dataset"]["root"] == "data/mnist"
    assert params["dataset"]["download"] == ["mnist"]
    assert params["dataset"]["sources"] is None
    assert params["presets"]["half"]["mean"] == [0.5]
    assert "download@mnist" in project.run("dvc", "stage", "list")
    project.stage("adopt", "svhn")
    params = yaml.safe_load(project.read("params.yaml"))
    assert params["dataset"]["download"] == ["svhn"]
    assert params["presets"]["half"]["mean"] == [0.5, 0.5, 0.5]


def test_ready_made_datasets_have_titles_on_the_page() -> None:
    assert {name: made.title for name, made in READY_MADE.items()} == TITLES


@pytest.mark.parametrize("form", ["tar", "parquet"])
def test_shards_are_looked_into(project: Project, tmp_path: Path, form: str) -> None:
    for split in ("train", "test"):
        write_split(tmp_path / "shards" / split, form, write_photos(25))
    printed = project.stage("adopt", str(tmp_path / "shards"))
    assert printed.count("25 images in ") == 2
    assert dataset(project)["root"] == "data/shards"
