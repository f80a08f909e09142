"""The published normalization as files that other libraries load."""

from __future__ import annotations

from pathlib import Path

import onnx

from stages.files.atomic import atomic_write


def write_onnx(path: Path, model: onnx.ModelProto) -> None:
    with atomic_write(path) as file:
        file.write(model.SerializeToString(deterministic=True))
