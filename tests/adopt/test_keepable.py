"""Files that DVC cannot keep are found before DVC is asked; DVC itself refuses the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from stages.adopt.__main__ import choose_folder
from stages.adopt.keepable import check_copied, check_in_place
from stages.images.judge import list_folder
from stages.shared.preparation import MAX_PIXELS
from tests.conftest import ENVIRONMENT
from tests.shards import write_folder, write_photos


def not_utf_8(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/b\xff.png")).touch()


def link_to_nothing(folder: Path) -> None:
    (folder / "b.png").symlink_to("nowhere")


def link_to_a_folder(folder: Path) -> None:
    (folder.parent / "pool").mkdir()
    (folder.parent / "pool" / "b.png").touch()
    (folder / "b").symlink_to(folder.parent / "pool")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "b.png")


def hidden_pipe(folder: Path) -> None:
    os.mkfifo(folder / ".b")


def file_of_dvc(folder: Path) -> None:
    (folder / "b.dvc").touch()


def dvcignore(folder: Path) -> None:
    (folder / ".dvcignore").touch()


@pytest.fixture
def split(tmp_path: Path) -> Path:
    folder = tmp_path / "train"
    folder.mkdir()
    (folder / "a.png").touch()
    (folder / ".hidden").touch()
    (folder / "link.png").symlink_to("a.png")
    return folder


COPIED, KEPT, MEASURED = "copied", "kept in place", "measured in place"
CHECKS: dict[str, Callable[[Path], None]] = {
    COPIED: check_copied,
    KEPT: partial(check_in_place, is_kept=True),
    MEASURED: partial(check_in_place, is_kept=False),
}


@pytest.mark.parametrize(
    ("add", "reason", "refused"),
    [
        (not_utf_8, r"b\ufffd\.png: its name is not valid UTF-8", {COPIED, KEPT, MEASURED}),
        (link_to_nothing, r"b\.png: .*a link to nothing", {COPIED, KEPT, MEASURED}),
        (pipe, r"b\.png: no file", {COPIED, KEPT, MEASURED}),
        (file_of_dvc, r"b\.dvc: a file of DVC's own", {COPIED, KEPT, MEASURED}),
        (hidden_pipe, r"\.b: no file", {KEPT, MEASURED}),
        (dvcignore, r"\.dvcignore: a file of DVC's own", {KEPT, MEASURED}),
        (link_to_a_folder, "b: a link to a folder, which DVC does not follow", {KEPT}),
    ],
)
def test_what_dvc_cannot_keep_is_named_where_it_matters(
    split: Path, add: Callable[[Path], None], reason: str, refused: set[str]
) -> None:
    for check in CHECKS.values():
        check(split)
    add(split)
    for name, check in CHECKS.items():
        if name in refused:
            with pytest.raises(ValueError, match=rf"train: DVC cannot keep these; .*\n  {reason}"):
                check(split)
        else:
            check(split)


def test_a_linked_folder_is_measured_and_noted_where_dvc_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, here = tmp_path / "photos", tmp_path / "repository"
    for images in folder / "train" / "cat", tmp_path / "pool" / "dog", folder / "test":
        write_folder(images, write_photos(2))
    (folder / "train" / "dog").symlink_to(tmp_path / "pool" / "dog")
    here.mkdir()
    monkeypatch.chdir(here)
    assert choose_folder(folder, MAX_PIXELS, in_place=True).root == folder
    said = capsys.readouterr().out
    assert "4 images in 2 classes: cat 2, dog 2\n" in said
    assert said.count("beside the images: linked folder 1\n") == 1
    assert list_folder(folder / "train").noted() == {"linked folder": ["dog"]}
    shutil.move(folder, here)
    with pytest.raises(ValueError, match=r"photos/train: DVC cannot keep .*\n  dog: a link to a f"):
        choose_folder(Path("photos"), MAX_PIXELS, in_place=True)


def test_the_rest_of_many_is_counted(split: Path) -> None:
    for number in range(7):
        (split / f"{number}.dvc").touch()
    with pytest.raises(ValueError, match=r"(?s)DVC cannot.*\n  and 2 more$"):
        check_copied(split)


@pytest.mark.parametrize("add", [not_utf_8, link_to_nothing, file_of_dvc, dvcignore])
def test_dvc_refuses_the_same_files(split: Path, add: Callable[[Path], None]) -> None:
    """Except pipes, which DVC waits for, and links to folders, which it leaves out."""

    def dvc(*command: str) -> int:
        return subprocess.run(
            [sys.executable, "-m", "dvc", *command, "--quiet"],
            cwd=split.parent,
            env=ENVIRONMENT,
            check=False,
        ).returncode

    assert dvc("init", "--no-scm") == 0
    shutil.copytree(split, split.parent / "before")
    assert dvc("add", "before") == 0
    add(split)
    assert dvc("add", "train") != 0
