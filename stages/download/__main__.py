"""Download a dataset from the first source that serves it: `python -m stages.download cifar10`."""

from __future__ import annotations

import sys

from stages.download.fetch import Patience
from stages.download.ready_made.labelled import LabelledSplits
from stages.download.ready_made.registry import READY_MADE
from stages.images.arrays import DATA, save_split
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.shared.params import Dataset


def main(name: str) -> None:
    served = first_served(name, load_params().dataset)
    for split, data in served.splits.items():
        save_split(DATA / name / split, data.images, data.labels, served.classes)


def first_served(name: str, dataset: Dataset) -> LabelledSplits:
    """A dataset from the first source that serves it; OSError says why no source does."""
    ready_made = READY_MADE[name]
    patience = Patience(dataset.timeout_seconds, dataset.minimum_bytes_per_second)
    reasons = []
    for source in dataset.sources or ready_made.sources:
        try:
            return ready_made.read_source(source, patience)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in entry.FULL_DISK:
                raise  # the files of the next source would not fit either
            reasons.append(f"{source}: {error}")
            print(entry.visible(f"download: left {reasons[-1]}"), file=sys.stderr)
    listed = "\n".join(f"  {reason}" for reason in reasons)
    raise OSError(
        f"no source of dataset.sources in params.yaml serves {ready_made.title}:\n{listed}\n"
        f"To go on: `dvc pull` from your team's remote, or put {ready_made.own_copy} "
        "into dataset.sources"
    )


if __name__ == "__main__":
    entry.run(main, entry.argument("name", choices=READY_MADE, nargs="?", default="cifar10"))
