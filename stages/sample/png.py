"""An image as a PNG within the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# No picture is shown larger than this, in pixels of the longer side.
SHOWN = 192


def data_uri(image_CHW: NDArray[np.uint8]) -> str:
    """The image, pixel by pixel up to the size that is shown; gray where it has one channel.

    Not compressed: libraries of zlib, and one library on two processors, compress differently,
    and the page has the same bytes everywhere.
    """
    pixels = image_CHW[0] if len(image_CHW) == 1 else image_CHW.transpose(1, 2, 0)
    png = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((SHOWN, SHOWN))
    image.save(png, format="PNG", compress_level=0)
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode('ascii')}"
