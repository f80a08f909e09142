"""A copy becomes equal to its source, whatever it was before and wherever copying stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stages.adopt.copying import apply, compare
from tests.conftest import ROOT


def write(folder: Path, **contents: str) -> Path:
    for name, content in contents.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "source", cats__a_png="a", cats__b_png="b", dogs__a_png="c")


def test_a_copy_has_the_files_of_its_source(source: Path, tmp_path: Path) -> None:
    (source / "cats" / ".DS_Store").touch()
    target = tmp_path / "data" / "photos" / "train"
    update = compare(source, target)
    assert str(update) == "3 files added, 0 changed, 0 removed, 0 as they were"
    assert update.is_safe
    apply(update)
    assert contents(target) == {"cats/a.png": b"a", "cats/b.png": b"b", "dogs/a.png": b"c"}
    assert list(target.parent.iterdir()) == [target]
    assert str(compare(source, target)).startswith("0 files added, 0 changed, 0 removed, 3 as")


def test_of_a_link_the_copy_has_the_file_it_leads_to(source: Path, tmp_path: Path) -> None:
    (source / "dogs" / "b.png").symlink_to(source / "cats" / "b.png")
    apply(compare(source, tmp_path / "copy"))
    assert not (tmp_path / "copy" / "dogs" / "b.png").is_symlink()
    assert (tmp_path / "copy" / "dogs" / "b.png").read_text() == "b"


def test_of_a_linked_folder_the_copy_has_the_files_in_it(source: Path, tmp_path: Path) -> None:
    write(tmp_path / "pool", dog__a_png="d", dog__puppies__b_png="e")
    (source / "dog").symlink_to(tmp_path / "pool" / "dog")
    (source / "cats" / "more").symlink_to("../dogs")
    target = tmp_path / "copy"
    apply(compare(source, target))
    assert contents(target) == {
        "cats/a.png": b"a",
        "cats/b.png": b"b",
        "cats/more/a.png": b"c",
        "dog/a.png": b"d",
        "dog/puppies/b.png": b"e",
        "dogs/a.png": b"c",
    }
    assert not [path for path in target.rglob("*") if path.is_symlink()]
    shutil.rmtree(tmp_path / "pool")
    assert contents(target)["dog/a.png"] == b"d"


def test_a_copy_is_brought_up_to_date(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    apply(compare(source, target))
    # The size and the time stay the same: only the content differs.
    time = (source / "cats" / "a.png").stat().st_mtime_ns
    (source / "cats" / "a.png").write_text("A")
    os.utime(source / "cats" / "a.png", ns=(time, time))
    os.utime(target / "cats" / "a.png", ns=(time, time))
    # A folder in place of a file, and a file in place of a folder.
    (source / "dogs" / "a.png").unlink()
    (source / "dogs").rmdir()
    write(source, dogs="d", cats__c_png__d_png="e", cats__e_png="f", cats__f_png="g")
    update = compare(source, target)
    assert str(update) == "4 files added, 1 changed, 1 removed, 1 as they were"
    apply(update)
    assert contents(target) == contents(source)


def test_nothing_is_written_into_a_cache_that_the_copy_links_to(
    source: Path, tmp_path: Path
) -> None:
    """As with DVC's cache types `hardlink` and `symlink`."""
    target, cache = tmp_path / "copy", tmp_path / "cache"
    apply(compare(source, target))
    cache.mkdir()
    (target / "cats" / "a.png").rename(cache / "a")
    (target / "cats" / "a.png").symlink_to(cache / "a")
    (cache / "b").hardlink_to(target / "cats" / "b.png")
    write(source, cats__a_png="new a", cats__b_png="new b")
    apply(compare(source, target))
    assert contents(target) == contents(source)
    assert contents(cache) == {"a": b"a", "b": b"b"}


def test_a_copy_that_would_lose_more_than_it_keeps_is_not_safe(
    source: Path, tmp_path: Path
) -> None:
    def is_safe(*, tracked: bool, **files: str) -> bool:
        folder = tmp_path / f"copy {len(list(tmp_path.iterdir()))}" / "train"
        folder.mkdir(parents=True)
        write(folder, **files)
        if tracked:
            folder.with_name("train.dvc").touch()
        return compare(source, folder).is_safe

    for tracked in True, False:
        assert is_safe(tracked=tracked)
        assert is_safe(tracked=tracked, cats__a_png="a")
        # Only DVC can bring back what is lost.
        assert is_safe(tracked=tracked, cats__a_png="a", cats__gone_png="z") == tracked
        assert is_safe(tracked=tracked, cats__a_png="a", cats__b_png="z") == tracked
        assert not is_safe(tracked=tracked, cats__a_png="z")
        assert not is_safe(tracked=tracked, cats__gone_png="z")
        assert not is_safe(tracked=tracked, cats__a_png="a", cats__b_png="z", gone_png="z")


def test_an_error_leaves_only_the_unfinished_copy(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "data" / "train"
    update = compare(source, target)
    (source / "dogs" / "a.png").rename(source / "c.png")
    (source / "dogs" / "a.png").mkdir()
    with pytest.raises(IsADirectoryError):
        apply(update)
    assert list(target.parent.iterdir()) == [target]


KILLED = """
import os, shutil, sys
from pathlib import Path
from stages.adopt.copying import apply, compare

source, target, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
copy = shutil.copyfile

def copy_or_be_killed(source, target):
    global left
    left -= 1
    if left < 0:
        Path(target).write_bytes(source.read_bytes()[:1])
        os.kill(os.getpid(), 9)
    return copy(source, target)

shutil.copyfile = copy_or_be_killed
apply(compare(source, target))
"""


@pytest.mark.parametrize("copied", [0, 1, 2])
def test_a_copy_that_was_killed_is_finished(source: Path, tmp_path: Path, copied: int) -> None:
    write(source, cats__a_png="several bytes", cats__b_png="more of them", dogs__a_png="and more")
    target = tmp_path / "data" / "photos" / "train"
    command = [sys.executable, "-c", KILLED, str(source), str(target), str(copied)]
    killed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert contents(target).items() < contents(source).items()
    assert len(contents(target.parent)) == copied + 1  # with the file that was being copied
    update = compare(source, target)
    assert (update.same, len(update.added), update.is_safe) == (copied, 3 - copied, True)
    apply(update)
    assert contents(target) == contents(source)
    assert list(target.parent.iterdir()) == [target]
