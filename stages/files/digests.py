"""SHA-256 of what a report is about, to compare with what others publish."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stages.files.images import ImageFile, load_labels
from stages.files.statistics import STATISTICS


def digests(folder: Path, split: str) -> dict[str, str]:
    """Of the pixels and the labels alone, without the header of their files; of a whole file."""
    images = ImageFile.of_folder(folder)
    contents = {"images": images[0 : len(images)].data}
    if (folder / "labels.npy").exists():
        contents["labels"] = load_labels(folder).data
    contents["statistics"] = memoryview((STATISTICS / f"{split}.npz").read_bytes())
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
