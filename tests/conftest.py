"""What the tests share: real CIFAR-10, commands run as a user runs them, and small projects."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
import yaml

from stages.download.__main__ import first_served
from stages.download.ready_made.cifar10 import CLASSES
from stages.download.ready_made.labelled import LabelledImages
from stages.shared.load_params import load_params
from tests import forked
from tests.sources import Sample, Server, write_sample

ROOT = Path(__file__).resolve().parent.parent
STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])

# For the libraries that load the exports: Keras computes with torch, and none uses the network.
os.environ |= {"KERAS_BACKEND": "torch", "HF_HUB_OFFLINE": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}
# Ray runs whatever it is sent, so only these tests may send to it. It reads these when imported.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex())  # child processes have the same
# Left out of the environment: a `make` below another prints the folders it enters and leaves.
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in OF_MAKE},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@localhost",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@localhost",
    # A user's own settings (signed commits, a remote) must not matter.
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "AWS_MAX_ATTEMPTS": "1",  # a server that is gone in a test stays gone
    "DVC_GLOBAL_CONFIG_DIR": str(ROOT / "tests" / "no such folder"),
}

# On a busy machine, an example that takes long is no failure.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

Params = dict[str, Any]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


def small_disk_works() -> bool:
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return bool(shutil.which("unshare")) and subprocess.run(unshare, check=False).returncode == 0


class Project:
    """A checkout of this repository in a separate folder, and the commands a user runs there."""

    def __init__(self, path: Path, environment: Mapping[str, str] = ENVIRONMENT) -> None:
        self.path = path
        self.environment = dict(environment)

    def run(self, *command: str, expect: int = 0) -> str:
        """Run a command in the project; its output, standard error included."""
        by_hand = command[0] in ("dvc", "python")
        process = self._start(
            command, forked.faster(self.environment) if by_hand else self.environment
        )
        printed, _ = process.communicate()
        assert process.returncode == expect, printed
        return printed

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the project, its output and standard error in one pipe."""
        return self._start(command, self.environment)

    def _start(
        self, command: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def stage(self, name: str, *arguments: str, expect: int = 0) -> str:
        return self.run("python", "-m", f"stages.{name}", *arguments, expect=expect)

    def repro(self, *options: str) -> list[str]:
        """Reproduce; the stages that ran, but for `validate`, which any edit of params runs."""
        lines = self.run("dvc", "repro", *options).splitlines()
        ran = [line.split("'")[1] for line in lines if line.startswith("Running stage")]
        return [stage for stage in ran if stage != "validate"]

    def redo(self, *stages: str) -> None:
        """Run these stages even if nothing changed, and no stage before them."""
        self.run("dvc", "repro", "--force", "--single-item", "--quiet", *stages)

    def edit_params(self, change: Callable[[Params], object]) -> None:
        path = self.path / "params.yaml"
        params = yaml.safe_load(path.read_text())
        change(params)
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def read(self, path: str) -> bytes:
        return (self.path / path).read_bytes()

    def write_images(self, split: str, images: np.ndarray[Any, Any]) -> None:
        folder = self.path / "data" / "cifar10" / split
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "images.npy", images)
        np.save(folder / "labels.npy", np.arange(len(images), dtype=np.uint8) % 10)
        (folder / "classes.json").write_text(json.dumps(CLASSES))

    def use_this_environment(self) -> None:
        """Make the environment of the tests the one that `make` finds set up."""
        activate = self.path / ".venv" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text(f"export PATH='{Path(sys.executable).parent}':\"$PATH\"\n")
        for installed in ("installed", "installed-remotes", "installed-test"):
            (self.path / ".venv" / installed).touch()

    def commit(self, message: str = "a change") -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", f"--message={message}")

    def clone_to(self, path: Path, *options: str) -> Project:
        """A clone as a teammate or CI has it: Git's files, and no data."""
        self.run("git", "clone", "--quiet", *options, self.path.as_uri(), str(path))
        return Project(path, self.environment)

    def copy_to(self, path: Path) -> Project:
        shutil.copytree(self.path, path, symlinks=True)
        return Project(path, self.environment)


@pytest.fixture(scope="session")
def cifar10() -> dict[str, LabelledImages]:
    """The real images, from the first source that serves them or from the user's cache."""
    return first_served("cifar10", load_params().dataset).splits


def random_images(images: int, seed: int, channels: int = 3) -> np.ndarray[Any, Any]:
    shape = (images, channels, 8, 8)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The working tree as a fresh clone has it: committed, without data."""
    project = Project(tmp_path_factory.mktemp("checkout") / "normstats")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = project.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    project.run("git", "init", "--quiet", "--initial-branch=main")
    project.commit("checkout")
    project.run("git", "gc", "--quiet")  # one file in place of 500, to copy for each test
    return project


@pytest.fixture(scope="session")
def reproduced(checkout: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout with a few random images in place of CIFAR-10, reproduced and committed."""
    project = checkout.copy_to(tmp_path_factory.mktemp("reproduced") / "normstats")
    project.write_images("train", random_images(60, seed=0))
    project.write_images("test", random_images(20, seed=1))
    project.run("dvc", "commit", "--force", "--quiet", "download")
    project.repro()
    project.run("make", "plots/page.html")
    project.commit("reproduced")
    return project


@pytest.fixture(scope="session")
def gray(checkout: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """As `reproduced`, with images and presets of one channel; no test changes it."""
    project = checkout.copy_to(tmp_path_factory.mktemp("gray") / "normstats")
    project.write_images("train", random_images(60, seed=0, channels=1))
    project.write_images("test", random_images(20, seed=1, channels=1))
    project.run("dvc", "commit", "--force", "--quiet", "download")

    def of_one_channel(params: Params) -> None:
        params["limits"] = {"psi": 0.1, "std_ratio": {"gray": 1.1}}
        del params["presets"]["imagenet"]
        for preset in ("to_tensor", "half"):
            params["presets"][preset] = {k: v[:1] for k, v in params["presets"][preset].items()}

    project.edit_params(of_one_channel)
    project.repro()
    project.commit("reproduced")
    return project


@pytest.fixture
def project(reproduced: Project, tmp_path: Path) -> Project:
    """A reproduced project that a test may change."""
    return reproduced.copy_to(tmp_path / "normstats")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def server(sample: Sample) -> Iterator[Server]:
    server = Server(sample.archive)
    server.thread.start()
    yield server
    server.stopping.set()
    server.http.shutdown()
    server.thread.join()
    server.http.server_close()
