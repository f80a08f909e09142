"""Joins the images of files and shards to a split: its statistics and its index."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stages.images.decode import MeasuredImage, NotAnImageError
from stages.images.decoder import decoder
from stages.images.index import Index, Quarantined
from stages.images.listing import File, Listing
from stages.images.members import Member
from stages.images.rows import Column, Rows
from stages.measure.store import Store
from stages.shared import entry
from stages.shared.batches import batches
from stages.shared.preparation import Preparation, Size
from stages.statistics.histograms import in_one_mode, joined_in_one_mode, statistics_of_counts
from stages.statistics.integers import SplitStatistics

BLOCK_IMAGES = 1024  # whose counts are in memory at once: 6 MiB
NAMED = 10  # bad files in an error


class Collection:
    """Gathers images block by block, in order, and the files that are no images."""

    def __init__(self) -> None:
        self._images = Rows("name", "label", "content")
        self._parts: list[SplitStatistics] = []
        self._sizes: list[NDArray[np.uint32]] = []
        self._converted: Counter[str] = Counter()
        self._gray = 0
        self.quarantined: list[Quarantined] = []

    def add(self, block: Sequence[tuple[Member, MeasuredImage]]) -> None:
        self._images.extend((image.name, image.label, image.content) for image, _ in block)
        found = [measured for _, measured in block]
        self._parts.append(
            statistics_of_counts(in_one_mode([measured.counts for measured in found]))
        )
        self._sizes.append(np.array([measured.size for measured in found], np.uint32))
        for measured in found:
            self._converted.update(measured.converted)
        self._gray += sum(len(measured.counts) == 1 for measured in found)

    def finish(
        self, preparation: Preparation, noted: dict[str, list[str]]
    ) -> tuple[SplitStatistics, Index]:
        self._say_what_lacks_a_label()
        sizes_S2, images_S = np.unique(np.concatenate(self._sizes), axis=0, return_counts=True)
        prepared = [preparation.sizes((height, width))[-1] for height, width in sizes_S2.tolist()]
        classes, numbers = classes_of(self._images.distinct("label"))
        # Also if all are gray, as the other split may have colour images: see `inventory`.
        if self._gray:
            self._converted["gray"] = self._gray
        # Not validated, as that would bring all rows into memory.
        index = Index.model_construct(
            classes=classes,
            labels=Column(self._images, "label", numbers.__getitem__),
            names=Column(self._images, "name", str),
            contents=Column(self._images, "content", str),
            smallest=min(prepared, key=_by_pixels),
            largest=max(prepared, key=_by_pixels),
            converted=dict(sorted(self._converted.items())),
            quarantined=self.quarantined,
            decoder=decoder(),
            noted=noted,
            file_sizes=np.column_stack([sizes_S2, images_S]).tolist(),
        )
        return joined_in_one_mode(self._parts), index

    def _say_what_lacks_a_label(self) -> None:
        """The data may have labels in another place: so this says where they are looked for."""
        unlabelled = self._images.without("label")
        first = next(unlabelled, None)
        if first is not None:
            print(
                f"{1 + sum(1 for _ in unlabelled)} of {len(self)} images have no label, first "
                f"{entry.visible(first[0])}: so this split has no classes. A label is the first "
                "folder of an image file, `.cls` or `.json` in a tar file, and in Parquet the "
                "column `label`, or the only one that Hugging Face noted as ClassLabel (-1 is "
                "none)",
                file=sys.stderr,
            )

    def __len__(self) -> int:
        return len(self._images)


def collect(
    files: Listing, store: Store, preparation: Preparation, *, quarantine: bool
) -> tuple[SplitStatistics, Index]:
    """The statistics and the index of the files, in order, from what the store has of them.

    ValueError names the files that are no images, if `quarantine` is not set or no image is left.
    """
    collection = Collection()
    bad = collection.quarantined
    for images in batches(images_of(files, store), BLOCK_IMAGES):
        found = store.get(image.content for image in images if not image.reason)
        block = []
        for image in images:
            measured = NotAnImageError(image.reason) if image.reason else next(found)
            if isinstance(measured, MeasuredImage):
                block.append((image, measured))
            else:
                bad.append(Quarantined(name=image.name, reason=str(measured)))
        if block:
            collection.add(block)
    total = len(collection) + len(bad)
    listed = "\n".join(f"  {file.name}: {file.reason}" for file in bad[:NAMED])
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
    return collection.finish(preparation, files.noted())


def images_of(files: Iterable[File], store: Store) -> Iterator[Member]:
    """The images with their names in the split: each file, or each member of a shard."""
    for file in files:
        if file.noted:
            continue
        if file.is_shard:
            for member in store.members(file.content):
                yield replace(member, name=f"{file.name}/{member.name}")
        else:
            yield Member(file.name, label_of(file.name), file.content, file.reason)


def label_of(name: str) -> str | None:
    """The label of an image file: the first folder of its name, if there is one."""
    folder, slash, _ = name.partition("/")
    return folder if slash else None


def classes_of(labels: Iterable[str | None]) -> tuple[list[str], dict[str | None, int | None]]:
    """The classes, and the number of each label's class; None has the number None."""
    classes = sorted({label for label in labels if label is not None})
    return classes, {None: None} | {label: number for number, label in enumerate(classes)}


def _by_pixels(size: Size) -> tuple[int, Size]:
    return size[0] * size[1], size
