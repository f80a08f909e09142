"""Splits that differ in labels or in colour, through every stage in one process."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from stages import inventory, publish
from stages.adopt.__main__ import channels_of, describe
from stages.adopt.look import look_at
from stages.check import __main__ as check
from stages.compare import __main__ as compare
from stages.images.arrays import save_split
from stages.images.index import load_index, save_index
from stages.measure.__main__ import measure
from stages.measure.file_split import measure_folder
from stages.normalize import __main__ as normalize
from stages.report import __main__ as report
from stages.sample import __main__ as sample
from stages.shared.load_params import load_params
from stages.statistics.files import load_splits, load_statistics, save_statistics
from tests.conftest import ROOT, random_images

Array = np.ndarray[Any, Any]

PHOTOS = Path("photos")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots").symlink_to(ROOT / "plots")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"] |= {"root": "photos", "download": []}
    params["compare"]["permutations"] = 19
    params["limits"] = {}
    Path("params.yaml").write_text(yaml.safe_dump(params))


def write(split: str, images: Array, folders: list[str], mode: str = "RGB") -> None:
    for number, image in enumerate(images.transpose(0, 2, 3, 1)):
        path = PHOTOS / split / folders[number % len(folders)] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).convert(mode).save(path)


def pixels(split: str) -> Array:
    """All of a split as `ImageFolder` loads them: as RGB (N, 3, H, W)."""
    paths = sorted((PHOTOS / split).rglob("*.png"), key=lambda path: path.as_posix())
    loaded = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    return loaded.transpose(0, 3, 1, 2)


def measured() -> None:
    params = load_params()
    for split in ("train", "test"):
        found = measure_folder(split, params.dataset, lambda work, tasks: map(work, tasks))
        save_statistics(split, found[0])
        save_index(split, found[1])


def reported(name: str) -> Any:
    {"inventory": inventory, "shift": compare}[name].main()
    return json.loads(Path(f"reports/{name}.json").read_text())


def drawn() -> str:
    """The page, after the stages from `check` on."""
    check.main(record=True)
    sample.main()
    for preset in load_params().presets:
        normalize.main(preset)
    for stage in (publish, report):
        stage.main()
    return Path("reports/index.html").read_text()


def test_class_folders_in_train_alone_are_compared_without_strata_to_the_page() -> None:
    write("train", random_images(20, seed=0), ["cats", "dogs"])
    write("test", random_images(8, seed=1), ["."])
    measured()
    counts = reported("inventory")
    assert (counts["train"]["classes"], counts["test"]["classes"]) == (2, 0)
    assert "unlabelled" not in counts["train"]
    assert counts["test"]["unlabelled"] == 8
    shift = reported("shift")
    assert shift["labelled"] == {"train": True, "test": False}
    assert (shift["classes"], shift["class_mix"]) == ({}, None)
    assert None not in shift["p_value"]["mean_levels"].values()
    page = drawn()
    assert json.loads(Path("reports/plots/classes.json").read_text()) == []
    assert "Not every image of the test split has a label, so there are no classes" in page
    assert 'alt="the darkest image of the test split"' in page
    assert "8 images, so that the split has no classes" in page
    assert "all images" not in page
    assert "None" not in page.partition("<main>")[2].partition('id="origin"')[0]


def test_a_class_that_one_split_lacks_is_named_once_and_drawn_nowhere() -> None:
    write("train", random_images(30, seed=0), ["cats", "dogs", "owls"])
    write("test", random_images(8, seed=1), ["cats", "dogs"])
    measured()
    reported("inventory")
    assert reported("shift")["classes"]["owls"]["images"] == {"train": 10, "test": 0}
    section = drawn().partition('id="classes"')[2].partition("</section>")[0]
    assert re.findall(r'<tr><th scope="row">(\w+)</th>', section) == ["cats", "dogs"]
    assert section.count("owls") == 1
    rows = json.loads(Path("reports/plots/classes.json").read_text())
    assert {row["class"] for row in rows} == {"cats", "dogs"}


def test_an_image_without_a_label_leaves_its_split_without_classes() -> None:
    write("train", random_images(20, seed=0), ["cats", "dogs"])
    write("test", random_images(8, seed=1), ["cats", "dogs", ".", "dogs"])
    measured()
    index = load_index("test")
    assert (index.classes, index.unlabelled) == (["cats", "dogs"], 2)
    assert list(index.labels) == [None, None, 0, 0, 1, 1, 1, 1]
    counts = reported("inventory")["test"]
    assert (counts["images"], counts["classes"], counts["unlabelled"]) == (8, 0, 2)
    assert reported("shift")["labelled"] == {"train": True, "test": False}
    assert "8 images without classes, as 2 have no label" in describe(look_at(PHOTOS / "test"))


@pytest.mark.parametrize("gray", ["train", "test"])
def test_gray_files_are_rgb_beside_a_split_with_a_file_in_colour(gray: str) -> None:
    """Both splits, as `ImageFolder` loads them."""
    for split, images in ("train", random_images(20, seed=0)), ("test", random_images(8, seed=1)):
        write(split, images, ["cats", "dogs"], "L")
        if split != gray:
            write(split, images[:1], ["cats"])
    measured()
    assert load_statistics(gray).channel_names == ("gray",)
    for split, statistics in load_splits().items():
        assert (statistics.image_sums == pixels(split).sum(axis=(2, 3))).all()
        squares = (pixels(split).astype(int) ** 2).sum(axis=(2, 3))
        assert (statistics.image_sums_of_squares == squares).all()
        of_channels = pixels(split).transpose(1, 0, 2, 3).reshape(3, -1)
        counted = [np.bincount(channel, minlength=256) for channel in of_channels]
        assert (statistics.histogram == counted).all()
    shift = reported("shift")
    gaps = pixels("test").mean(axis=(0, 2, 3)) - pixels("train").mean(axis=(0, 2, 3))
    assert list(shift["mean_levels"].values()) == pytest.approx(gaps.tolist())
    counts = reported("inventory")
    for split, count in ("train", 20), ("test", 8):
        assert counts[split]["converted"] == {"gray": count - (split != gray)}
    assert channels_of({split: look_at(PHOTOS / split) for split in ("train", "test")}) == 3


def test_gray_files_alone_are_not_converted() -> None:
    for split in ("train", "test"):
        write(split, random_images(8, seed=1), ["cats", "dogs"], "L")
    measured()
    assert [of.channel_names for of in load_splits().values()] == [("gray",)] * 2
    counts = reported("inventory")
    assert (counts["train"]["converted"], counts["test"]["converted"]) == ({}, {})
    assert channels_of({split: look_at(PHOTOS / split) for split in ("train", "test")}) == 1


def test_a_gray_array_beside_one_in_colour_is_refused() -> None:
    """No loader converts one to the other."""
    for split, channels in ("train", 3), ("test", 1):
        images = random_images(6, seed=0, channels=channels)
        save_split(PHOTOS / split, images, np.zeros(6, np.uint8), ["cats"])
        statistics, index = measure(split, load_params())
        save_statistics(split, statistics)
        save_index(split, index)
    message = r"photos.test: .* red, green, blue, found 1 in each image; give both splits gray"
    with pytest.raises(ValueError, match=message):
        compare.main()
    with pytest.raises(ValueError, match="the images of the test split are a gray array"):
        channels_of({split: look_at(PHOTOS / split) for split in ("train", "test")})


def test_an_array_without_labels_has_no_classes() -> None:
    for split in ("train", "test"):
        (PHOTOS / split).mkdir(parents=True)
        np.save(PHOTOS / split / "images.npy", random_images(6, seed=0))
        statistics, index = measure(split, load_params())
        save_statistics(split, statistics)
        save_index(split, index)
    counts = reported("inventory")
    assert counts["train"] == counts["test"] == {"images": 6, "classes": 0, "unlabelled": 6}
    assert reported("shift")["labelled"] == {"train": False, "test": False}
    assert "6 images without classes, as 6 have no label" in describe(look_at(PHOTOS / "test"))
