"""Tar files that are damaged, or made to fill the memory."""

from __future__ import annotations

import gc
import io
import subprocess
import tarfile
import tracemalloc
from collections import deque
from itertools import islice
from pathlib import Path

import pytest

from stages.images.members import Member
from stages.images.shards import read_shard
from tests.shards import listed, members, tar_of, with_header, write_photos

PHOTO, OTHER = write_photos(2)
BLOCK = tarfile.BLOCKSIZE


def test_what_follows_the_end_of_a_tar_file_is_an_error_that_says_where(tmp_path: Path) -> None:
    first = tar_of(tmp_path / "a.tar", {"a.png": PHOTO.data}).read_bytes()
    second = tar_of(tmp_path / "b.tar", {"b.png": OTHER.data}).read_bytes()
    (tmp_path / "c.tar").write_bytes(first + second)
    end = 2 * BLOCK + len(PHOTO.data) // BLOCK * BLOCK  # a header and the blocks of the image
    with pytest.raises(
        OSError, match=rf"c\.tar: .*ends at byte {end}, and from byte {len(first)} on there is more"
    ):
        members(tmp_path / "c.tar")
    # The remedy in the error works.
    (tmp_path / "c.tar").write_bytes(first)
    subprocess.run(["tar", "--concatenate", "-f", "c.tar", "b.tar"], cwd=tmp_path, check=True)
    assert [member.name for member in members(tmp_path / "c.tar")] == ["a.png", "b.png"]


@pytest.mark.parametrize("zeroed", range(3))
def test_no_image_behind_a_zeroed_header_is_dropped(tmp_path: Path, zeroed: int) -> None:
    content = tar_of(tmp_path / "0.tar", {f"{n}.png": b"image" for n in range(3)}).read_bytes()
    at = 2 * BLOCK * zeroed
    (tmp_path / "0.tar").write_bytes(content[:at] + bytes(BLOCK) + content[at + BLOCK :])
    with pytest.raises(OSError, match=rf"ends at byte {at}, and from byte {at + BLOCK} on"):
        members(tmp_path / "0.tar")


def test_zeros_up_to_the_end_are_no_error(tmp_path: Path) -> None:
    tar_of(tmp_path / "0.tar", {"a.png": PHOTO.data})
    expected = members(tmp_path / "0.tar")
    with (tmp_path / "0.tar").open("ab") as file:
        file.truncate(2**22 + 1)  # as if the file was allocated before it was written
    assert members(tmp_path / "0.tar") == expected


@pytest.mark.parametrize(
    "options",
    [
        ["--format=gnu"],
        *(["--format=pax", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0")),
    ],
    ids=" ".join,
)
def test_a_sparse_file_in_a_tar_file_is_refused_before_it_is_unpacked(
    tmp_path: Path, options: list[str]
) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(2**32)
    (tmp_path / "b.png").write_bytes(PHOTO.data)
    command = ["tar", "--sparse", *options, "-cf", "0.tar", "a.png", "b.png"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "0.tar").stat().st_size < 2**15
    sparse, whole = members(tmp_path / "0.tar")
    assert sparse.reason.startswith(f"a sparse file of {2**32} bytes")
    assert (whole.name, whole.reason) == ("b.png", "")


@pytest.mark.parametrize(
    "size",
    [b"77777777777\0", b"\x80" + b"\x7f" * 11, b"\xff" * 12, b"\xff" * 10 + b"\xfe\0", b"\x80\x7f"],
    ids=["8 GiB", "2^87", "-1", "-512", "2^86"],
)
@pytest.mark.parametrize("kind", [b"0", b"5", b"L", b"x", b"g", b"S"], ids=bytes.decode)
def test_a_header_that_lies_about_a_size_is_an_error(
    tmp_path: Path, size: bytes, kind: bytes
) -> None:
    content = tar_of(tmp_path / "0.tar", {"a.png": PHOTO.data, "b.png": b""}).read_bytes()
    (tmp_path / "0.tar").write_bytes(with_header(content, 0, {124: size, 156: kind}))
    with pytest.raises(OSError, match=r"0\.tar: cannot be read as a shard: "):
        members(tmp_path / "0.tar")


@pytest.mark.parametrize("size", ["-512", "-5", "99999999999999999999", "1e3", "nan"])
def test_a_pax_header_that_lies_about_a_size_is_an_error(tmp_path: Path, size: str) -> None:
    info = tarfile.TarInfo("a.png")
    info.pax_headers = {"size": size}
    with tarfile.open(tmp_path / "0.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
        tar.addfile(tarfile.TarInfo("b.png"))
    if size in ("1e3", "nan"):  # which tarfile takes for 0
        assert len(members(tmp_path / "0.tar")) == 2
        return
    with pytest.raises(OSError, match=r"0\.tar: cannot be read as a shard: "):
        members(tmp_path / "0.tar")


def test_headers_that_announce_headers_without_end_are_an_error(tmp_path: Path) -> None:
    name = b"a".ljust(BLOCK, b"\0")
    content = tar_of(tmp_path / "0.tar", {"a.png": name}).read_bytes()
    header = with_header(content, 0, {156: b"L"})[:BLOCK]
    (tmp_path / "0.tar").write_bytes((header + name) * 5000 + content)
    with pytest.raises(OSError, match=r"0\.tar: cannot be read as a shard: .*recursion"):
        members(tmp_path / "0.tar")


def test_json_that_is_nested_too_deeply_is_no_label(tmp_path: Path) -> None:
    tar_of(tmp_path / "0.tar", {"a.png": PHOTO.data, "a.json": b"[" * 100_000})
    reason = "the label beside it cannot be read: JSON that is nested too deeply"
    assert members(tmp_path / "0.tar") == [Member("a.png", None, reason=reason)]


def test_one_of_many_images_of_a_sample_is_in_memory(tmp_path: Path) -> None:
    size = 2**20
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        for number in range(64):
            info = tarfile.TarInfo("0.png" if number else "0.jpg")
            info.size = size
            tar.addfile(info, io.BytesIO(bytes(size)))
    shard = listed(tmp_path / "0.tar")
    tracemalloc.start()
    [(member, _)] = read_shard(shard)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert member.reason == "64 images in a sample of a shard: jpg, png, png, png, png, ..."
    assert peak < 6 * size


def test_headers_do_not_pile_up(tmp_path: Path) -> None:
    reading = read_shard(listed(tar_of(tmp_path / "0.tar", {f"{n}.png": b"" for n in range(100)})))
    gc.collect()
    deque(islice(reading, 99), maxlen=0)
    assert sum(type(held) is tarfile.TarInfo for held in gc.get_objects()) < 5
