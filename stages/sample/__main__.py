"""Keep what the report shows of the images, so that nothing after it reads a pixel.

`python -m stages.sample`
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

from stages.images.decoder import note_another
from stages.images.index import load_index
from stages.sample.extremes import extremes
from stages.sample.pictures import open_pictures
from stages.sample.png import data_uri
from stages.sample.sizes import sizes_of_files
from stages.shared import entry
from stages.shared.load_params import load_params
from stages.shared.names import SPLITS
from stages.shared.params import Dataset
from stages.shared.preparation import Preparation
from stages.shared.reports import SAMPLES, write_json
from stages.statistics.files import digest_of_statistics, load_statistics


def main() -> None:
    dataset = load_params().dataset
    with ThreadPoolExecutor(len(SPLITS)) as pool:
        sampled = pool.map(partial(_sample, dataset), SPLITS)
        write_json(SAMPLES, dict(zip(SPLITS, sampled, strict=True)))


def _sample(dataset: Dataset, split: str) -> dict[str, Any]:
    pictures, statistics = open_pictures(split, dataset), load_statistics(split)
    if len(pictures) != statistics.images:
        raise ValueError(
            f"the statistics of the {split} split are of {statistics.images} images, not of the "
            f"{len(pictures)} that are there; run `dvc repro measure`"
        )
    index = load_index(split, statistics.images)
    note_another(index.decoder, split)
    if index.names:
        files = sizes_of_files(index.file_sizes, dataset.preparation)
    else:  # an array has one size, and is not prepared
        files = sizes_of_files([(*index.smallest, statistics.images)], Preparation())
    return {
        "sizes": {"smallest": index.smallest, "largest": index.largest, "files": files},
        "sha256": pictures.digests() | {"statistics": digest_of_statistics(split)},
        "extremes": [
            {
                **asdict(extreme),
                "class": None if label is None else index.classes[label],
                "file": index.names[extreme.index] if index.names else None,
                "picture": data_uri(pictures[extreme.index]),
            }
            for extreme in extremes(statistics)
            for label in [index.labels[extreme.index]]
        ],
    }


if __name__ == "__main__":
    entry.run(main)
