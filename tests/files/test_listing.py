"""Which files a split has: each by name and content, and nothing passed over in silence."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.files.listing import File, list_folder


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
    assert list(list_folder(split)) == [
        File(name, split, hashlib.sha256(name.encode()).hexdigest()[:32]) for name in names
    ]


def test_hidden_files_and_droppings_are_no_part_of_it(split: Path) -> None:
    before = list(list_folder(split))
    for name in (".DS_Store", ".gitignore", ".hidden/a.png", "b/Thumbs.db", "desktop.ini"):
        path = split / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    assert list(list_folder(split)) == before


def test_links_within_the_split_are_followed(split: Path) -> None:
    (split / "b" / "again.png").symlink_to("../b/1.png")
    files = {file.name: file for file in list_folder(split)}
    assert files["b/again.png"].content == files["b/1.png"].content
    assert not reasons(split)


def test_links_out_of_it_are_named(split: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    (split / "b" / "out.png").symlink_to(outside)
    (split / "folder").symlink_to(tmp_path / "folder")
    (split / "up").symlink_to("..")
    (split / "nothing.png").symlink_to("gone.png")
    assert reasons(split) == {
        "b/out.png": f"a link out of the split, to {outside}",
        "folder": f"a link to the folder {tmp_path / 'folder'}",
        "nothing.png": "no file: a link to nothing, a pipe or the like",
        "up": f"a link to the folder {split.parent}",
    }


def test_links_to_what_dvc_keeps_are_files(split: Path, tmp_path: Path) -> None:
    """With DVC's cache type `symlink` every file of a dataset is one."""
    kept = tmp_path / "cache" / "files" / "md5" / "0f" / ("1" * 30)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"x")
    (split / "b" / "kept.png").symlink_to(kept)
    assert not reasons(split)


def test_a_pipe_is_named_and_not_waited_for(split: Path) -> None:
    os.mkfifo(split / "pipe.png")
    assert reasons(split) == {"pipe.png": "no file: a link to nothing, a pipe or the like"}


def test_a_name_that_is_not_utf8_is_named(split: Path) -> None:
    (Path(os.fsdecode(os.fsencode(split) + b"/caf\xe9.png"))).write_bytes(b"x")
    assert reasons(split) == {"caf\ufffd.png": "its name is not valid UTF-8"}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_a_file_that_may_not_be_read_is_named(split: Path) -> None:
    secret = split / "b" / "1.png"
    secret.chmod(0)
    for folder in [split, *split.parents]:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "import os, sys\n"
        "from stages.files.listing import list_folder\n"
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
    with pytest.raises(FileNotFoundError, match=r"missing: no folder there; dataset\.root"):
        list_folder(tmp_path / "missing")
