"""Compare the test split with the train split: `python -m stages.compare`."""
# ruff: noqa: E402

from __future__ import annotations

import argparse
import gc

import numpy as np

# See stages/measure.py.
gc.disable()
import torch

gc.enable()
from stages import entry
from stages.core.compare.splits import Split, compare
from stages.core.statistics import SPLITS
from stages.device import choose_device, readable_failures
from stages.files.images import ImageFile
from stages.files.index import load_index
from stages.files.params import load_params
from stages.files.reports import SHIFT, write_json
from stages.files.statistics import load_statistics


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    params = load_params()
    device = choose_device(params.measure.device)
    if device.type == "mps":
        device = torch.device("cpu")  # MPS has no float64
    indexes = [load_index(split) for split in SPLITS]
    # Each split numbers the classes that it has.
    classes = list(dict.fromkeys(name for index in indexes for name in index.classes))
    train, test = (
        Split(
            images=ImageFile.of_folder(params.dataset.folder(split)),
            labels=np.array([classes.index(name) for name in index.classes])[index.labels],
            statistics=load_statistics(split),
        )
        for split, index in zip(SPLITS, indexes, strict=True)
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
    write_json(SHIFT, shift)


if __name__ == "__main__":
    entry.run(main)
