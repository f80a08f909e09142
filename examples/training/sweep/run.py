"""Train with a preset and a seed: `python -m sweep.run plain half 0`."""

from __future__ import annotations

import sys
from pathlib import Path

from train import load_normalization, load_params, load_split, save_accuracy, train


def main() -> None:
    network, preset, seed = sys.argv[1:]
    params = load_params("params.yaml")
    *_, last = train(
        load_split("train"),
        load_split("test"),
        load_normalization(Path("presets") / preset / "normalization.json"),
        network=network,
        learning_rate=params["learning_rate"][network],
        epochs=params["epochs"],
        batch_images=params["batch_images"],
        seed=int(seed),
    )
    save_accuracy(Path("sweep/accuracy") / network / preset / f"{seed}.json", last)


if __name__ == "__main__":
    main()
