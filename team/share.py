"""Set up the remote that a team shares, and prove that it gives back what was pushed.

    python -m team.share s3://bucket/normstats endpointurl=https://host access_key_id=...

The options are those of `dvc remote modify`. An option without a value is asked for, so that a
secret is neither in the shell's history nor in the list of processes.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dvc.config import Config, ConfigError
from dvc.dirs import system_config_dir
from dvc.env import DVC_SYSTEM_CONFIG_DIR
from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages.shared import entry
from stages.shared.atomic import atomic_write

REMOTE, UNPROVEN = "team", "unproven"
CONFIG, LOCAL_CONFIG = Path(".dvc/config"), Path(".dvc/config.local")

# Options that go to Git. All others are credentials, or paths on somebody's machine.
FOR_THE_TEAM = ("endpointurl", "port", "region")

# Small files that must get there and back before everything is pushed.
PROBE = ("data/statistics/train.npz", "data/statistics/test.npz")


def main(url: str, options: list[str]) -> None:
    check_url(url)
    for path in PROBE:
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: nothing to share yet; run `dvc repro` first")
    given = dict(map(_option, options))
    with unproven(url, given):
        dvc_push(*PROBE, f"--remote={UNPROVEN}", otherwise=f"{CONFIG} is as it was")
        read_back()
    write_config(url, given)
    dvc_push("--run-cache", otherwise="the remote is set up; repeat `dvc push --run-cache`")
    print(
        f"{url} gave back what was pushed. For the team:\n"
        f"  git commit {CONFIG} --message='Share the data' && git push"
    )


def check_url(url: str) -> None:
    """ValueError for a URL with a password, for a text that is neither a URL nor a folder, and for
    a folder in the repository; FileNotFoundError for a folder that is not there.

    DVC would make the folder, even if a share is not mounted or a name is misspelt.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise ValueError(
            "the remote's URL holds a password, and everyone can read it in .dvc/config; leave it "
            "out and give it as an option (docs/share.md)"
        )
    if parts.netloc:
        return
    if re.match("[^/]+:", url):
        raise ValueError(
            "the remote is neither a folder nor a URL; write s3://bucket/path or ssh://host/path, "
            "or ./ before a folder with a colon in its name"
        )
    folder = Path(url).expanduser().resolve()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{url}: expected a folder that the team shares, found none; make it first"
        )
    with Repo() as repo:
        repository = Path(repo.scm.root_dir).resolve()
    if folder.is_relative_to(repository):
        raise ValueError(
            f"{url}: expected a folder outside of {repository}, as Git would track what is pushed "
            "to a folder inside"
        )


def _option(option: str) -> tuple[str, str]:
    name, given, value = option.partition("=")
    if name == "url":
        raise ValueError("url is no option; the URL comes first, before the options")
    if given:
        return name, value
    try:
        return name, getpass(f"{name}: ")
    except EOFError as error:
        raise ValueError(
            f"{name}: expected its value from a terminal or on standard input, found neither"
        ) from error


@contextmanager
def unproven(url: str, options: dict[str, str]) -> Iterator[None]:
    """Let DVC know the remote as `UNPROVEN`, but in no file that could stay after a crash.

    DVC reads it from a temporary copy of the settings of the whole system.
    """
    remote = {"url": url, "verify": "true", **options}
    try:
        Config.validate({"remote": {UNPROVEN: remote}})
    except ConfigError as error:
        raise ValueError(f"{url}: {error}; see `dvc remote modify --help`") from error
    before = os.environ.get(DVC_SYSTEM_CONFIG_DIR)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "config")
        of_system = Path(system_config_dir(), "config")
        settings.write_bytes(of_system.read_bytes() if of_system.is_file() else b"")
        with edited(settings) as content:
            content["remote"][UNPROVEN] = remote
        os.environ[DVC_SYSTEM_CONFIG_DIR] = folder
        try:
            yield
        finally:
            del os.environ[DVC_SYSTEM_CONFIG_DIR]
            if before:
                os.environ[DVC_SYSTEM_CONFIG_DIR] = before


def write_config(url: str, options: dict[str, str]) -> None:
    """Make `url` the default remote. DVC verifies its objects on pull.

    The options of an earlier remote are removed: DVC refuses options of another kind of remote.
    """
    own = {name: value for name, value in options.items() if name not in FOR_THE_TEAM}
    shared = {name: value for name, value in options.items() if name in FOR_THE_TEAM}
    LOCAL_CONFIG.touch()
    LOCAL_CONFIG.chmod(0o600)  # before there is a secret in it
    with edited(LOCAL_CONFIG) as content:
        content["remote"].pop(REMOTE, None)
        if own:
            content["remote"][REMOTE] = own
    with edited(CONFIG) as content:
        content["remote"][REMOTE] = {"url": url, "verify": "true", **shared}
        content["core"]["remote"] = REMOTE


@contextmanager
def edited(file: Path) -> Iterator[Any]:
    """Edit a file of DVC's settings through DVC, and put it in place whole."""
    with atomic_write(file) as partial:
        os.fchmod(partial.fileno(), file.stat().st_mode)  # before there is a secret in it
        partial.write(file.read_bytes())
        partial.flush()
        config = Config(validate=False)
        # Any level would do: `edit` works on the file that is set here.
        config.files["system"] = str(Path(partial.name).resolve())
        with config.edit("system", validate=False) as content:
            yield content


def dvc_push(*arguments: str, otherwise: str) -> None:
    """Push; ValueError if DVC fails, after DVC has said why."""
    if subprocess.run(["dvc", "push", *arguments], check=False).returncode:
        raise ValueError(f"`dvc push` failed, see above; {otherwise}")


def read_back() -> None:
    """Fetch the probe into an empty cache; ValueError if it is missing or damaged."""
    with tempfile.TemporaryDirectory() as cache:
        try:
            with Repo(config={"cache": {"dir": cache}}) as repo:
                repo.fetch(list(PROBE), remote=UNPROVEN)
        except DvcException as error:
            raise ValueError(f"the pushed files cannot be read back: {error}") from error
        fetched = {path.read_bytes() for path in Path(cache).rglob("*") if path.is_file()}
    if fetched != {Path(path).read_bytes() for path in PROBE}:
        raise ValueError(
            f"expected to read back {' and '.join(PROBE)} as pushed, found them damaged; check the "
            "remote's disk, and what was there before"
        )


if __name__ == "__main__":
    entry.run(
        main,
        entry.argument("url", help="a folder, s3://bucket/path or ssh://host/path"),
        entry.argument("options", nargs="*", metavar="option[=value]"),
    )
