"""The images of a folder as one split: their statistics, and what each of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stages.core.histograms import in_one_mode, joined_in_one_mode, statistics_of_counts
from stages.core.prepare import Size
from stages.core.statistics import IntArray, SplitStatistics
from stages.files.decode import MeasuredImage, NotAnImageError
from stages.files.index import ALL, Index, Quarantined
from stages.files.listing import File
from stages.files.store import Store

# So many counts are in memory at once: 6 MiB of them.
BLOCK_IMAGES = 1024

# So many bad files are named in an error.
NAMED = 10


class Collection:
    """Gathers images one by one, in their order, and what is no image."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._contents: list[str] = []
        self._block: list[IntArray] = []
        self._parts: list[SplitStatistics] = []
        self._sizes: set[Size] = set()
        self._converted: Counter[str] = Counter()
        self._gray = 0
        self.quarantined: list[Quarantined] = []

    def add(self, file: File, measured: MeasuredImage) -> None:
        self._names.append(file.name)
        self._contents.append(file.content)
        self._sizes.add(measured.size)
        self._converted.update(measured.converted)
        self._gray += len(measured.counts) == 1
        self._block.append(measured.counts)
        if len(self._block) == BLOCK_IMAGES:
            self._flush()

    def refuse(self, file: File, reason: str) -> None:
        self.quarantined.append(Quarantined(name=file.name, reason=reason))

    def statistics(self) -> SplitStatistics:
        self._flush()
        return joined_in_one_mode(self._parts)

    def index(self) -> Index:
        classes, labels = classes_of(self._names)
        by_pixels = sorted(self._sizes, key=lambda size: (size[0] * size[1], size))
        if 0 < self._gray < len(self._names):
            self._converted["gray"] = self._gray
        return Index(
            classes=classes,
            labels=labels,
            names=self._names,
            contents=self._contents,
            smallest=by_pixels[0],
            largest=by_pixels[-1],
            converted=dict(sorted(self._converted.items())),
            quarantined=self.quarantined,
        )

    def __len__(self) -> int:
        return len(self._names)

    def _flush(self) -> None:
        if self._block:
            self._parts.append(statistics_of_counts(in_one_mode(self._block)))
            self._block = []


def collect(
    files: Sequence[File], store: Store, *, quarantine: bool
) -> tuple[SplitStatistics, Index]:
    """Put together what the store has of the files, in their order.

    Raises ValueError that names the files that are no images, unless they are to be put into
    quarantine, and where no image is left.
    """
    collection = Collection()
    for file in files:
        measured = NotAnImageError(file.reason) if file.reason else store.get(file.content)
        if isinstance(measured, MeasuredImage):
            collection.add(file, measured)
        else:
            collection.refuse(file, str(measured))
    bad = collection.quarantined
    listed = "\n".join(f"  {of.name}: {of.reason}" for of in bad[:NAMED])
    if len(bad) > NAMED:
        listed += f"\n  and {len(bad) - NAMED} more"
    if not len(collection):
        raise ValueError(f"none of the {len(files)} files is an image:\n{listed}")
    if bad and not quarantine:
        raise ValueError(
            f"{len(bad)} of {len(files)} files cannot be measured:\n{listed}\n"
            "Mend them or move them away; or go on without them, listed in "
            "reports/quarantine.json, by dataset.on_bad_image: quarantine in params.yaml"
        )
    return collection.statistics(), collection.index()


def classes_of(names: Sequence[str]) -> tuple[list[str], list[int]]:
    """The class of each image is the first folder of its name, if all images are in folders."""
    folders = [folder for folder, slash, _ in (name.partition("/") for name in names) if slash]
    if len(folders) < len(names):
        return [ALL], [0] * len(names)
    classes = sorted(set(folders))
    number = {name: label for label, name in enumerate(classes)}
    return classes, [number[folder] for folder in folders]
