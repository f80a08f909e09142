"""A normalization as an ONNX graph.

N images, C channels, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Layout = Literal["NHWC", "NCHW"]

# Those of ONNX 1.4 (January 2019), as a runtime reads older graphs but no newer ones.
OPSET = 9
IR_VERSION = 3


def onnx_graph(mean: Sequence[float], std: Sequence[float], layout: Layout) -> onnx.ModelProto:
    """uint8 `images` to float32 `normalized`, both in the layout, for any N, H and W.

    The nodes are the operations of torchvision's `ToTensor` and `Normalize`, in their order. They
    give the same bits wherever float32 division is correctly rounded.
    """
    sizes: dict[str, str | int] = {"N": "N", "C": len(mean), "H": "H", "W": "W"}
    shape = [sizes[axis] for axis in layout]
    per_channel = (-1,) if layout == "NHWC" else (-1, 1, 1)
    constants = {
        "max_level": np.array(255, dtype=np.float32),
        "mean": np.array(mean, dtype=np.float32).reshape(per_channel),
        "std": np.array(std, dtype=np.float32).reshape(per_channel),
    }
    graph = helper.make_graph(
        [
            # Not initializers: in this version, those are inputs that a caller may replace.
            *(
                helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
                for name, value in constants.items()
            ),
            helper.make_node("Cast", ["images"], ["levels"], to=TensorProto.FLOAT),
            helper.make_node("Div", ["levels", "max_level"], ["fractions"]),
            helper.make_node("Sub", ["fractions", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "std"], ["normalized"]),
        ],
        name="normalize",
        inputs=[helper.make_tensor_value_info("images", TensorProto.UINT8, shape)],
        outputs=[helper.make_tensor_value_info("normalized", TensorProto.FLOAT, shape)],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
