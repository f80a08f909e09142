"""Each dataset is read from its official files as torchvision reads it; others are refused.

The files are written here, in the official forms, of a few random images.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torchvision.datasets as reference
import yaml
from scipy.io import savemat
from torchvision.datasets.utils import extract_archive

from stages.download import __main__ as download
from stages.download.fetch import Patience
from stages.download.ready_made.cifar100 import CIFAR100
from stages.download.ready_made.labelled import LabelledSplits
from stages.download.ready_made.mnist import FASHION_MNIST, MNIST
from stages.download.ready_made.official import OfficialFiles
from stages.download.ready_made.registry import READY_MADE, of_official_files
from stages.download.ready_made.stl10 import STL10
from stages.download.ready_made.svhn import SVHN
from stages.shared.cache import cache_folder
from stages.shared.params import Dataset, ReadyMade, Splits
from tests.conftest import ROOT
from tests.sources import python2_pickle, served

PATIENT = Patience(timeout_seconds=20, minimum_bytes_per_second=1)
IMAGES = {"train": 23, "test": 11}
RANDOM = np.random.default_rng(0)
DIGITS = [str(digit) for digit in range(10)]

Array = np.ndarray[Any, Any]
# Images (N, C, H, W) and labels (N,) of each split as torchvision reads them, and the classes.
Reading = tuple[dict[str, tuple[Array, Array]], list[str]]


def random_split(split: str, classes: int, *shape: int) -> tuple[Array, Array]:
    """Images (N, *shape), and labels with the lowest and the highest class among them."""
    images = RANDOM.integers(0, 256, (IMAGES[split], *shape), dtype=np.uint8)
    labels = RANDOM.integers(0, classes, IMAGES[split], dtype=np.uint8)
    labels[:2] = 0, classes - 1
    return images, labels


def write_idx_files(folder: Path) -> None:
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = random_split(split, 10, 28, 28)
        for name, array in (("images", images), ("labels", labels)):
            header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            path = folder / f"{prefix}-{name}-idx{array.ndim}-ubyte.gz"
            path.write_bytes(gzip.compress(header + array.tobytes()))


def idx_files_by(dataset: Any) -> Callable[[Path, Path], Reading]:
    def read(folder: Path, root: Path) -> Reading:
        raw = root / dataset.__name__ / "raw"
        raw.mkdir(parents=True)
        for archive in folder.iterdir():
            extract_archive(str(archive), str(raw))
        splits = {split: dataset(root, train=split == "train") for split in IMAGES}
        classes = [name.split(" - ")[0] for name in dataset.classes]
        return {s: (d.data.numpy()[:, None], d.targets.numpy()) for s, d in splits.items()}, classes

    return read


def write_tar(path: Path, folder: str, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def write_cifar100(folder: Path) -> None:
    names = [f"class_{number}".encode() for number in range(100)]
    members = {"meta": python2_pickle({b"fine_label_names": names, b"coarse_label_names": []})}
    for split in IMAGES:
        images, labels = random_split(split, 100, 3 * 32 * 32)
        batch = {
            b"data": images,
            b"fine_labels": labels.tolist(),
            b"coarse_labels": (labels // 5).tolist(),
        }
        members[split] = python2_pickle(batch)
    write_tar(folder / "cifar-100-python.tar.gz", "cifar-100-python", members)


def cifar100_by_torchvision(folder: Path, root: Path) -> Reading:
    extract_archive(str(folder / "cifar-100-python.tar.gz"), str(root))
    splits = {split: reference.CIFAR100(root, train=split == "train") for split in IMAGES}
    arrays = {s: (d.data.transpose(0, 3, 1, 2), np.array(d.targets)) for s, d in splits.items()}
    return arrays, splits["train"].classes


def write_svhn(folder: Path) -> None:
    for split in IMAGES:
        images, labels = random_split(split, 10, 3, 32, 32)
        content = {
            "X": images.transpose(2, 3, 1, 0),
            "y": np.where(labels == 0, 10, labels)[:, None].astype(np.uint8),
        }
        savemat(folder / f"{split}_32x32.mat", content, do_compression=True)


def svhn_by_torchvision(folder: Path, root: Path) -> Reading:
    splits = {split: reference.SVHN(folder, split) for split in IMAGES}
    return {split: (data.data, data.labels) for split, data in splits.items()}, DIGITS


def write_stl10(folder: Path) -> None:
    members = {"class_names.txt": b"".join(b"class %d\n" % number for number in range(10))}
    for split in IMAGES:
        images, labels = random_split(split, 10, 3, 96, 96)
        members |= {f"{split}_X.bin": images.tobytes(), f"{split}_y.bin": (labels + 1).tobytes()}
    members |= {"unlabeled_X.bin": bytes(3 * 96 * 96), "fold_indices.txt": b"0 1 2\n"}
    write_tar(folder / "stl10_binary.tar.gz", "stl10_binary", members)


def stl10_by_torchvision(folder: Path, root: Path) -> Reading:
    extract_archive(str(folder / "stl10_binary.tar.gz"), str(root))
    splits = {split: reference.STL10(root, split) for split in IMAGES}
    return {s: (d.data, d.labels) for s, d in splits.items()}, splits["test"].classes


@dataclass(frozen=True)
class Case:
    """A dataset, what writes its files, and torchvision's reading of (its files, a new folder)."""

    files: OfficialFiles
    write: Callable[[Path], None]
    by_torchvision: Callable[[Path, Path], Reading]


CASES = {
    "cifar100": Case(CIFAR100, write_cifar100, cifar100_by_torchvision),
    "mnist": Case(MNIST, write_idx_files, idx_files_by(reference.MNIST)),
    "fashion_mnist": Case(FASHION_MNIST, write_idx_files, idx_files_by(reference.FashionMNIST)),
    "svhn": Case(SVHN, write_svhn, svhn_by_torchvision),
    "stl10": Case(STL10, write_stl10, stl10_by_torchvision),
}
by_name = pytest.mark.parametrize("name", CASES)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def write_files(name: str, folder: Path) -> OfficialFiles:
    """Write files into a new folder; returns the dataset with the digests of these files."""
    folder.mkdir()
    CASES[name].write(folder)
    files = CASES[name].files
    assert {path.name for path in folder.iterdir()} == set(files.md5)
    return replace(files, md5={file: md5(folder / file) for file in files.md5})


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def assert_same(found: LabelledSplits, expected: Reading) -> None:
    splits, classes = expected
    assert list(found.splits) == ["train", "test"]
    assert list(found.classes) == classes
    for split, (images, labels) in splits.items():
        data = found.splits[split]
        assert len(images) == IMAGES[split]
        np.testing.assert_array_equal(data.images, images)
        np.testing.assert_array_equal(data.labels, labels)
        for array in (data.images, data.labels):
            assert array.dtype == np.uint8
            assert array.flags.c_contiguous


def test_every_dataset_that_params_may_name_is_there() -> None:
    assert tuple(READY_MADE) == get_args(ReadyMade)


@by_name
def test_the_digests_and_urls_are_those_of_torchvision(name: str) -> None:
    theirs: dict[str, tuple[list[str], dict[str, str]]] = {
        "cifar100": (
            [reference.CIFAR100.url],
            {reference.CIFAR100.filename: reference.CIFAR100.tgz_md5},
        ),
        "stl10": ([reference.STL10.url], {reference.STL10.filename: reference.STL10.tgz_md5}),
        "svhn": (
            [reference.SVHN.split_list[split][0] for split in IMAGES],
            {reference.SVHN.split_list[s][1]: reference.SVHN.split_list[s][2] for s in IMAGES},
        ),
    }
    for key, dataset in (("mnist", reference.MNIST), ("fashion_mnist", reference.FashionMNIST)):
        urls = [mirror + file for mirror in dataset.mirrors for file, _ in dataset.resources]
        theirs[key] = urls, dict(dataset.resources)
    urls, digests = theirs[name]
    files = CASES[name].files
    assert files.md5 == digests
    assert set(urls) <= {f"{url}/{file}" for url in files.urls.values() for file in files.md5}


@by_name
def test_the_official_files_are_read_as_by_torchvision(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("cifar", "svhn", "stl10"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.check_integrity", lambda *_: True)
    files = write_files(name, tmp_path / "files")
    expected = CASES[name].by_torchvision(tmp_path / "files", tmp_path / "root")
    assert_same(files.read_source(str(tmp_path / "files"), PATIENT), expected)
    with served(tmp_path / "files") as url:
        assert_same(files.read_source(url, PATIENT), expected)
        assert_same(replace(files, urls={"a": f"{url}/"}).read_source("a", PATIENT), expected)
    # The server has stopped: the files are in the cache.
    assert_same(files.read_source(url, PATIENT), expected)


@by_name
def test_a_changed_byte_is_refused_in_any_file_and_nothing_of_it_is_kept(
    name: str, tmp_path: Path
) -> None:
    files = write_files(name, tmp_path / "files")
    for file in files.md5:
        path = tmp_path / "files" / file
        flip_a_byte(path)
        with pytest.raises(ValueError, match=rf"{file}: expected the md5 .* truncated or changed"):
            files.read_source(str(tmp_path / "files"), PATIENT)
        with (
            served(tmp_path / "files") as url,
            pytest.raises(ValueError, match=f"MD5 hash .*{file}.* does not match the known hash"),
        ):
            files.read_source(url, PATIENT)
        assert not (cache_folder() / files.title / file).exists()
        flip_a_byte(path)


@by_name
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    files = write_files(name, tmp_path / "files")
    last = list(files.md5)[-1]
    (tmp_path / "files" / last).unlink()
    with pytest.raises(FileNotFoundError, match=last):
        files.read_source(str(tmp_path / "files"), PATIENT)
    with served(tmp_path / "files") as url, pytest.raises(OSError, match=f"404 .*{last}"):
        files.read_source(url, PATIENT)


def test_an_unknown_source_is_refused_with_the_names_of_those_known() -> None:
    with pytest.raises(FileNotFoundError, match="nor one of pytorch, google, lecun"):
        MNIST.read_source("zenodo", PATIENT)


def test_files_of_one_name_are_kept_apart_in_the_cache(tmp_path: Path) -> None:
    """The files of MNIST and Fashion-MNIST have the same names."""
    digits, clothes = (write_files(name, tmp_path / name) for name in ("mnist", "fashion_mnist"))
    assert list(digits.md5) == list(clothes.md5)
    assert set(digits.md5.values()).isdisjoint(clothes.md5.values())
    with served(tmp_path) as url:
        digits.read_source(f"{url}/mnist", PATIENT)
        clothes.read_source(f"{url}/fashion_mnist", PATIENT)
    # The server has stopped: the files of both are in the cache.
    digits.read_source(f"{url}/mnist", PATIENT)
    clothes.read_source(f"{url}/fashion_mnist", PATIENT)


def dataset(sources: list[str] | None) -> Dataset:
    splits = Splits(train="train", test="test")
    return Dataset(root="data/mnist", splits=splits, download=["mnist"], sources=sources)


def test_without_sources_in_params_all_known_ones_are_tried_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_files("mnist", tmp_path / "files")
    with served(tmp_path) as url:
        urls = {"first": f"{url}/nowhere", "second": f"{url}/files", "third": "http://127.0.0.1:9"}
        monkeypatch.setitem(READY_MADE, "mnist", of_official_files(replace(files, urls=urls)))
        found = download.first_served("mnist", dataset(sources=None))
    expected = files.read_source(str(tmp_path / "files"), PATIENT)
    for split in IMAGES:
        np.testing.assert_array_equal(found.splits[split].images, expected.splits[split].images)
    left = [line for line in capsys.readouterr().err.splitlines() if line.startswith("download: ")]
    assert len(left) == 1
    assert left[0].startswith("download: left first: 404 ")


def test_the_error_names_each_source_that_failed_and_the_files_to_have(
    tmp_path: Path,
) -> None:
    sources = ["npm", str(tmp_path)]
    with pytest.raises(OSError, match="serves MNIST") as error:
        download.first_served("mnist", dataset(sources))
    assert str(error.value).splitlines() == [
        "no source of dataset.sources in params.yaml serves MNIST:",
        "  npm: neither a folder nor one of pytorch, google, lecun",
        f"  {tmp_path}: [Errno 2] No such file or directory: "
        f"'{tmp_path}/train-images-idx3-ubyte.gz'",
        "To go on: `dvc pull` from your team's remote, or put the path or the URL of a folder that "
        "holds train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, "
        "t10k-labels-idx1-ubyte.gz into dataset.sources",
    ]


def test_the_stage_writes_what_torchvision_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_files("mnist", tmp_path / "files")
    splits, _ = CASES["mnist"].by_torchvision(tmp_path / "files", tmp_path / "root")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"]["sources"] = [str(tmp_path / "files")]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(READY_MADE, "mnist", of_official_files(files))
    download.main("mnist")
    for split, (images, labels) in splits.items():
        folder = tmp_path / "data" / "mnist" / split
        for file, array in (("images.npy", images), ("labels.npy", labels)):
            written = np.load(folder / file)
            np.testing.assert_array_equal(written, array)
            assert written.dtype == np.uint8
        assert json.loads((folder / "classes.json").read_bytes()) == DIGITS
