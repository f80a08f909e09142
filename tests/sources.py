"""Sources on this machine: any images in the official forms, and servers of them."""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import numpy as np

from stages.download.ready_made.cifar10 import ARCHIVE, FOLDER, OFFICIAL, Digests
from stages.download.ready_made.labelled import LabelledImages

PythonPickler: Any = vars(pickle)["_Pickler"]


class Python2Pickler(PythonPickler):  # type: ignore[misc]
    """Pickles byte strings as Python 2 did, which wrote the official batches in 2009."""

    dispatch: ClassVar[dict[type, Any]] = dict(PythonPickler.dispatch)

    def save_bytes(self, text: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)
        self.memoize(text)

    dispatch[bytes] = save_bytes


def batch_file(images: Any, labels: Any) -> bytes:
    return python2_pickle({b"data": images.reshape(len(images), -1), b"labels": labels.tolist()})


def python2_pickle(content: dict[bytes, Any]) -> bytes:
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(content)
    # The module that numpy's arrays were pickled from until numpy 2.
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def write_folder(folder: Path, splits: dict[str, LabelledImages]) -> None:
    folder.mkdir()
    train = splits["train"]
    parts = zip(np.array_split(train.images, 5), np.array_split(train.labels, 5), strict=True)
    for number, (images, labels) in enumerate(parts, start=1):
        (folder / f"data_batch_{number}").write_bytes(batch_file(images, labels))
    test = splits["test"]
    (folder / "test_batch").write_bytes(batch_file(test.images, test.labels))
    (folder / "batches.meta").write_bytes(b"not read")


def sha256(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Sample:
    """A small dataset in the official forms, and its digests."""

    splits: dict[str, LabelledImages]
    folder: Path
    archive: bytes
    digests: Digests


def write_sample(path: Path) -> Sample:
    random = np.random.default_rng(0)
    splits = {
        split: LabelledImages(
            random.integers(0, 256, (images, 3, 32, 32), dtype=np.uint8),
            random.integers(0, 10, images, dtype=np.uint8),
        )
        for split, images in (("train", 500), ("test", 100))
    }
    write_folder(path / FOLDER, splits)
    with tarfile.open(path / ARCHIVE, "w:gz") as tar:
        tar.add(path / FOLDER, FOLDER)
    archive = (path / ARCHIVE).read_bytes()
    digests = replace(
        OFFICIAL,
        archive=sha256(archive),
        archive_bytes=len(archive),
        images={split: sha256(data.images) for split, data in splits.items()},
        labels={split: sha256(data.labels) for split, data in splits.items()},
    )
    return Sample(splits, path / FOLDER, archive, digests)


class Server:
    """Serves an archive on loopback, well or badly; the first part of the path says how."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.stopping, self.half_sent = Event(), Event()
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append(self.path)
                getattr(server, self.path.split("/")[1])(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.http.serve_forever)

    def url(self, how: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{how}"

    def well(self, request: BaseHTTPRequestHandler) -> None:
        self._send(request, self.archive)

    def flipped(self, request: BaseHTTPRequestHandler) -> None:
        middle = len(self.archive) // 2
        changed = bytes([self.archive[middle] ^ 1])
        self._send(request, self.archive[:middle] + changed + self.archive[middle + 1 :])

    def truncated(self, request: BaseHTTPRequestHandler) -> None:
        self._send(request, self.archive[:-1])

    def endless(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        with suppress(OSError):  # the client has left
            while not self.stopping.is_set():
                request.wfile.write(self.archive)

    def broken_off(self, request: BaseHTTPRequestHandler) -> None:
        self._headers(request)
        request.wfile.write(self.archive[: len(self.archive) // 2])

    def stuck(self, request: BaseHTTPRequestHandler) -> None:
        self.broken_off(request)
        self.half_sent.set()
        self.stopping.wait()

    def slow(self, request: BaseHTTPRequestHandler) -> None:
        self._headers(request)
        for start in range(len(self.archive)):
            if self.stopping.wait(0.01):
                return
            try:
                request.wfile.write(self.archive[start : start + 1])
            except OSError:
                return  # the client has left

    def failing(self, request: BaseHTTPRequestHandler) -> None:
        request.send_error(500)

    def silent(self, _: BaseHTTPRequestHandler) -> None:
        self.stopping.wait()

    def _send(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        self._headers(request, len(content))
        request.wfile.write(content)

    def _headers(self, request: BaseHTTPRequestHandler, size: int | None = None) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(size or len(self.archive)))
        request.end_headers()


class FolderHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a folder whose files are served on loopback."""
    handler = partial(FolderHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()
