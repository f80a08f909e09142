"""What the copy buttons give runs in each library, and does what torchvision does."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from torchvision.transforms import Normalize, ToTensor

from tests.conftest import ENVIRONMENT, Project, random_images

# Each gets `image` (height, width, channel; uint8) and the same as a PIL `picture`, and leaves
# `result`; {text} is what is copied.
PROGRAMS = {
    "torchvision": "{text}\nresult = transform(picture)",
    "timm": "{text}\nresult = transform(picture)",
    "Hugging Face": """
from transformers import AutoImageProcessor

Path("preprocessor_config.json").write_text({text!r})
processor = AutoImageProcessor.from_pretrained(".")
result = processor(picture, return_tensors="np")["pixel_values"][0]
""",
    "Albumentations": "{text}\nresult = transform(image=image)['image'].transpose(2, 0, 1)",
    "Keras": """{text}
result = np.asarray(transform(image[None].astype("float32")).cpu())[0].transpose(2, 0, 1)
""",
    "JSON": """
import torch
from torchvision.transforms import v2

normalize = v2.Normalize(**json.loads({text!r}))
result = normalize(torch.from_numpy(image.transpose(2, 0, 1)) / 255)
""",
}
PROLOGUE = """
import json
from pathlib import Path

import numpy as np
from PIL import Image

image = np.load("image.npy")
picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
"""


@pytest.fixture(scope="module", params=["gray", "reproduced"])
def of_channels(request: pytest.FixtureRequest) -> Project:
    """A project of gray images, and one of colour images."""
    project: Project = request.getfixturevalue(request.param)
    return project


@pytest.fixture(scope="module")
def snippets(of_channels: Project) -> dict[str, str]:
    """What the page shows to copy, by library."""
    page = of_channels.read("reports/index.html").decode()
    shown = re.findall(r'<h4[^>]*>([^<]+)</h4>.*?<code id="[^"]+">([^<]*)</code>', page, re.DOTALL)
    return {library: html.unescape(text) for library, text in shown}


def test_there_is_one_for_each_library(snippets: dict[str, str]) -> None:
    assert list(snippets) == list(PROGRAMS)


@pytest.mark.parametrize("library", PROGRAMS)
def test_it_runs_and_does_what_torchvision_does(
    library: str, snippets: dict[str, str], of_channels: Project, tmp_path: Path
) -> None:
    constants = json.loads(of_channels.read("reports/published/normalization.json"))
    image = random_images(1, seed=5, channels=len(constants["mean"]))[0].transpose(1, 2, 0)
    np.save(tmp_path / "image.npy", image)
    program = PROGRAMS[library].format(text=snippets[library])
    epilogue = "np.save('result.npy', np.asarray(result))"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([PROLOGUE, program, epilogue])],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = Normalize(**constants)(ToTensor()(image))
    result = np.load(tmp_path / "result.npy")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
