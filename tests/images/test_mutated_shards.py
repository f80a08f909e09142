"""A shard with changed bytes is read, or is an error that names it."""

from __future__ import annotations

import io
import random
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.shards import WRITE, members, with_header, write_photos

BLOCK = tarfile.BLOCKSIZE


def tar_seeds(folder: Path) -> list[bytes]:
    """By webdataset, by Python's tarfile with long names, and by GNU tar with sparse files."""
    WRITE["tar"](folder / "0.tar", write_photos(3))
    seeds = [(folder / "0.tar").read_bytes()]
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(folder / "1.tar", "w", format=form) as tar:
            for name in ("é" * 80 + ".png", "é" * 80 + ".json", "b.png"):
                info = tarfile.TarInfo(name)
                info.size, info.mtime = 700, 1.5
                tar.addfile(info, io.BytesIO(bytes(700)))
        seeds.append((folder / "1.tar").read_bytes())
    with (folder / "s.png").open("wb") as file:
        file.truncate(10**6)
    for name in ("gnu", "pax"):
        command = ["tar", "--sparse", f"--format={name}", "-cf", "2.tar", "s.png"]
        subprocess.run(command, cwd=folder, check=True)
        seeds.append((folder / "2.tar").read_bytes())
    return seeds


def parquet_seeds(folder: Path) -> list[bytes]:
    WRITE["parquet"](folder / "0.parquet", write_photos(3))
    table = pq.read_table(folder / "0.parquet")
    seeds = [(folder / "0.parquet").read_bytes()]
    for options in ({"compression": "zstd"}, {"use_dictionary": False, "row_group_size": 1}):
        pq.write_table(table, folder / "1.parquet", **options)
        seeds.append((folder / "1.parquet").read_bytes())
    return seeds


def mutated_tar(content: bytes, rng: random.Random) -> bytes:
    """Change a header, mostly its size or kind, and correct its checksum."""
    starts = range(0, len(content) - BLOCK + 1, BLOCK)
    headers = [at for at in starts if content[at + 257 : at + 262] == b"ustar"]
    size = rng.choice([b"\x80", b"\xff"]) + rng.randbytes(11)  # as a number in base 256
    changes = [
        {rng.randrange(BLOCK): rng.randbytes(1)},
        {rng.randrange(124, 136): b"7"},
        {124: size},
        {156: rng.choice(b"0123456789LKSxgVMD").to_bytes(1, "big")},
    ]
    return with_header(content, rng.choice(headers or [0]), rng.choice(changes))


def mutated_parquet(content: bytes, rng: random.Random) -> bytes:
    """Change a byte, mostly of the metadata, which are at the end."""
    about = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    at = rng.randrange(rng.choice([0, about, about]), len(content))
    return content[:at] + rng.randbytes(1) + content[at + 1 :]


@pytest.mark.parametrize(
    ("form", "seeds", "mutate"),
    [("tar", tar_seeds, mutated_tar), ("parquet", parquet_seeds, mutated_parquet)],
    ids=["tar", "parquet"],
)
def test_a_mutated_shard_has_images_or_a_readable_error(
    tmp_path: Path,
    form: str,
    seeds: Callable[[Path], list[bytes]],
    mutate: Callable[[bytes, random.Random], bytes],
) -> None:
    rng, path, said = random.Random(0), tmp_path / f"mutated.{form}", []  # noqa: S311
    contents = seeds(tmp_path)
    for _ in range(500):
        content = rng.choice(contents)
        for _ in range(rng.choice([1, 1, 3])):
            content = mutate(content, rng)
        path.write_bytes(content)
        try:
            members(path)
        except OSError as error:
            said.append(str(error))
    assert all(error.startswith(f"{path}: cannot be read as a shard: ") for error in said)
    assert 50 < len(said) < 450
