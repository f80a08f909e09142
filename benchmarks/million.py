"""`measure` and `compare` of 10^4 to 10^6 files: `python -m benchmarks.million`.

Imports nothing large: see `benchmarks.processes`.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.conditions import ROOT, conditions, table, verdict
from benchmarks.processes import ENVIRONMENT, Finished, run

SIDE = 16
PARAMS = """
preset: p
presets: {p: {fit: train, std: pixel}}
dataset: {root: photos, splits: {train: train, test: test}, download: [], sources: null}
"""


def png() -> bytes:
    """A PNG of new random pixels, written by hand so that nothing large is imported."""
    rows = b"".join(b"\0" + os.urandom(3 * SIDE) for _ in range(SIDE))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 1)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def write_files(folder: Path, start: int, stop: int) -> None:
    for number in range(start, stop):
        path = folder / f"class {number // 1000:04d}" / f"{number:07d}.png"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(png())


def stage(folder: Path, cache: Path, *command: str) -> Finished:
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)}
    return run((sys.executable, "-m", *command), folder, environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=10**6)
    most = parser.parse_args().most
    print(conditions() + "\n")
    counts = [most // 100, most // 10, most]
    finished, written = {}, 0
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_files(folder / "photos" / "test", 0, counts[0])
        (folder / "params.yaml").write_text(PARAMS)
        for images in counts:
            write_files(folder / "photos" / "train", written, images)
            written = images
            cache = folder / f"cache {images}"
            # Each count from nothing; then once more, when every file is known.
            train = [stage(folder, cache, "stages.measure", "train") for _ in range(2)]
            stage(folder, cache, "stages.measure", "test")
            finished[images] = *train, stage(folder, cache, "stages.compare")
    rows = [
        [
            f"{images:,}",
            f"{new.seconds:.1f}",
            f"{1e6 * new.seconds / images:.0f}",
            f"{new.peak_mib:.0f}",
            f"{known.seconds:.1f}",
            f"{compared.seconds:.1f}",
            f"{compared.peak_mib:.0f}",
        ]
        for images, (new, known, compared) in finished.items()
    ]
    header = ["files", "s", "µs a file", "peak MiB", "s, all known"]
    header += ["`compare`, s", "`compare`, peak MiB"]
    print(table(header, rows))
    few, many = (finished[images][0] for images in (counts[0], counts[-1]))
    print(verdict("time of a hundred times the files", many.seconds / few.seconds, 105))
    bytes_each = (many.peak_mib - few.peak_mib) * 2**20 / (counts[-1] - counts[0])
    print(f"- memory: {bytes_each:.0f} bytes for each further file")


if __name__ == "__main__":
    main()
