"""`adopt` makes a folder of images the dataset: looked at, tracked, named in params, measured."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image

from stages.adopt.__main__ import OWN, root_of
from stages.download.ready_made.registry import READY_MADE
from stages.report.page import TITLES
from tests.conftest import ROOT, Project, random_images
from tests.shards import write_photos, write_split


def write(path: Path, pixels: NDArray[np.uint8], mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A user's folder: train and val, two classes, some gray files."""
    folder = tmp_path / "my photos"
    for split, images in ("train", random_images(12, seed=0)), ("val", random_images(4, seed=1)):
        for number, image in enumerate(images.transpose(0, 2, 3, 1)):
            name = f"{'cats' if number % 3 else 'söte hunde'}/{number}.png"
            write(folder / split / name, image, "L" if number == 2 else "RGB")
    write(folder / "train" / "cats" / "large.jpg", np.zeros((300, 200, 3), np.uint8))
    return folder


@pytest.fixture
def clone(checkout: Project, tmp_path: Path) -> Project:
    """A checkout where nothing was reproduced."""
    return checkout.copy_to(tmp_path / "clone")


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
    published = json.loads(project.read("reports/published/normalization.json"))
    pixels = [np.asarray(Image.open(path).convert("RGB")) for path in photos.glob("train/*/*")]
    means = np.concatenate([image.reshape(-1, 3) for image in pixels]).mean(axis=0) / 255
    assert published["mean"] == pytest.approx(means, abs=1e-12)
    assert json.loads(project.read("data/exports/timm.json"))["mean"] == published["mean"]
    assert [stage for stage in ran if stage.startswith("download")] == []
    assert {"measure@train", "compare", "publish", "export", "report"} <= set(ran)
    assert json.loads(project.read("reports/inventory.json"))["train"]["images"] == 13
    # DVC keeps it: a lost folder comes back, and nothing is run again.
    before = project.read(f"{root}/train/cats/large.jpg")
    project.run("rm", "-r", f"{root}/train")
    project.run("dvc", "checkout", "--quiet")
    assert project.read(f"{root}/train/cats/large.jpg") == before
    assert project.repro() == []
    # The user's own folder is as it was.
    assert len(list(photos.rglob("*.*g"))) == 17


def test_a_dataset_is_kept_once_in_the_cache(clone: Project, photos: Path) -> None:
    """`dvc add --out` would leave each content a second time (treeverse/dvc#10783)."""
    (photos / "train" / ".DS_Store").write_text("no part of the dataset")
    clone.stage("adopt", str(photos))
    cached = [path for path in (clone.path / ".dvc" / "cache").rglob("*") if path.is_file()]
    copied = [path for split in ("train", "val") for path in (photos / split).rglob("*.*g")]
    distinct = {path.read_bytes() for path in copied}
    lists_of_folders = 2
    assert len(cached) == len(distinct) + lists_of_folders


def test_adopted_again_the_copy_is_brought_up_to_date(clone: Project, photos: Path) -> None:
    clone.stage("adopt", str(photos))
    clone.commit()
    before = clone.read("data/my photos/train.dvc")
    (photos / "train" / "cats" / "large.jpg").unlink()
    write(photos / "train" / "cats" / "new.png", np.zeros((9, 9, 3), np.uint8))
    write(photos / "train" / "cats" / "1.png", np.zeros((9, 9, 3), np.uint8))
    printed = clone.stage("adopt", str(photos))
    counts = "1 files added, 1 changed, 1 removed, 11 as they were"
    assert f"data/my photos/train: {counts}" in printed
    assert "data/my photos/val: 0 files added, 0 changed, 0 removed, 4 as they were" in printed
    assert clone.read("data/my photos/train.dvc") != before
    assert "up to date" in clone.run("dvc", "status", "data/my photos/train.dvc")
    assert (clone.path / "data/my photos/train/cats/new.png").is_file()
    large = clone.path / "data/my photos/train/cats/large.jpg"
    assert not large.exists()
    clone.run("git", "checkout", "data")
    clone.run("dvc", "checkout", "--force", "--allow-missing")
    assert large.exists()


def test_a_folder_is_measured_in_place(clone: Project, photos: Path, tmp_path: Path) -> None:
    assert "make adopt DATA=~/photos OPTIONS=--in-place" in (ROOT / "docs/images.md").read_text()
    clone.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    clone.use_this_environment()
    data = sorted((clone.path / "data").rglob("*"))
    write(tmp_path / "pool" / "foxes" / "1.png", np.zeros((9, 9, 3), np.uint8))
    (photos / "train" / "foxes").symlink_to(tmp_path / "pool" / "foxes")
    printed = clone.run("make", "adopt", f"DATA={photos}", "OPTIONS=--in-place")
    assert f"{photos}: measured where it is" in printed
    assert sorted((clone.path / "data").rglob("*")) == data
    assert dataset(clone)["root"] == str(photos)
    clone.repro("measure@train")
    index = json.loads(clone.read("data/index/train.json"))
    assert "foxes/1.png" in index["names"]
    assert index["noted"] == {"linked folder": ["foxes"]}
    assert "measure@train" not in clone.run("dvc", "status", "measure@train")
    write(photos / "train" / "cats" / "new.png", np.zeros((9, 9, 3), np.uint8))
    assert f"modified:           {photos}/train" in clone.run("dvc", "status", "measure@train")


def test_what_is_in_no_split_is_named(clone: Project, photos: Path) -> None:
    for folder in "test", "extra":
        shutil.copytree(photos / "val", photos / folder)
    (photos / "labels.csv").touch()
    (photos / ".DS_Store").touch()
    printed = clone.stage("adopt", str(photos))
    assert "in neither split, not measured: extra, labels.csv, val\n" in printed
    assert dataset(clone)["splits"] == {"train": "train", "test": "test"}


def test_a_folder_of_the_project_is_tracked_where_it_is(clone: Project, photos: Path) -> None:
    for folder in "data/photos", "images":
        shutil.copytree(photos, clone.path / folder)
        assert "added" not in clone.stage("adopt", folder)
        assert dataset(clone)["root"] == folder
        assert (clone.path / folder / "val.dvc").is_file()


def test_an_error_of_dvc_is_shown(clone: Project, photos: Path) -> None:
    shutil.copytree(photos, clone.path / "images")
    clone.run("git", "add", "images")
    before = clone.read("params.yaml")
    printed = clone.stage("adopt", "images", expect=1)
    assert "output 'images/train' is already tracked by SCM" in printed
    assert "`dvc add -- images/train images/val` failed, see above; params.yaml is as it" in printed
    assert clone.read("params.yaml") == before


def test_a_folder_is_measured_where_it_is_or_at_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    elsewhere = tmp_path / "photos"
    assert root_of(Path("../photos"), in_place=False) == Path("data/photos")
    assert root_of(Path("../photos"), in_place=True) == elsewhere
    assert root_of(Path("images/photos"), in_place=False) == Path("images/photos")
    assert root_of(tmp_path / "cifar10", in_place=True) == tmp_path / "cifar10"
    for folder in "../cifar10", "../exports", "data/cifar10", "data/statistics/train":
        with pytest.raises(ValueError, match=f"the pipeline itself writes there; rename {folder}"):
            root_of(Path(folder), in_place=False)


def test_the_folders_of_the_pipeline_are_its_own() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    outs = [out for stage in stages.values() for out in stage.get("do", stage).get("outs", [])]
    folders = {Path(out).parts[1] for out in outs if isinstance(out, str)}
    assert {*folders - {"${item}"}, *READY_MADE} == set(OWN)


def test_gray_images_get_presets_with_one_number(clone: Project, tmp_path: Path) -> None:
    for split in ("train", "test"):
        for number, image in enumerate(random_images(5, seed=2).transpose(0, 2, 3, 1)):
            write(tmp_path / "scans" / split / f"{number}.png", image, "L")
    printed = clone.stage("adopt", str(tmp_path / "scans"))
    presets = yaml.safe_load(clone.read("params.yaml"))["presets"]
    assert presets["half"] == {"mean": [0.5], "std": [0.5]}
    assert "imagenet" not in presets
    assert "preset imagenet is removed, as it is not for gray; `git rm -r reports/" in printed
    clone.stage("validate")


def refused(project: Project, folder: Path) -> str:
    before = project.read("params.yaml")
    printed = project.stage("adopt", str(folder), expect=1)
    assert "Traceback" not in printed
    assert project.read("params.yaml") == before
    assert not list((project.path / "data").glob("*photos*"))
    return printed.rpartition("error: ")[2]


def test_a_folder_that_is_no_dataset_is_refused_and_nothing_changes(
    clone: Project, photos: Path, tmp_path: Path
) -> None:
    assert "no such folder" in refused(clone, tmp_path / "gone")
    (photos / "val").rename(photos / "holdout")
    assert "expected the folders train, and test or val or valid" in refused(clone, photos)
    assert "found holdout, train; rename them" in refused(clone, photos)
    (photos / "test").mkdir()
    assert "test: a split without images" in refused(clone, photos)
    (photos / "test" / "notes.txt").write_text("x")
    (photos / "test" / "notes.png").write_text("x")
    assert "none of 2 files is or has an image (notes.png: not a PNG," in refused(clone, photos)
    shutil.rmtree(photos / "test")
    (photos / "test").mkdir()
    np.save(photos / "test" / "images.npy", random_images(3, seed=3, channels=1))
    assert "the images of the test split are a gray array" in refused(clone, photos)


def test_bad_files_are_named_at_once(clone: Project, photos: Path) -> None:
    (photos / "train" / "cats" / "empty.png").touch()
    printed = clone.stage("adopt", str(photos))
    assert "1 files that cannot be measured" in printed
    assert "    cats/empty.png: an empty file" in printed


def test_another_dataset_of_that_name_is_not_overwritten(clone: Project, photos: Path) -> None:
    clone.stage("adopt", str(photos))
    other = photos.parent / "elsewhere" / photos.name
    for split in "train", "val":
        write(other / split / "cats" / "1.png", np.zeros((9, 9, 3), np.uint8))
    kept = sorted((clone.path / "data").rglob("*"))
    printed = clone.stage("adopt", str(other), expect=1)
    assert "data/my photos/train is already there, and would have 0 files added, 1 chan" in printed
    assert f"rename {other}, or remove" in printed
    assert sorted((clone.path / "data").rglob("*")) == kept


def test_names_are_printed_without_control_characters(clone: Project, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    for split in "train", "test":
        write(folder / split / "\x1b[31mred\x07" / "1.png", np.zeros((9, 9, 3), np.uint8))
        (folder / split / "\x1b]0;title\x9b.png").touch()
    printed = clone.stage("adopt", str(folder))
    assert "1 images in 1 classes: \\x1b[31mred\\x07 1\n" in printed
    assert "\\x1b]0;title\\x9b.png: an empty file" in printed
    (folder / "train" / "\x1b[2J.dvc").touch()
    printed += clone.stage("adopt", str(folder), expect=1)
    assert "\\x1b[2J.dvc: a file of DVC's own" in printed
    assert not re.search(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f]", printed)


def test_a_ready_made_dataset_is_named_with_presets_for_its_channels(clone: Project) -> None:
    clone.stage("adopt", "mnist")
    params = yaml.safe_load(clone.read("params.yaml"))
    assert params["dataset"]["root"] == "data/mnist"
    assert params["dataset"]["download"] == ["mnist"]
    assert params["dataset"]["sources"] is None
    assert params["presets"]["half"]["mean"] == [0.5]
    assert "download@mnist" in clone.run("dvc", "stage", "list")
    clone.stage("adopt", "svhn")
    params = yaml.safe_load(clone.read("params.yaml"))
    assert params["dataset"]["download"] == ["svhn"]
    assert params["presets"]["half"]["mean"] == [0.5, 0.5, 0.5]


def test_ready_made_datasets_have_titles_on_the_page() -> None:
    assert {name: made.title for name, made in READY_MADE.items()} == TITLES


@pytest.mark.parametrize("form", ["tar", "parquet"])
def test_shards_are_looked_into(clone: Project, tmp_path: Path, form: str) -> None:
    for split in ("train", "test"):
        write_split(tmp_path / "shards" / split, form, write_photos(25))
    printed = clone.stage("adopt", str(tmp_path / "shards"))
    assert printed.count("25 images in ") == 2
    assert dataset(clone)["root"] == "data/shards"
