"""An image as a PNG within the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def data_uri(image_CHW: NDArray[np.uint8]) -> str:
    """The image, pixel by pixel.

    Not compressed: libraries of zlib, and one library on two processors, compress differently,
    and the page has the same bytes everywhere.
    """
    png = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image_CHW.transpose(1, 2, 0))).save(
        png, format="PNG", compress_level=0
    )
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode('ascii')}"
