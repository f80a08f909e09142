"""Compare the test split with the train split: `python -m stages.compare`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stages.shared import entry

with entry.importing():
    import torch

from stages.compare.classes import Labels
from stages.compare.file_counts import FileCounts
from stages.compare.reweigh import ArrayCounts, ImageCounts
from stages.compare.splits import Split, compare
from stages.images.arrays import ImageFile, is_array
from stages.images.decoder import note_another, version
from stages.images.index import Index, load_index
from stages.measure.device import choose_device, readable_device_errors
from stages.measure.engine import engine_of
from stages.measure.file_split import ensure_measured
from stages.shared.load_params import load_params
from stages.shared.names import SPLITS
from stages.shared.params import Params
from stages.shared.reports import SHIFT, write_json
from stages.statistics.files import digests_of_statistics, load_splits
from stages.statistics.integers import SplitStatistics


def main() -> None:
    params = load_params()
    device = choose_device(params.measure.device)
    if device.type == "mps":
        device = torch.device("cpu")  # MPS has no float64
    measured = load_splits()
    indexes = [load_index(split, statistics.images) for split, statistics in measured.items()]
    # Each index numbers the classes of its own split.
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
    with readable_device_errors(device):
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
    """The number of each image's class; None if any image has no label."""
    if index.unlabelled:
        return None
    labels: Labels = np.array([numbers[name] for name in index.classes])[np.array(index.labels)]
    return labels


def image_counts(
    split: str, params: Params, index: Index, statistics: SplitStatistics
) -> ImageCounts:
    dataset = params.dataset
    folder = dataset.folder(split)
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
    ensure_measured(split, dataset, index.contents, engine_of(params.measure))
    return FileCounts(index.contents, statistics, version(dataset.preparation), dataset.max_pixels)


if __name__ == "__main__":
    entry.run(main)
