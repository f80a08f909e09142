"""Download a dataset from the first source that serves it: `python -m stages.download cifar10`."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from stages import entry
from stages.files.fetch import Patience
from stages.files.images import DATA, save_split
from stages.files.params import Dataset, ReadyMade, load_params
from stages.files.ready_made.cifar10 import CLASSES, read_source
from stages.files.ready_made.labelled import LabelledImages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=get_args(ReadyMade), nargs="?", default="cifar10")
    name = parser.parse_args().name
    for split, data in first_served(load_params().dataset).items():
        save_split(DATA / name / split, data.images, data.labels, CLASSES)


def first_served(dataset: Dataset) -> dict[str, LabelledImages]:
    """Both splits from the first source that serves them; OSError names why none does."""
    patience = Patience(dataset.timeout_seconds, dataset.minimum_bytes_per_second)
    reasons = []
    for source in dataset.sources:
        try:
            return read_source(source, patience)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in entry.FULL_DISK:
                raise  # the next source would not fit either
            reasons.append(f"{source}: {error}")
            print(f"download: left {reasons[-1]}", file=sys.stderr)
    listed = "\n".join(f"  {reason}" for reason in reasons)
    raise OSError(
        f"no source of dataset.sources in params.yaml serves CIFAR-10:\n{listed}\n"
        "To go on: `dvc pull` from your team's remote, or put the path of cifar-10-python.tar.gz, "
        "of an extracted cifar-10-batches-py folder, or another URL into dataset.sources"
    )


if __name__ == "__main__":
    entry.run(main)
