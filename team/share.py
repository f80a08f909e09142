"""Set up the remote that a team shares, and prove that it gives back what was pushed.

    python -m team.share s3://bucket/normstats endpointurl=https://host access_key_id=...

takes options of `dvc remote modify`. One without a value is asked for, so that a secret stands
neither in the shell's history nor in the list of processes.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from urllib.parse import urlsplit

from dvc.config import Config, ConfigError
from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages import entry

REMOTE = "team"
CONFIG, LOCAL_CONFIG = Path(".dvc/config"), Path(".dvc/config.local")

# Everything else says who somebody is, or lies on their machine: it stays out of Git.
FOR_THE_TEAM = ("endpointurl", "port", "region")

# Small, and it must get there and back before everything is pushed.
PROBE = ("data/statistics/train.npz", "data/statistics/test.npz")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="a folder, s3://bucket/path or ssh://host/path")
    parser.add_argument("options", nargs="*", metavar="option[=value]")
    arguments = parser.parse_args()
    check_url(arguments.url)
    for path in PROBE:
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: nothing to share yet; run `dvc repro` first")
    options = dict(_option(option) for option in arguments.options)
    with restored_on_failure(CONFIG, LOCAL_CONFIG):
        write_config(arguments.url, options)
        dvc_push(*PROBE, otherwise=f"{CONFIG} is as it was")
        read_back()
    dvc_push("--run-cache", otherwise="the remote is set up; repeat `dvc push --run-cache`")
    print(
        f"{arguments.url} gave back what was pushed. For the team:\n"
        f"  git commit {CONFIG} --message='Share the data' && git push"
    )


def check_url(url: str) -> None:
    """ValueError for a URL that holds a secret, FileNotFoundError for a folder that is not there.

    DVC would make the folder, also where a share is not mounted or its name is misspelt.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise ValueError(
            "the remote's URL holds a password, and everyone can read it in .dvc/config; leave it "
            "out and give it as an option (README, Share it)"
        )
    if not parts.scheme and not Path(url).expanduser().is_dir():
        raise FileNotFoundError(
            f"{url}: expected a folder that the team shares, and there is none; make it first"
        )


def _option(option: str) -> tuple[str, str]:
    name, given, value = option.partition("=")
    return name, value if given else getpass(f"{name}: ")


def write_config(url: str, options: dict[str, str]) -> None:
    """Make `url` the default remote, its objects verified when they are pulled.

    What an earlier remote had goes: options of another kind would make DVC refuse to start.
    """
    config = Config(str(CONFIG.parent.resolve()), validate=False)
    shared = {name: value for name, value in options.items() if name in FOR_THE_TEAM}
    own = {name: value for name, value in options.items() if name not in FOR_THE_TEAM}
    try:
        LOCAL_CONFIG.touch()
        LOCAL_CONFIG.chmod(0o600)  # before there is a secret in it
        with config.edit("local", validate=False) as local:
            local["remote"].pop(REMOTE, None)
            if own:
                local["remote"][REMOTE] = own
        with config.edit("repo", validate=False) as repo:
            repo["remote"][REMOTE] = {"url": url, "verify": "true", **shared}
            repo["core"]["remote"] = REMOTE
        config.load()
    except ConfigError as error:
        raise ValueError(f"{url}: {error}; see `dvc remote modify --help`") from error


def dvc_push(*arguments: str, otherwise: str) -> None:
    """Push; ValueError if DVC could not, after it has said why."""
    if subprocess.run(["dvc", "push", *arguments], check=False).returncode:
        raise ValueError(f"`dvc push` failed, see above; {otherwise}")


def read_back() -> None:
    """Fetch the probe into an empty cache; ValueError if it is not there, or not whole."""
    with tempfile.TemporaryDirectory() as cache:
        try:
            with Repo(config={"cache": {"dir": cache}}) as repo:
                repo.fetch(list(PROBE))
        except DvcException as error:
            raise ValueError(f"what was pushed cannot be read: {error}") from error
        fetched = {path.read_bytes() for path in Path(cache).rglob("*") if path.is_file()}
    if fetched != {Path(path).read_bytes() for path in PROBE}:
        raise ValueError(
            f"expected to read back what was pushed of {' and '.join(PROBE)}, and it came back "
            "damaged; the remote's disk, or what already lay there, is not sound"
        )


@contextmanager
def restored_on_failure(*paths: Path) -> Iterator[None]:
    """Give files their content back, or take them away, unless all goes well."""
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        raise


if __name__ == "__main__":
    entry.run(main)
