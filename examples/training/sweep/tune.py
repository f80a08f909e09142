"""Try a learning rate with a preset, on images held out of the train split:
`python -m sweep.tune plain half 0.1`."""

from __future__ import annotations

import sys
from pathlib import Path

from torch.utils.data import TensorDataset

from train import load_normalization, load_params, load_split, save_accuracy, train


def main() -> None:
    network, preset, learning_rate = sys.argv[1:]
    params = load_params("params.yaml")
    tune = load_params("sweep/params.yaml")["tune"]
    images = load_split("train")
    kept = len(images) - tune["held_out_images"]
    *_, last = train(
        TensorDataset(*images[:kept]),
        TensorDataset(*images[kept:]),
        load_normalization(Path("presets") / preset / "normalization.json"),
        network=network,
        learning_rate=float(learning_rate),
        epochs=params["epochs"],
        batch_images=params["batch_images"],
        seed=tune["seed"],
    )
    save_accuracy(Path("sweep/tuned") / network / preset / f"{learning_rate}.json", last)


if __name__ == "__main__":
    main()
