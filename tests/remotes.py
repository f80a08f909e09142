"""Remotes that a team may share, started for the tests: a folder, SeaweedFS (S3) and sshd."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import TypeVar
from urllib.parse import unquote

import fsspec
import pytest

# Debian puts it in a folder that only root's PATH has.
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
BUCKET, KEY, SECRET = "normstats", "a-team", token_hex()

needs_sshd = pytest.mark.skipif(
    SSHD is None, reason="no sshd: install it (`apt-get install openssh-server`)"
)

KINDS = ["folder", "s3", pytest.param("ssh", marks=needs_sshd)]


@dataclass(frozen=True)
class Remote:
    """A remote: where to push, and its files seen without DVC."""

    kind: str
    url: str
    files: fsspec.AbstractFileSystem = field(repr=False)
    root: str
    options: dict[str, str] = field(default_factory=dict)  # of `dvc remote modify`
    port: int = 0  # that the server listens on
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def objects(self) -> set[str]:
        """The paths of the pushed data, without the run cache."""
        self.files.invalidate_cache()
        folder = f"{self.root}/files/md5"
        return set(self.files.find(folder)) if self.files.exists(folder) else set()

    def damage(self, md5: str, change: Callable[[bytes], bytes]) -> None:
        """Change the bytes of the object with this MD5."""
        path = f"{self.root}/files/md5/{md5[:2]}/{md5[2:]}"
        content = change(self.files.cat_file(path))
        if self.kind == "s3":
            self.files.pipe_file(path, content)
        else:  # like a bad disk, which leaves DVC's write protection as it is
            mode = Path(path).stat().st_mode
            Path(path).chmod(0o600)
            Path(path).write_bytes(content)
            Path(path).chmod(mode)

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()

    def through(self, port: int) -> dict[str, str]:
        """The options that lead to the server through another port."""
        if "endpointurl" in self.options:
            return {**self.options, "endpointurl": f"http://127.0.0.1:{port}"}
        return {**self.options, "port": str(port)}


def access(port: int) -> dict[str, str]:
    """The environment that leads AWS's tools and fsspec to the server at a port."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def running(
    command: list[str], ready: bytes, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that has printed `ready`. It is killed at the end."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if ready in line:
            break
    else:
        pytest.fail(f"{command[0]} did not start: {b''.join(printed).decode()}")
    # Later output must not fill the pipe.
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


@contextmanager
def folder(path: Path) -> Iterator[Remote]:
    shared = path / "shared folder"
    shared.mkdir()
    yield Remote("folder", str(shared), fsspec.filesystem("file"), str(shared))


@contextmanager
def s3(path: Path) -> Iterator[Remote]:
    services = ("master", "volume", "filer", "s3", "admin")
    ports = free_ports(2 * len(services))
    listening = [
        f"-{service}.port{kind}={ports.pop()}" for service in services for kind in ("", ".grpc")
    ]
    port = next(int(option.split("=")[1]) for option in listening if "-s3.port=" in option)
    command = [
        "weed",
        "mini",
        f"-dir={path}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *listening,
    ]
    environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "S3_BUCKET": BUCKET}
    with running(command, b"Press Ctrl+C", environment) as process:
        endpoint = f"http://127.0.0.1:{port}"
        files = fsspec.filesystem(
            "s3", key=KEY, secret=SECRET, endpoint_url=endpoint, skip_instance_cache=True
        )
        yield Remote(
            "s3",
            f"s3://{BUCKET}/shared",
            files,
            f"{BUCKET}/shared",
            {"endpointurl": endpoint, "access_key_id": KEY, "secret_access_key": SECRET},
            port,
            process,
        )


def make_key(file: Path) -> None:
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(keygen, check=True)


@contextmanager
def ssh(path: Path) -> Iterator[Remote]:
    assert SSHD is not None
    host_key, key = path / "host", path / "key"
    for file in host_key, key:
        if not file.exists():  # else the server is started again
            make_key(file)
    if os.geteuid() == 0:  # sshd gives up the privileges of root in this folder
        Path("/run/sshd").mkdir(exist_ok=True)
    [port] = free_ports(1)
    config = path / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1:{port}\n"
        f"HostKey {host_key}\n"
        f"AuthorizedKeysFile {key}.pub\n"
        f"PidFile {path}/pid\n"
        "PermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\n"
        "StrictModes no\n"
        "Subsystem sftp internal-sftp\n"
    )
    shared = path / "shared"
    shared.mkdir(exist_ok=True)
    command = [SSHD, "-D", "-e", "-f", str(config)]
    with running(command, b"Server listening") as process:
        yield Remote(
            "ssh",
            f"ssh://127.0.0.1{shared}",
            fsspec.filesystem("file"),
            str(shared),
            {"port": str(port), "user": getpass.getuser(), "keyfile": str(key)},
            port,
            process,
        )


OPEN = {"folder": folder, "s3": s3, "ssh": ssh}


class Tap(socketserver.ThreadingTCPServer):
    """A port that leads to another until `after` bytes have passed. Then nothing gets through.

    At that moment `then` is called. So a transfer is cut in the middle without a clock.
    """

    daemon_threads = True

    def __init__(self, port: int, after: int, then: Callable[[], object]) -> None:
        super().__init__(("127.0.0.1", 0), _Leading)
        self.target, self.left, self.then = port, after, then
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def allows(self, chunk: bytes) -> bool:
        with self.lock:
            was_open = self.left > 0
            self.left -= len(chunk)
            if was_open and self.left <= 0:
                self.then()
            return self.left > 0


class _Leading(socketserver.BaseRequestHandler):
    server: Tap

    def handle(self) -> None:
        with suppress(OSError):  # one end is gone
            if self.server.left > 0:
                with socket.create_connection(("127.0.0.1", self.server.target)) as there:
                    back = threading.Thread(target=self.pass_on, args=(there, self.request))
                    back.start()
                    self.pass_on(self.request, there)
                    back.join()

    def pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while (chunk := source.recv(65536)) and self.server.allows(chunk):
                target.sendall(chunk)
        for end in source, target:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Log(Tap):
    """A port that leads to the server and logs which keys of a bucket are read through it.

    Before a request for a key in `before` is passed on, the function there is called.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port, sys.maxsize, lambda: None)
        self.read: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}

    def allows(self, chunk: bytes) -> bool:
        for found in re.findall(rb"GET /[^/? ]+/([^? ]+)[^\r]* HTTP", chunk):
            key = unquote(found.decode())
            self.read.append(key)
            if key in self.before:
                self.before[key]()
        return super().allows(chunk)


T = TypeVar("T", bound=Tap)


@contextmanager
def serving(tap: T) -> Iterator[T]:
    with tap:
        thread = threading.Thread(target=tap.serve_forever)
        thread.start()
        yield tap
        tap.shutdown()
        thread.join()


@contextmanager
def tapped(port: int, after: int, then: Callable[[], object]) -> Iterator[Tap]:
    with serving(Tap(port, after, then)) as tap:
        yield tap
