"""The whole job through `dvc repro`, against the tutorial's procedure: `python -m
benchmarks.pipeline`.

Works on a copy of the checkout in a temporary folder. Imports nothing large: see
`benchmarks.processes`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from itertools import count
from math import isclose
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.conditions import ROOT, conditions, middle, table, verdict
from benchmarks.processes import ENVIRONMENT, Finished, run, tree_peak_mib

DVC = (sys.executable, "-m", "dvc")
# What the tutorial does too; and everything, with the comparison and the report.
STATISTICS = ("repro", "normalize")
EVERYTHING = ("repro",)
WRITE_BATCHES = """
import sys
from pathlib import Path
from benchmarks.tutorial import write_batches
write_batches(Path(sys.argv[1]))
"""


class Project:
    """A copy of the checkout with the images in place and nothing measured."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "project"
        # DVC keeps some of what it knows about a project outside it.
        self.environment = {**ENVIRONMENT, "DVC_SITE_CACHE_DIR": str(folder / "site")}
        listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
        names = subprocess.run(listed, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)
        for name in names.stdout.splitlines():
            if (ROOT / name).is_file() and name != "dvc.lock":
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.path / name)
        for split in ("train", "test"):
            images = Path("data/cifar10") / split
            shutil.copytree(ROOT / images, self.path / images)
        subprocess.run(("git", "init", "--quiet"), cwd=self.path, check=True)
        # The images count as downloaded: they are what `download` would have written.
        self.run(*DVC, "commit", "--quiet", "--force", "download")
        self.lock = (self.path / "dvc.lock").read_text()
        self.cached = set(self._cache())

    def run(self, *command: str) -> Finished:
        return run(command, self.path, self.environment)

    def forget(self) -> None:
        """Back to the start: only the images, in the workspace and in the cache."""
        for file in (self.path / "data/statistics").glob("*.npz"):
            file.unlink()
        for folder in ("data/exports", "reports"):
            shutil.rmtree(self.path / folder, ignore_errors=True)
        for file in set(self._cache()) - self.cached:
            file.unlink()
        # As a whole: DVC fails on a run cache of empty folders.
        shutil.rmtree(self.path / ".dvc/cache/runs", ignore_errors=True)
        (self.path / "dvc.lock").write_text(self.lock)

    def _cache(self) -> list[Path]:
        return [file for file in (self.path / ".dvc/cache").rglob("*") if file.is_file()]

    def change_half(self, value: float) -> None:
        path = self.path / "params.yaml"
        params = yaml.safe_load(path.read_text())
        params["presets"]["half"]["mean"] = [value] * 3
        path.write_text(yaml.safe_dump(params, sort_keys=False))


def whole_job(project: Project, runs: int) -> None:
    batches = str(project.path.with_name("batches"))
    run((sys.executable, "-c", WRITE_BATCHES, batches), ROOT)
    tutorial = (sys.executable, "-m", "benchmarks.tutorial", batches)
    theirs = []
    seconds: dict[tuple[str, ...], list[float]] = {STATISTICS: [], EVERYTHING: []}
    trees: dict[tuple[str, ...], list[float]] = {STATISTICS: [], EVERYTHING: []}
    for _ in range(runs):
        theirs.append(run(tutorial, ROOT))
        for way in seconds:
            project.forget()
            seconds[way].append(project.run(*DVC, *way).seconds)
            project.forget()
            trees[way].append(tree_peak_mib((*DVC, *way), project.path, project.environment))
    check_agreement(project, json.loads(theirs[-1].output.splitlines()[-1]))
    their_seconds, their_mib = [one.seconds for one in theirs], [one.peak_mib for one in theirs]
    rows = [
        *(
            [f"`dvc {' '.join(way)}`", middle(seconds[way]), middle(trees[way], 0)]
            for way in seconds
        ),
        ["the tutorial's procedure", middle(their_seconds), middle(their_mib, 0)],
    ]
    print("### The whole job\n")
    print(table(["way", "s", "peak MiB"], rows))
    for way, time_limit in ((STATISTICS, 1 / 5), (EVERYTHING, 1 / 3)):
        share = median(seconds[way]) / median(their_seconds)
        print(verdict(f"time of `dvc {' '.join(way)}`, of the tutorial's", share, time_limit))
    share = median(trees[STATISTICS]) / median(their_mib)
    print(verdict(f"memory of `dvc {' '.join(STATISTICS)}`, of the tutorial's", share, 1 / 3))
    print(
        "- memory: ours is the largest sum of RSS over DVC and all processes below it, sampled "
        "every 10 ms in separate runs; the tutorial's is the largest RSS of its one process, as "
        "the kernel counts it\n"
    )


def check_agreement(project: Project, theirs: dict[str, Any]) -> None:
    """The same numbers from both, up to the tutorial's float32."""
    for preset, by_split in theirs.items():
        report = project.path / "reports" / "presets" / preset / "details.json"
        details = json.loads(report.read_text())
        for split, by_statistic in by_split.items():
            for statistic, found in by_statistic.items():
                expected = list(details[split][statistic].values())
                assert all(
                    isclose(one, other, rel_tol=2e-5, abs_tol=2e-5)
                    for one, other in zip(found, expected, strict=True)
                ), f"{preset}, {split}, {statistic}: {found} is not {expected}"


def one_preset(project: Project, runs: int) -> None:
    edited, unchanged = [], []
    # Always a new value: the run cache would answer for an old one.
    values = (0.5 + step / 1000 for step in count(1))
    project.run(*DVC, "repro")
    for value in (next(values) for _ in range(runs)):
        project.change_half(value)
        edited.append(project.run(*DVC, "repro"))
        ran = {line for line in edited[-1].output.splitlines() if line.startswith("Running stage")}
        assert ran == {f"Running stage '{n}':" for n in ("validate", "normalize@half", "report")}
        unchanged.append(project.run(*DVC, "repro"))
        assert "Running stage" not in unchanged[-1].output
    seconds = [[one.seconds for one in side] for side in (unchanged, edited)]
    rows = [["nothing to do", middle(seconds[0], 2)], ["one preset edited", middle(seconds[1], 2)]]
    print("### One preset edited\n")
    print(table(["`dvc repro`", "s"], rows))
    print(verdict("time, of nothing to do", median(seconds[1]) / median(seconds[0]), 2) + "\n")


def stages_with_torch(project: Project, runs: int) -> None:
    commands = {
        "`import torch`": ("-c", "import torch"),
        "`measure train`": ("-m", "stages.measure", "train"),
        "`compare --help`": ("-m", "stages.compare", "--help"),
        "`compare`": ("-m", "stages.compare"),
    }
    finished: dict[str, list[Finished]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            finished[name].append(project.run(sys.executable, *command))
    seconds = {name: [one.seconds for one in found] for name, found in finished.items()}
    mib = {name: [one.peak_mib for one in found] for name, found in finished.items()}
    print("### The stages with torch\n")
    rows = [[name, middle(seconds[name], 2), middle(mib[name], 0)] for name in commands]
    print(table(["process", "s", "peak MiB"], rows))
    above = {name: median(found) - median(mib["`import torch`"]) for name, found in mib.items()}
    print(
        verdict("memory of `measure` above `import torch`", above["`measure train`"], 300, " MiB")
    )
    print(verdict("memory of `compare` above `import torch`", above["`compare`"], 500, " MiB"))
    beyond = median(seconds["`compare`"]) - median(seconds["`compare --help`"])
    print(verdict("time of `compare` beyond its start-up", beyond, 6, " s"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(conditions() + "\n")
    with TemporaryDirectory() as folder:
        project = Project(Path(folder))
        whole_job(project, runs)
        one_preset(project, runs)
        stages_with_torch(project, runs)


if __name__ == "__main__":
    main()
