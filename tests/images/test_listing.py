"""The files of a split have names and contents, and none is passed over in silence."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from torchvision.datasets import ImageFolder

from stages.images.judge import list_folder
from stages.images.listing import File, identify
from stages.images.shards import read_image
from stages.measure.collect import label_of
from stages.measure.work import Task, measure_task
from stages.shared.preparation import Preparation
from tests.pictures import encoded, picture


@pytest.fixture
def split(tmp_path: Path) -> Path:
    folder = tmp_path / "photos" / "train"
    for name in ("b/2.png", "b/1.png", "a/ein Bild mit Ümlaut und Leerzeichen.png", "B/3.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def reasons(split: Path) -> dict[str, str]:
    return {file.name: file.reason for file in list_folder(split) if file.reason}


def test_files_are_in_the_order_of_their_names_with_their_sha256(split: Path) -> None:
    names = ["B/3.png", "a/ein Bild mit Ümlaut und Leerzeichen.png", "b/1.png", "b/2.png"]
    assert [(file.name, file.folder, file.content, file.reason) for file in list_folder(split)] == [
        (name, split, hashlib.sha256(name.encode()).hexdigest()[:32], "") for name in names
    ]


def test_hidden_files_and_droppings_are_left_out(split: Path) -> None:
    before = list(list_folder(split))
    for name in (".DS_Store", ".gitignore", ".hidden/a.png", "b/Thumbs.db", "desktop.ini"):
        path = split / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    assert list(list_folder(split)) == before


def test_links_are_followed_as_image_folder_follows_them(split: Path, tmp_path: Path) -> None:
    (tmp_path / "pool" / "dog" / "deep").mkdir(parents=True)
    for name in ("1.png", "dog/2.png", "dog/deep/3.png"):
        (tmp_path / "pool" / name).write_bytes(b"x")
    (split / "b" / "again.png").symlink_to("../b/1.png")
    (split / "b" / "out.png").symlink_to(tmp_path / "pool" / "1.png")
    (split / "dog").symlink_to(tmp_path / "pool" / "dog")
    (split / "b" / "cat").symlink_to("../a")
    listing = list_folder(split)
    folder = ImageFolder(split)
    expected = sorted(Path(path).relative_to(split).as_posix() for path, _ in folder.samples)
    assert [file.name for file in listing if file.content] == expected
    assert {label_of(file.name) for file in listing if file.content} == set(folder.classes)
    assert not reasons(split)
    assert listing.noted() == {"linked folder": ["b/cat", "dog"]}


def test_endless_links_and_links_to_nothing_are_bad(split: Path) -> None:
    (split / "up").symlink_to("..")
    (split / "b" / "itself").symlink_to(".")
    (split / "nothing.png").symlink_to("gone.png")
    (split / "round.png").symlink_to("round.png")
    endless = "a link to a folder that contains it: following it would never end"
    assert reasons(split) == {
        "b/itself": endless,
        "nothing.png": "a link to nothing: No such file or directory",
        "round.png": "a link to nothing: Too many levels of symbolic links",
        f"up/{split.name}": endless,
    }


@pytest.mark.parametrize("kept", ["photos/train.dvc", "photos.dvc"])
def test_a_linked_folder_is_bad_in_a_split_that_dvc_keeps(
    split: Path, tmp_path: Path, kept: str
) -> None:
    (tmp_path / kept).touch()
    (split / "dog").symlink_to(tmp_path)
    assert reasons(split) == {
        "dog": "a link to a folder, which DVC does not keep; put the folder there"
    }


def test_a_pipe_is_named_and_not_waited_for(split: Path) -> None:
    os.mkfifo(split / "pipe.png")
    assert reasons(split) == {"pipe.png": "no file: a pipe or the like"}
    with pytest.raises(OSError, match=r"no file: a pipe or the like: .*pipe\.png"):
        identify(split / "pipe.png")
    task = Task([File("pipe.png", split)], Preparation())
    with pytest.raises(OSError, match="no file"):
        measure_task(task)
    with pytest.raises(OSError, match="no file"):
        read_image(split, "pipe.png")


BESIDE = {
    "_annotations.coco.json": b"{}",
    "a/1.xml": b"<annotation/>",
    "metadata.csv": b"file_name,label\n",
    "labels.TXT": b"Python\n",  # a PPM image to Pillow, by its first two letters
    "README.md": b"BMW and other cars\n",  # and a BMP image
    "data.yaml": b"names: []\n",
    "labels.cache": bytes(range(256)),
    "_SUCCESS": b"",
}


def test_what_is_no_image_by_name_and_content_is_noted(split: Path) -> None:
    before = list(list_folder(split))
    for name, content in BESIDE.items():
        (split / name).write_bytes(content)
    listing = list_folder(split)
    assert [file for file in listing if not file.noted] == before
    assert listing.noted() == {
        "cache": ["labels.cache"],
        "csv": ["metadata.csv"],
        "json": ["_annotations.coco.json"],
        "md": ["README.md"],
        "no suffix": ["_SUCCESS"],
        "txt": ["labels.TXT"],
        "xml": ["a/1.xml"],
        "yaml": ["data.yaml"],
    }


PNG = encoded(picture(), "PNG")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("notes.JPG", b"hello"),
        ("photo.heic", b"what Pillow does not know"),
        ("scan.gif", b"hello"),
        ("photo", PNG),
        ("cut", PNG[:40]),
        ("photo.tmp", PNG),
        ("frames.bin", b"GIF89a" + bytes(9)),
        ("drawing", b"P2\n1 1\n255\n7\n"),
    ],
)
def test_an_image_by_its_name_or_its_content_is_not_noted(
    split: Path, name: str, content: bytes
) -> None:
    (split / name).write_bytes(content)
    assert name in [file.name for file in list_folder(split) if file.content]


def test_a_name_that_is_not_utf8_is_named(split: Path) -> None:
    (Path(os.fsdecode(os.fsencode(split) + b"/caf\xe9.png"))).write_bytes(b"x")
    assert reasons(split) == {"caf\ufffd.png": "its name is not valid UTF-8"}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_a_file_without_permission_to_read_it_is_named(split: Path) -> None:
    secret = split / "b" / "1.png"
    secret.chmod(0)
    for folder in [split, *split.parents]:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "import os, sys\n"
        "from stages.images.judge import list_folder\n"
        "from pathlib import Path\n"
        "os.setgid(65534)\n"
        "os.setuid(65534)\n"
        "print([file for file in list_folder(Path(sys.argv[1])) if file.reason])\n"
    )
    listed = subprocess.run(
        [sys.executable, "-c", code, str(split)], capture_output=True, text=True, check=True
    )
    assert "reason='cannot be read: Permission denied'" in listed.stdout


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "folder").mkdir(parents=True)
    (tmp_path / "empty" / ".hidden").touch()
    with pytest.raises(ValueError, match=r"empty: a split without images"):
        list_folder(tmp_path / "empty")
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"empty: a split without images"):
        list_folder(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match=r"missing: no folder there; dataset\.root"):
        list_folder(tmp_path / "missing")
