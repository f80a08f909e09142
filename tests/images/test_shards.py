"""Single shards as WebDataset and Hugging Face write them; a damaged shard is an error."""

from __future__ import annotations

import hashlib
import re
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from PIL import Image

from stages.images.decode import FORMATS
from stages.images.members import Member
from stages.images.shards import read_shard
from stages.images.tar import IMAGES
from tests.shards import WRITE, listed, members, parquet_of, tar_of, write_photos

PHOTO, OTHER = write_photos(2)
FORMS = ["tar", "parquet"]

Files = dict[str, bytes]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.png": PHOTO.data}, [("a.png", None, "")]),
        ({"./x/a.PNG": PHOTO.data, "./x/a.cls": b" 7\n"}, [("x/a.PNG", "7", "")]),
        ({"a.cls": b"dog", "a.png": PHOTO.data, "a.txt": b"A dog."}, [("a.png", "dog", "")]),
        ({"a.png": PHOTO.data, "a.json": b'{"label": 7}'}, [("a.png", "7", "")]),
        ({"a.png": PHOTO.data, "a.json": b'{"cls": "dog"}'}, [("a.png", "dog", "")]),
        ({"a.png": PHOTO.data, "a.json": b'{"label": 7.0}'}, [("a.png", "7", "")]),
        ({"a.png": PHOTO.data, "a.json": b'{"label": 0.5}'}, [("a.png", None, "")]),
        ({"a.png": PHOTO.data, "a.json": b"[7]"}, [("a.png", None, "")]),
        ({"a.png": PHOTO.data, "a.seg.png": b"a mask"}, [("a.png", None, "")]),
        (
            {"a.b/c.png": PHOTO.data, "a.b/d.jpg": OTHER.data},
            [("a.b/c.png", None, ""), ("a.b/d.jpg", None, "")],
        ),
        (
            {"._a.png": b"of macOS", ".hidden": b"", "a.png": PHOTO.data, "Thumbs.db": b""},
            [("a.png", None, "")],
        ),
        (
            {".trash/a.png": OTHER.data, "x/.old/y/b.png": b"", "./../z/c.png": PHOTO.data},
            [("../z/c.png", None, "")],
        ),
        ({"a.jpg": OTHER.data, "a.png": PHOTO.data}, [("a.jpg", None, "2 images .*: jpg, png")]),
        ({"a.txt": b"", "a.cls": b"1"}, [("a.txt", None, "0 images .*: txt, cls")]),
        ({"README": b""}, [("README", None, "0 images .*: no suffix")]),
        ({"a.png": PHOTO.data, "a.json": b"{"}, [("a.png", None, "the label .* cannot be read")]),
        ({"a.png": PHOTO.data, "a.cls": b"\xff"}, [("a.png", None, "the label .* cannot be read")]),
        (
            {"a.png": PHOTO.data, "a.json": rb'{"label": "\ud800"}'},
            [("a.png", None, "the label .* cannot be read")],
        ),
        ({"\udcff.png": PHOTO.data}, [("\ufffd.png", None, "its name is not valid UTF-8")]),
    ],
)
def test_a_sample_of_a_tar_file_is_one_image(
    tmp_path: Path, files: Files, expected: list[tuple[str, str | None, str]]
) -> None:
    found = members(tar_of(tmp_path / "0.tar", files))
    assert [(member.name, member.label) for member in found] == [of[:2] for of in expected]
    for member, (name, _, reason) in zip(found, expected, strict=True):
        assert re.match(reason or "$", member.reason)
        data = files.get(name, files.get(f"./{name}", b""))
        assert member.content == ("" if reason else hashlib.sha256(data).hexdigest()[:32])


def test_a_link_in_a_tar_file_is_no_image(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert members(tmp_path / "0.tar") == [
        Member("a.png", None, reason="neither a file nor a folder")
    ]


@pytest.mark.parametrize("key", ["a.cls", "a.png"])
def test_a_sample_in_two_places_is_an_error(tmp_path: Path, key: str) -> None:
    tar_of(tmp_path / "0.tar", {"a.png": PHOTO.data, "b.png": OTHER.data})
    with tarfile.open(tmp_path / "0.tar", "a") as tar:
        tar.addfile(tarfile.TarInfo(key))
    with pytest.raises(
        OSError, match=r"0\.tar: .* the files of sample 'a' do not follow each other"
    ):
        members(tmp_path / "0.tar")


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_shard_is_an_error_wherever_it_ends(tmp_path: Path, form: str) -> None:
    whole, cut = tmp_path / f"whole.{form}", tmp_path / f"cut.{form}"
    WRITE[form](whole, write_photos(4))
    content = whole.read_bytes()
    # After the last image a tar file has only zeros; one block of them is a complete end.
    end = len(content.rstrip(b"\0")) if form == "tar" else len(content) - 1
    for length in [*range(0, end, 97), *range(0, end, 512), end]:
        cut.write_bytes(content[:length])
        with pytest.raises(OSError, match=rf"cut\.{form}: cannot be read as a shard: "):
            members(cut)


def test_a_damaged_header_in_a_tar_file_is_an_error(tmp_path: Path) -> None:
    content = bytearray(tar_of(tmp_path / "0.tar", {"a.png": b"a", "b.png": b"b"}).read_bytes())
    content[1024] ^= 1
    (tmp_path / "0.tar").write_bytes(content)
    with pytest.raises(OSError, match=r"0\.tar: .*damaged after 1024 bytes"):
        members(tmp_path / "0.tar")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rewrite", ["in place", "as a new file"])
def test_a_shard_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, form: str, rewrite: str
) -> None:
    shard = tmp_path / f"0.{form}"
    WRITE[form](shard, write_photos(100, seed=0))
    reading = read_shard(listed(shard))
    next(reading)
    WRITE[form](tmp_path / f"new.{form}", write_photos(100, seed=1))
    if rewrite == "in place":
        shard.write_bytes((tmp_path / f"new.{form}").read_bytes())
    else:
        (tmp_path / f"new.{form}").replace(shard)
    with pytest.raises(ValueError, match=rf"0\.{form}: changed while it was being read"):
        list(reading)


def test_reading_a_tar_file_takes_the_memory_of_few_images(tmp_path: Path) -> None:
    size = 2**20
    tar_of(tmp_path / "0.tar", {f"{number}.png": bytes(size) for number in range(64)})
    shard = listed(tmp_path / "0.tar")
    tracemalloc.start()
    assert sum(len(data) for _, data in read_shard(shard)) == 64 * size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * size


def test_the_image_of_a_sample_may_be_of_any_format_that_is_read(tmp_path: Path) -> None:
    files = {f"{number}.{suffix}": b"x" for number, suffix in enumerate(IMAGES)}
    found = members(tar_of(tmp_path / "0.tar", files))
    assert [(member.name, member.reason) for member in found] == [(name, "") for name in files]
    formats = Image.registered_extensions()
    assert {formats[f".{suffix}"] for suffix in IMAGES} == {*FORMATS}


@pytest.mark.parametrize("form", ["tar", "parquet"])
def test_an_image_that_is_too_large_is_refused_alone(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"stages.images.{form}.MAX_IMAGE_BYTES"
    monkeypatch.setattr(module, 1000)
    if form == "tar":
        tar_of(tmp_path / "0.tar", {"a.png": bytes(1001), "b.png": bytes(1000)})
    else:
        parquet_of(tmp_path / "0.parquet", {"image": [bytes(1001), bytes(1000)]})
    large, other = members(tmp_path / f"0.{form}")
    assert (large.reason, other.reason) == ("1001 bytes, more than 1000", "")
