"""Write the published normalization as other libraries load it: `python -m stages.export`."""

from __future__ import annotations

from typing import get_args

from stages.export.configs import albumentations_transform, preprocessor_config
from stages.export.keras_weights import keras_weights
from stages.export.limits import check_exportable
from stages.export.onnx_graph import Layout, onnx_graph
from stages.shared import entry
from stages.shared.atomic import atomic_write
from stages.shared.npz import write_npz
from stages.shared.reports import EXPORTS, PUBLISHED, read_json, write_json


def main() -> None:
    published = read_json(PUBLISHED / "normalization.json")
    mean, std = published["mean"], published["std"]
    check_exportable(mean, std)
    write_json(EXPORTS / "preprocessor_config.json", preprocessor_config(mean, std))
    # What timm's `create_transform` takes besides `input_size` and `crop_pct`.
    write_json(EXPORTS / "timm.json", {"mean": mean, "std": std})
    write_json(EXPORTS / "albumentations.json", albumentations_transform(mean, std))
    write_npz(EXPORTS / "keras.npz", keras_weights(mean, std))
    for layout in get_args(Layout):
        with atomic_write(EXPORTS / f"normalize_{layout.lower()}.onnx") as file:
            file.write(onnx_graph(mean, std, layout).SerializeToString(deterministic=True))


if __name__ == "__main__":
    entry.run(main)
