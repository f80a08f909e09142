"""Count the images of each split, and list its bad files: `python -m stages.inventory`."""

from __future__ import annotations

from typing import Any

from stages.images.index import Index, load_index
from stages.shared import entry
from stages.shared.names import SPLITS
from stages.shared.reports import INVENTORY, QUARANTINE, write_json


def main() -> None:
    indexes = {split: load_index(split) for split in SPLITS}
    all_gray = all(index.converted.get("gray") == len(index.labels) for index in indexes.values())
    counts: dict[str, Any] = {
        split: inventory(index, all_gray=all_gray) for split, index in indexes.items()
    }
    train, test = (set(index.contents) for index in indexes.values())
    if train and test:
        counts["contents_in_both_splits"] = len(train & test)
    write_json(INVENTORY, counts)
    write_json(
        QUARANTINE,
        {
            split: [file.model_dump() for file in index.quarantined]
            for split, index in indexes.items()
        },
    )


def inventory(index: Index, *, all_gray: bool) -> dict[str, Any]:
    """How many images and classes a split has; for files also duplicates, conversions and so on.

    A split with an unlabelled image has no classes.
    """
    unlabelled = index.unlabelled
    counts: dict[str, Any] = {
        "images": len(index.labels),
        "classes": 0 if unlabelled else len(index.classes),
    }
    if unlabelled:
        counts["unlabelled"] = unlabelled
    if index.contents:
        counts["duplicates"] = len(index.contents) - len(set(index.contents))
        counts["quarantined"] = len(index.quarantined)
        counts["noted"] = {kind: len(names) for kind, names in index.noted.items()}
        # Gray images become RGB, unless all images of both splits are gray.
        counts["converted"] = {
            was: images for was, images in index.converted.items() if was != "gray" or not all_gray
        }
        # As a list, since `dvc metrics` leaves lists out of its tables.
        counts["decoder"] = str(index.decoder).split(", ")
    return counts


if __name__ == "__main__":
    entry.run(main)
