"""Keep what the report shows of the images, so that nothing after it reads a pixel.

`python -m stages.sample`
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from stages import entry
from stages.core.pictures import data_uri
from stages.core.sample import extremes
from stages.core.statistics import SPLITS
from stages.files.digests import digests
from stages.files.images import ImageFile, class_name, load_labels
from stages.files.reports import SAMPLES, write_json
from stages.files.statistics import load_statistics


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with ThreadPoolExecutor(len(SPLITS)) as pool:
        write_json(SAMPLES, dict(zip(SPLITS, pool.map(_sample, SPLITS), strict=True)))


def _sample(split: str) -> dict[str, Any]:
    images, labels, statistics = (
        ImageFile.of_split(split),
        load_labels(split),
        load_statistics(split),
    )
    if len(images) != statistics.images:
        raise ValueError(
            f"the statistics of the {split} split are of {statistics.images} images, not of the "
            f"{len(images)} that are there; run `dvc repro measure`"
        )
    return {
        "image_size": images[:1].shape[2:],
        "sha256": asdict(digests(split)),
        "extremes": [
            {
                **asdict(extreme),
                "class": class_name(int(labels[extreme.index])),
                "picture": data_uri(images[extreme.index : extreme.index + 1][0]),
            }
            for extreme in extremes(statistics)
        ],
    }


if __name__ == "__main__":
    entry.run(main)
