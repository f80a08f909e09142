"""Folders of image files as users have them, from the files to the report."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import v2

from stages.images.decode import NO_IMAGE
from stages.images.decoder import decoder
from stages.images.listing import File
from stages.measure.work import Task, measure_task
from stages.shared.preparation import Preparation
from tests.conftest import Params, Project, random_images
from tests.pictures import tiff

Images = NDArray[np.uint8]

STATISTICS = ("data/statistics/train.npz", "data/statistics/test.npz")
SHIFT = "reports/shift.json"


def png(image_CHW: Images) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image_CHW.transpose(1, 2, 0)).save(content, "PNG")
    return content.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def use(root: str, **changes: Any) -> Any:
    def change(params: Params) -> None:
        params["dataset"].update(root=root, download=[], **changes)
        params["limits"] = {}

    return change


def files_of(images: Images) -> dict[str, bytes]:
    """The images as PNG files, in the classes that `write_images` gives to arrays."""
    return {
        f"class {number % 10}/{number:03d}.png": png(image) for number, image in enumerate(images)
    }


def by_class(images: Images) -> Images:
    return np.concatenate([images[number::10] for number in range(10)])


@pytest.fixture
def photos(project: Project, tmp_path: Path) -> Project:
    """A project with image files in place of CIFAR-10, not measured yet."""
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    for split, images in ("train", random_images(60, seed=0)), ("test", random_images(20, seed=1)):
        write(project.path / "data" / "photos" / split, files_of(images))
    shutil.rmtree(project.path / "data" / "cifar10")
    project.edit_params(use("data/photos"))
    return project


def measured(project: Project, *splits: str) -> str:
    """Measure; the last line of the progress of each split."""
    said = [project.stage("measure", split) for split in splits or ("train", "test")]
    return "\n".join(line.replace("\r", "\n").strip().splitlines()[-1] for line in said)


def statistics(project: Project) -> list[bytes]:
    return [project.read(path) for path in STATISTICS]


def test_the_same_images_give_the_same_bytes_as_files_and_as_an_array(
    photos: Project, reproduced: Project, tmp_path: Path
) -> None:
    shift = reproduced.read(SHIFT)
    assert sorted(photos.repro("compare")) == ["compare", "measure@test", "measure@train"]
    arrays = reproduced.copy_to(tmp_path / "arrays")
    for split, images in ("train", random_images(60, seed=0)), ("test", random_images(20, seed=1)):
        np.save(arrays.path / "data" / "cifar10" / split / "images.npy", by_class(images))
    measured(arrays)
    assert statistics(photos) == statistics(arrays)
    # The classes are the same, and so is the order of the images within a class.
    found, expected = json.loads(photos.read(SHIFT)), json.loads(shift)
    assert list(found.pop("classes").values()) == list(expected.pop("classes").values())
    for of in (found, expected):
        del of["largest_class_gap"], of["most_unusual_class_gap"]["class"], of["statistics"]
    assert found == expected
    assert photos.repro("compare") == []


def test_processes_order_on_disk_and_stored_results_change_no_byte(
    photos: Project, tmp_path: Path
) -> None:
    measured(photos)
    expected = statistics(photos)
    folder = photos.path / "data" / "photos" / "train"
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")
    }
    shutil.rmtree(folder)
    write(folder, dict(reversed(contents.items())))
    assert measured(photos).count("0image") == 2  # nothing was new
    assert statistics(photos) == expected
    photos.environment["XDG_CACHE_HOME"] = str(tmp_path / "another")
    said = photos.run("taskset", "--cpu-list", "0", "python", "-m", "stages.measure", "train")
    assert "60/60" in said
    assert statistics(photos) == expected


def test_only_added_files_are_measured(photos: Project) -> None:
    measured(photos)
    added = random_images(3, seed=9)
    folder = photos.path / "data" / "photos" / "train"
    write(folder, {f"class {n}/5 between.png": png(image) for n, image in enumerate(added)})
    (folder / "class 3" / "003.png").rename(folder / "class 3" / "moved.png")
    assert "3/3" in measured(photos, "train")
    incremental = statistics(photos)
    shutil.rmtree(photos.environment["XDG_CACHE_HOME"])
    assert "63/63" in measured(photos, "train")
    assert statistics(photos) == incremental


def test_a_killed_run_goes_on_from_where_it_was(photos: Project) -> None:
    code = """if True:
        import os, signal
        from stages.measure import __main__ as measure
        from stages.measure.store import Store
        add = Store.add
        def add_and_die(store, *found):
            add(store, *found)
            os.kill(os.getpid(), signal.SIGKILL)
        Store.add = add_and_die
        if __name__ == "__main__":
            measure.main("train")
    """
    before = photos.read(STATISTICS[0])
    photos.run("python", "-c", code, expect=-9)
    assert photos.read(STATISTICS[0]) == before
    # The first task was one file of the 60.
    again = measured(photos, "train")
    assert "59/59" in again, again
    resumed = photos.read(STATISTICS[0])
    shutil.rmtree(photos.environment["XDG_CACHE_HOME"])
    assert "60/60" in measured(photos, "train")
    assert photos.read(STATISTICS[0]) == resumed


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(png(random_images(1, seed=0)[0]))
    task = Task([File("1.png", tmp_path, content="that of a moment ago")], Preparation())
    with pytest.raises(ValueError, match=r"1\.png: changed while it was being read; run again"):
        measure_task(task)


BAD = {"class 0/empty.png": b"", "class 1/cut.png": b"\x89PNG\r\n"}

BESIDE = {"class 0/notes.txt": b"hello", "metadata.csv": b"file_name\n", "x.txt": b""}


def test_bad_files_stop_the_run_and_are_all_named(photos: Project) -> None:
    write(photos.path / "data" / "photos" / "train", BAD | BESIDE)
    before = statistics(photos)
    said = photos.stage("measure", "train", expect=1)
    _, _, error = said.rpartition("error: ")
    assert error.splitlines() == [
        "2 of 62 files cannot be measured:",
        "  class 0/empty.png: an empty file",
        f"  class 1/cut.png: {NO_IMAGE}",
        "Mend them or move them away; or go on without them, listed in reports/quarantine.json, by "
        "dataset.on_bad_image: quarantine in params.yaml",
    ]
    assert statistics(photos) == before


def test_quarantined_files_are_listed_and_counted_but_not_measured(photos: Project) -> None:
    geotiff = tiff(({256: 8, 257: 9, 258: (8, 8, 8), 262: 2, 277: 3, 42113: b"0\0"}, bytes(216)))
    write(photos.path / "data" / "photos" / "train", {"class 0/geo.tif": geotiff})
    measured(photos)
    expected = statistics(photos)
    write(photos.path / "data" / "photos" / "train", BAD | BESIDE)
    photos.edit_params(use("data/photos", on_bad_image="quarantine"))
    assert "download@cifar10" not in photos.repro()
    assert statistics(photos) == expected
    listed = json.loads(photos.read("reports/quarantine.json"))
    assert [entry["name"] for entry in listed["train"]] == list(BAD)
    assert listed["test"] == []
    shown = json.loads(photos.run("dvc", "metrics", "show", "--json"))[""]["data"]
    counts = shown["reports/inventory.json"]["data"]
    assert counts["train"]["quarantined"] == 2
    assert counts["train"]["noted"] == {"csv": 1, "txt": 2}
    assert counts["train"]["images"] == 61
    assert counts["train"]["converted"] == {"nodata value, fill counted": 1}
    page = photos.read("reports/index.html").decode()
    assert "class 1/cut.png" in page
    assert "2 txt" in page
    assert "photos normalization" in page
    assert "1 for nodata value, fill counted" in page
    assert page.count(f"<dt>decoded by</dt><dd>{decoder()}</dd>") == 2
    assert (
        "CIFAR-10" not in page.replace("https://", "").split("<main")[-1].split('id="presets"')[0]
    )


def test_duplicates_and_conversions_are_counted(photos: Project) -> None:
    folder = photos.path / "data" / "photos"
    image = random_images(1, seed=0)[0]
    gray = io.BytesIO()
    Image.fromarray(image[0]).save(gray, "PNG")
    write(folder / "train", {"class 9/again.png": png(image), "class 9/gray.png": gray.getvalue()})
    write(folder / "test", {"class 9/again.png": png(image)})
    measured(photos)
    photos.stage("inventory")
    assert json.loads(photos.read("reports/inventory.json")) == {
        "train": {
            "images": 62,
            "classes": 10,
            "duplicates": 1,
            "quarantined": 0,
            "noted": {},
            "converted": {"gray": 1},
            "decoder": decoder().split(", "),
        },
        "test": {
            "images": 21,
            "classes": 10,
            "duplicates": 0,
            "quarantined": 0,
            "noted": {},
            "converted": {},
            "decoder": decoder().split(", "),
        },
        "contents_in_both_splits": 1,
    }


def test_a_run_with_another_decoder_than_the_recorded_one_says_so(photos: Project) -> None:
    """As after a merge of another person's reports. The stages still run."""
    inventory, index = photos.path / "reports/inventory.json", photos.path / "data/index/train.json"
    of_split = {"images": 60, "classes": 10, "decoder": ["Pillow 1.0"]}
    inventory.write_text(json.dumps({"train": of_split, "test": of_split}))
    printed = [photos.stage("measure", "train")]
    inventory.write_text("<<<<<<< HEAD")
    assert "note:" not in photos.stage("measure", "test")
    index.write_text(index.read_text().replace(decoder(), "Pillow 1.0"))
    printed += [photos.stage("sample"), photos.stage("compare")]
    said = (
        "note: the train split was measured with another decoder, which may give other pixels\n"
        f"  recorded: Pillow 1.0\n  here: {decoder()}\n"
    )
    assert [of_stage.count(said) for of_stage in printed] == [1, 1, 1]


def test_results_for_images_of_any_size_equal_numpys(photos: Project) -> None:
    """Both stds by their definitions, over the pixels and over the images."""
    rng = np.random.default_rng(5)
    for split in ("train", "test"):
        folder = photos.path / "data" / "photos" / split
        shutil.rmtree(folder)
        images = [
            rng.integers(0, 256, (3, *rng.integers(1, 50, 2)), dtype=np.uint8) for _ in range(40)
        ]
        write(folder, {f"{number:02d}.png": png(image) for number, image in enumerate(images)})
        if split == "train":
            of_train = images
    photos.repro("sample", "compare", "normalize@to_tensor")
    found = json.loads(photos.read("reports/presets/to_tensor/details.json"))["train"]
    for channel, name in enumerate(("red", "green", "blue")):
        values = [image[channel].ravel() / 255 for image in of_train]
        pixels = np.concatenate(values)
        assert found["pixels_per_channel"] == len(pixels)
        assert found["mean"][name] == pytest.approx(pixels.mean(), abs=1e-12)
        assert found["std"][name] == pytest.approx(pixels.std(), abs=1e-12)
        stds = [of_image.std() for of_image in values]
        assert found["image_std_mean"][name] == pytest.approx(np.mean(stds), abs=1e-12)
        means = [of_image.mean() for of_image in values]
        assert found["image_mean_std"][name] == pytest.approx(np.std(means), abs=1e-12)


def test_resizing_and_cropping_equal_torchvisions_and_are_recorded(photos: Project) -> None:
    before = photos.repro("measure") and statistics(photos)
    photos.edit_params(use("data/photos", resize=12, crop=10))
    assert {"measure@train", "measure@test"} < set(photos.repro("sample", "compare"))
    prepare = v2.Compose([v2.Resize(12), v2.CenterCrop(10)])
    images = by_class(random_images(60, seed=0)).transpose(0, 2, 3, 1)
    prepared = np.stack([np.asarray(prepare(Image.fromarray(image))) for image in images])
    with np.load(photos.path / STATISTICS[0]) as found:
        assert np.array_equal(found["image_sums"], prepared.sum(axis=(1, 2), dtype=np.int64))
        assert found["image_pixels"].tolist() == [100] * 60
    assert statistics(photos) != before
    photos.repro("report")
    page = photos.read("reports/index.html").decode()
    assert "resize: 12" in page
    assert "crop: 10" in page


def test_pulled_statistics_are_compared_without_the_store_of_their_images(
    photos: Project, tmp_path: Path
) -> None:
    """The store is not shared: compare measures what is missing, with the same result."""
    measured(photos)
    photos.stage("compare")
    shift = photos.read(SHIFT)
    photos.environment["XDG_CACHE_HOME"] = str(tmp_path / "another")
    photos.stage("compare")
    assert photos.read(SHIFT) == shift
