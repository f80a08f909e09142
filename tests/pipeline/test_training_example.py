"""The training project of examples/training in a repository of its own, as another team has it.

It imports the normalization from this repository at a version.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from scipy.stats import t
from torch.utils.data import TensorDataset
from torchvision.transforms import Compose, Normalize, ToTensor

from stages.download.ready_made.labelled import LabelledImages
from tests.conftest import ROOT, Params, Project
from train import Epoch, load_normalization, prepare, train

EXAMPLE = ROOT / "examples" / "training"
PUBLISHED = "reports/published/normalization.json"
VERSION = "normalization@v1.0.0"


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def release(project: Project, version: str) -> None:
    project.run("gto", "register", "normalization", "--version", version)


@pytest.fixture
def upstream(project: Project) -> Project:
    """This repository with a few random images in place of CIFAR-10, and its first release."""
    release(project, "v1.0.0")
    return project


@pytest.fixture
def team(checkout: Project, upstream: Project, tmp_path: Path) -> Project:
    """The example in a repository of its own, shortened, its imports from that release."""
    team = Project(tmp_path / "team")
    shutil.copytree(checkout.path / "examples" / "training", team.path)
    team.run("git", "init", "--quiet", "--initial-branch=main")
    for path in sorted(team.path.glob("?*.dvc")):
        source = read_yaml(path)["deps"][0]["path"]
        team.run("dvc", "import", "--force", str(upstream.path), source, "--rev", VERSION)
    team.edit_params(lambda params: params.update(epochs=2, batch_images=16))
    team.run("git", "add", "--all")
    team.run("git", "commit", "--quiet", "--message=the example")
    return team


@pytest.fixture
def torch_threads() -> Iterator[None]:
    """Give the other tests back the threads that training leaves at one."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def split(project: Project, name: str) -> TensorDataset:
    folder = project.path / "data" / "cifar10" / name
    images, labels = (np.load(folder / f"{part}.npy") for part in ("images", "labels"))
    return TensorDataset(torch.from_numpy(images), torch.from_numpy(labels).long())


def trained(
    upstream: Project, path: str = PUBLISHED, *, network: str = "batch_norm", seed: int = 0
) -> list[Epoch]:
    """The epochs of a training with a normalization that upstream has now."""
    return list(
        train(
            split(upstream, "train"),
            split(upstream, "test"),
            load_normalization(upstream.path / path),
            network=network,
            learning_rate=read_yaml(EXAMPLE / "params.yaml")["learning_rate"][network],
            epochs=2,
            batch_images=16,
            seed=seed,
        )
    )


def curve(team: Project, name: str) -> list[float]:
    lines = team.read(f"curves/plots/metrics/{name}.tsv").decode().splitlines()
    return [float(row[Path(name).name]) for row in csv.DictReader(lines, delimiter="\t")]


def expect_trained_with(upstream: Project, team: Project) -> None:
    """The curves equal those of a training with what upstream publishes, number for number."""
    assert team.read("normalization.json") == upstream.read(PUBLISHED)
    course = trained(upstream)
    assert curve(team, "train/loss") == [epoch.loss for epoch in course]
    assert curve(team, "test/accuracy") == [epoch.accuracy for epoch in course]


@pytest.mark.skipif(torch.cuda.is_available(), reason="only a CPU gives the same numbers")
@pytest.mark.usefixtures("torch_threads")
def test_a_new_version_upstream_trains_again(upstream: Project, team: Project) -> None:
    assert team.repro() == ["train"]
    expect_trained_with(upstream, team)
    shown = json.loads(team.run("dvc", "metrics", "show", "--json"))[""]["data"]
    assert list(shown) == ["curves/metrics.json"]
    team.run("dvc", "plots", "show")
    page = team.read("dvc_plots/index.html").decode()
    assert "train/loss" in page
    assert "test/accuracy" in page
    assert team.repro() == []
    team.run("git", "add", "--all")
    team.run("git", "commit", "--quiet", "--message=v1.0.0")

    upstream.edit_params(lambda params: params.update(preset="imagenet"))
    upstream.repro()
    upstream.run("git", "commit", "--all", "--quiet", "--message=imagenet")
    release(upstream, "v2.0.0")
    assert team.repro() == []  # until the team takes it
    team.run("dvc", "update", "normalization.json.dvc", "--rev", "normalization@v2.0.0")
    assert team.repro() == ["train"]
    expect_trained_with(upstream, team)
    diff = json.loads(team.run("dvc", "metrics", "diff", "--json"))
    assert diff["curves/metrics.json"]["train.loss"]["diff"] != 0
    assert team.repro() == []


@pytest.mark.usefixtures("torch_threads")
def test_another_seed_gives_other_curves(upstream: Project) -> None:
    assert trained(upstream, seed=0) != trained(upstream, seed=1)


def test_the_pixels_are_prepared_as_torchvision_does(cifar10: dict[str, LabelledImages]) -> None:
    images_NCHW = cifar10["test"].images[:2000]
    for path in sorted((ROOT / "reports" / "presets").glob("*/normalization.json")):
        theirs = Compose([ToTensor(), Normalize(**json.loads(path.read_text()))])
        expected = torch.stack(
            [theirs(Image.fromarray(image_CHW.transpose(1, 2, 0))) for image_CHW in images_NCHW]
        )
        ours = prepare(torch.from_numpy(images_NCHW), load_normalization(path))
        assert torch.equal(ours, expected)


@pytest.mark.skipif(torch.cuda.is_available(), reason="only a CPU gives the same numbers")
@pytest.mark.usefixtures("torch_threads")
def test_the_sweep_runs_each_preset_and_seed_and_resumes(upstream: Project, team: Project) -> None:
    sweep = Project(team.path / "sweep", team.environment)

    def fewer(params: Params) -> None:
        params.update(networks=["plain"], presets=["half"], seeds=[0, 1])
        params["tune"].update(learning_rates=[0.1], held_out_images=10)

    def repro() -> list[str]:
        lines = sweep.run("dvc", "repro", "tune", "run").splitlines()
        return [line.split("'")[1] for line in lines if line.startswith("Running stage")]

    shutil.rmtree(sweep.path / "accuracy")
    sweep.edit_params(fewer)
    assert sorted(repro()) == ["run@plain-half-0", "run@plain-half-1", "tune@plain-half-0.1"]
    for seed in (0, 1):
        found = json.loads(sweep.read(f"accuracy/plain/half/{seed}.json"))
        preset = "reports/presets/half/normalization.json"
        *_, last = trained(upstream, preset, network="plain", seed=seed)
        assert found == {"accuracy": last.accuracy}
    (sweep.path / "accuracy/plain/half/1.json").unlink()
    assert repro() == ["run@plain-half-1"]


def committed(folder: str, *names: object) -> float:
    """An accuracy of the committed sweep, in percent."""
    path = (EXAMPLE / "sweep" / folder).joinpath(*map(str, names))
    return 100 * float(json.loads(path.with_name(f"{path.name}.json").read_text())["accuracy"])


def cells(line: str) -> list[str]:
    return [cell.strip(" `") for cell in line.strip("|").split("|")]


def test_the_tables_have_the_numbers_of_the_runs_and_are_in_the_readme() -> None:
    params = read_yaml(EXAMPLE / "sweep" / "params.yaml")
    tables = (EXAMPLE / "sweep" / "tables.md").read_text().split("\n\n")
    readme = (EXAMPLE / "README.md").read_text()
    for table in tables:
        assert table.strip() in readme
    tuned, accuracies = ([cells(row) for row in table.splitlines()[2:]] for table in tables)

    expected = []
    for network in params["networks"]:
        for rate in params["tune"]["learning_rates"]:
            found = [committed("tuned", network, preset, rate) for preset in params["presets"]]
            expected.append([network, str(rate), *(f"{x:.2f}" for x in [*found, np.mean(found)])])
    assert tuned == expected

    seeds = params["seeds"]
    # 8 intervals, 4 presets with 2 networks against one, hold together with 95 %.
    quantile = t.ppf(1 - 0.05 / 8 / 2, df=len(seeds) - 1)
    expected = []
    for network in params["networks"]:
        against = np.array([committed("accuracy", network, params["against"], s) for s in seeds])
        for preset in params["presets"]:
            values = np.array([committed("accuracy", network, preset, s) for s in seeds])
            gap = values - against
            half = quantile * gap.std(ddof=1) / np.sqrt(len(seeds))
            interval = f"{gap.mean():+.2f} ({gap.mean() - half:+.2f} to {gap.mean() + half:+.2f})"
            spread = [f"{values.mean():.2f}", f"{values.std(ddof=1):.2f}"]
            expected.append(
                [network, preset, *spread, "" if preset == params["against"] else interval]
            )
    assert accuracies == expected


def test_the_learning_rate_is_the_best_on_average_of_all_presets() -> None:
    params = read_yaml(EXAMPLE / "sweep" / "params.yaml")
    for network, chosen in read_yaml(EXAMPLE / "params.yaml")["learning_rate"].items():
        means = {
            rate: np.mean([committed("tuned", network, p, rate) for p in params["presets"]])
            for rate in params["tune"]["learning_rates"]
        }
        assert chosen == max(means, key=lambda rate: means[rate])


@pytest.mark.parametrize("folder", ["", "sweep"])
def test_the_committed_results_come_from_the_committed_code(folder: str) -> None:
    lock = read_yaml(EXAMPLE / folder / "dvc.lock")["stages"]
    recorded = {
        entry["path"]: entry["md5"]
        for stage in lock.values()
        for entry in (*stage["deps"], *stage["outs"])
    }
    files = {path: md5 for path, md5 in recorded.items() if (EXAMPLE / path).is_file()}
    assert {"train.py"} < files.keys()
    for path, md5 in files.items():
        assert hashlib.md5((EXAMPLE / path).read_bytes()).hexdigest() == md5, path  # noqa: S324


needs_history = pytest.mark.skipif(
    git("rev-parse", "--is-shallow-repository").strip() == b"true",
    reason="a shallow clone has no history",
)


@needs_history
@pytest.mark.usefixtures("cifar10")
def test_a_fresh_clone_pulls_what_is_imported_and_has_nothing_to_do(tmp_path: Path) -> None:
    """From the cache that `make` fills, here by its first stages; as the example is committed."""
    clone = Project(tmp_path / "normstats")
    git("clone", "--quiet", ".", str(clone.path))
    clone.run("dvc", "repro", "--quiet", "download")
    example = Project(clone.path / "examples" / "training")
    example.run("dvc", "pull", "--quiet")
    assert example.repro() == []
    assert example.run("git", "status", "--porcelain", ".") == ""


@needs_history
@pytest.mark.parametrize("name", ["cifar10", "normalization.json", "presets"])
def test_what_is_imported_can_be_pulled_in_every_clone(name: str) -> None:
    """By a path within the repository, from a commit of its history: no tag is needed."""
    repo = read_yaml(EXAMPLE / f"{name}.dvc")["deps"][0]["repo"]
    assert repo["url"] == "../.."
    git("merge-base", "--is-ancestor", repo["rev_lock"], "HEAD")
    if name == "normalization.json":
        released = git("show", f"{repo['rev_lock']}:{PUBLISHED}")
        (out,) = read_yaml(EXAMPLE / f"{name}.dvc")["outs"]
        assert hashlib.md5(released).hexdigest() == out["md5"]  # noqa: S324
