"""The images of files and shards as one split: their statistics, and what each of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stages.core.histograms import in_one_mode, joined_in_one_mode, statistics_of_counts
from stages.core.prepare import Size
from stages.core.statistics import IntArray, SplitStatistics
from stages.files.decode import MeasuredImage, NotAnImageError
from stages.files.index import ALL, Index, Quarantined
from stages.files.listing import File
from stages.files.shards import Member
from stages.files.store import Store

# So many counts are in memory at once: 6 MiB of them.
BLOCK_IMAGES = 1024

# So many bad files are named in an error.
NAMED = 10


class Collection:
    """Gathers images one by one, in their order, and what is no image."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._labels: list[str | None] = []
        self._contents: list[str] = []
        self._block: list[IntArray] = []
        self._parts: list[SplitStatistics] = []
        self._sizes: set[Size] = set()
        self._converted: Counter[str] = Counter()
        self._gray = 0
        self.quarantined: list[Quarantined] = []

    def add(self, image: Member, measured: MeasuredImage) -> None:
        self._names.append(image.name)
        self._labels.append(image.label)
        self._contents.append(image.content)
        self._sizes.add(measured.size)
        self._converted.update(measured.converted)
        self._gray += len(measured.counts) == 1
        self._block.append(measured.counts)
        if len(self._block) == BLOCK_IMAGES:
            self._flush()

    def refuse(self, image: Member, reason: str) -> None:
        self.quarantined.append(Quarantined(name=image.name, reason=reason))

    def statistics(self) -> SplitStatistics:
        self._flush()
        return joined_in_one_mode(self._parts)

    def index(self) -> Index:
        classes, labels = classes_of(self._labels)
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
    for image in images_of(files, store):
        measured = NotAnImageError(image.reason) if image.reason else store.get(image.content)
        if isinstance(measured, MeasuredImage):
            collection.add(image, measured)
        else:
            collection.refuse(image, str(measured))
    bad = collection.quarantined
    total = len(collection) + len(bad)
    listed = "\n".join(f"  {of.name}: {of.reason}" for of in bad[:NAMED])
    if len(bad) > NAMED:
        listed += f"\n  and {len(bad) - NAMED} more"
    if not len(collection):
        raise ValueError(f"none of the {total} files is an image:\n{listed}")
    if bad and not quarantine:
        raise ValueError(
            f"{len(bad)} of {total} files cannot be measured:\n{listed}\n"
            "Mend them or move them away; or go on without them, listed in "
            "reports/quarantine.json, by dataset.on_bad_image: quarantine in params.yaml"
        )
    return collection.statistics(), collection.index()


def images_of(files: Sequence[File], store: Store) -> Iterator[Member]:
    """The images by their names in the split: each file, or each member of a shard."""
    for file in files:
        if file.is_shard:
            for member in store.members(file.content):
                yield replace(member, name=f"{file.name}/{member.name}")
        else:
            yield Member(file.name, label_of(file.name), file.content, file.reason)


def label_of(name: str) -> str | None:
    """The label of an image file: the first folder of its name, if it is in one."""
    folder, slash, _ = name.partition("/")
    return folder if slash else None


def classes_of(labels: Sequence[str | None]) -> tuple[list[str], list[int]]:
    """The classes, if all images have a label, and that of each image."""
    named = [label for label in labels if label is not None]
    if len(named) < len(labels):
        return [ALL], [0] * len(labels)
    classes = sorted(set(named))
    number = {name: label for label, name in enumerate(classes)}
    return classes, [number[name] for name in named]
