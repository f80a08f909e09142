"""Compare the test split with the train split: `python -m stages.compare`."""
# ruff: noqa: E402

from __future__ import annotations

import argparse
import gc
from collections.abc import Mapping

import numpy as np

# See stages/measure.py. Later collections need not look through what torch made either.
gc.disable()
import torch

gc.freeze()
gc.enable()
from stages import entry
from stages.core.compare.classes import Labels
from stages.core.compare.reweigh import ArrayCounts, ImageCounts
from stages.core.compare.splits import Split, compare
from stages.core.statistics import SPLITS, SplitStatistics
from stages.device import choose_device, readable_failures
from stages.engine import engine_of
from stages.files.decoder import note_another, version
from stages.files.images import ImageFile, is_array
from stages.files.index import Index, load_index
from stages.files.params import Params, load_params
from stages.files.reports import SHIFT, write_json
from stages.files.statistics import digests_of_statistics, load_splits
from stages.files.stored import StoredCounts
from stages.folders import ensure_measured


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    params = load_params()
    device = choose_device(params.measure.device)
    if device.type == "mps":
        device = torch.device("cpu")  # MPS has no float64
    measured = load_splits()
    indexes = [load_index(split, of.images) for split, of in measured.items()]
    # Each split numbers the classes that it has.
    classes = list(dict.fromkeys(name for index in indexes for name in index.classes))
    numbers = {name: number for number, name in enumerate(classes)}
    train, test = (
        Split(
            images=image_counts(split, params, index, statistics),
            labels=labels_of(index, numbers),
            statistics=statistics,
        )
        for split, index, statistics in zip(SPLITS, indexes, measured.values(), strict=True)
    )
    with readable_failures(device):
        shift = compare(
            train,
            test,
            params.compare.permutations,
            params.compare.seed,
            device,
            classes.__getitem__,
        )
    write_json(SHIFT, {"statistics": digests_of_statistics(), **shift})


def labels_of(index: Index, numbers: Mapping[str, int]) -> Labels | None:
    """The number of each image's class; None where an image has no label."""
    if index.unlabelled:
        return None
    labels: Labels = np.array([numbers[name] for name in index.classes])[np.array(index.labels)]
    return labels


def image_counts(
    split: str, params: Params, index: Index, statistics: SplitStatistics
) -> ImageCounts:
    folder = params.dataset.folder(split)
    if is_array(folder):
        images = ArrayCounts(ImageFile.of_folder(folder))
        if images.channels != len(statistics.histogram):
            raise ValueError(
                f"{folder}: expected the channels of the other split, "
                f"{', '.join(statistics.channel_names)}, found {images.channels} in each image; "
                "give both splits gray images, or both colour images"
            )
        return images
    note_another(index.decoder, split)
    ensure_measured(split, params.dataset, index.contents, engine_of(params.measure))
    dataset = params.dataset
    return StoredCounts(
        index.contents, statistics, version(dataset.preparation), dataset.max_pixels
    )


if __name__ == "__main__":
    entry.run(main)
