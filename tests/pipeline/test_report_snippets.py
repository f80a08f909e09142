"""What the copy buttons give runs in each library, and gives what torchvision gives."""

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


# Each program has its own names, but modules that take seconds are imported once.
RUN_EACH = """
import os, runpy, sys

for folder in sys.argv[1:]:
    os.chdir(folder)
    runpy.run_path("program.py")
"""


@pytest.fixture(scope="module")
def projects(gray: Project, reproduced: Project) -> list[Project]:
    """One of gray images, and one of colour images."""
    return [gray, reproduced]


def snippets(project: Project) -> dict[str, str]:
    """What the page shows to copy, by library."""
    page = project.read("reports/index.html").decode()
    shown = re.findall(r'<h4[^>]*>([^<]+)</h4>.*?<code id="[^"]+">([^<]*)</code>', page, re.DOTALL)
    return {library: html.unescape(text) for library, text in shown}


def test_the_page_has_one_for_each_library(projects: list[Project]) -> None:
    for project in projects:
        assert list(snippets(project)) == list(PROGRAMS)


@pytest.mark.parametrize("library", PROGRAMS)
def test_it_runs_and_gives_what_torchvision_gives(
    library: str, projects: list[Project], tmp_path: Path
) -> None:
    expected = {}
    for project in projects:
        constants = json.loads(project.read("reports/published/normalization.json"))
        channels = len(constants["mean"])
        folder = tmp_path / f"{channels} channels"
        folder.mkdir()
        image = random_images(1, seed=5, channels=channels)[0].transpose(1, 2, 0)
        np.save(folder / "image.npy", image)
        program = PROGRAMS[library].format(text=snippets(project)[library])
        epilogue = "np.save('result.npy', np.asarray(result))"
        (folder / "program.py").write_text("\n".join([PROLOGUE, program, epilogue]))
        expected[folder] = Normalize(**constants)(ToTensor()(image))
    done = subprocess.run(
        [sys.executable, "-c", RUN_EACH, *expected],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for folder, normalized in expected.items():
        result = np.load(folder / "result.npy")
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, normalized, rtol=1e-5, atol=1e-6)
