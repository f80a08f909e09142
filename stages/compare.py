"""Compare the test split with the train split: `python -m stages.compare`."""
# ruff: noqa: E402

from __future__ import annotations

import argparse
import gc

# See stages/measure.py.
gc.disable()
import torch

gc.enable()
from stages import entry
from stages.core.compare.splits import Split, compare
from stages.core.statistics import SPLITS
from stages.device import choose_device, readable_failures
from stages.files.images import ImageFile, class_name, load_labels
from stages.files.params import load_params
from stages.files.reports import SHIFT, write_json
from stages.files.statistics import load_statistics


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    params = load_params()
    device = choose_device(params.measure.device)
    if device.type == "mps":
        device = torch.device("cpu")  # MPS has no float64
    train, test = (
        Split(ImageFile.of_split(split), load_labels(split), load_statistics(split))
        for split in SPLITS
    )
    with readable_failures(device):
        shift = compare(
            train, test, params.compare.permutations, params.compare.seed, device, class_name
        )
    write_json(SHIFT, shift)


if __name__ == "__main__":
    entry.run(main)
