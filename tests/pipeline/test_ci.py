"""The workflow that a team runs on every change, and its scripts in clones as GitHub makes them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, Params, Project, random_images

WORKFLOW = ROOT / ".github/workflows/normstats.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text())["jobs"]
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
INSTALL = "python -m pip install -r requirements.txt"
PUBLISHED = "reports/published/metrics.json"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="zizmor has no wheel for this Python")
def test_zizmor_finds_nothing_to_complain_of() -> None:
    command = ["zizmor", "--offline", "--persona=auditor", "--strict-collection", str(WORKFLOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_by_github_and_pinned_to_the_commit_of_a_release() -> None:
    used = [line for line in WORKFLOW.read_text().splitlines() if "uses:" in line]
    assert len(used) == sum("uses" in step for job in JOBS.values() for step in job["steps"])
    action = r" +- uses: actions/(checkout|setup-python|cache)@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    for line in used:
        assert re.fullmatch(action, line), line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_script_of_the_repository_or_the_pinned_install(command: str) -> None:
    if command != INSTALL:
        assert command.startswith(".ci/")
        assert os.access(ROOT / command.split()[0], os.X_OK)


def test_every_job_may_only_read_and_has_a_timeout() -> None:
    assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {}
    for job in JOBS.values():
        assert job["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"] <= 60


def clone(project: Project, path: Path, *options: str) -> Project:
    """As a GitHub runner has it."""
    cloned = project.clone_to(path, *options)
    cloned.environment["GITHUB_STEP_SUMMARY"] = str(path.parent / "summary.md")
    return cloned


def summary(cloned: Project) -> str:
    return Path(cloned.environment["GITHUB_STEP_SUMMARY"]).read_text()


def test_this_commit_is_fresh_and_the_check_downloads_nothing(
    checkout: Project, tmp_path: Path
) -> None:
    cloned = clone(checkout, tmp_path / "clone")
    assert cloned.run(".ci/fresh").startswith("fresh: ")
    assert "within all 9 limits" in cloned.run(".ci/summary", "origin/main")
    assert not list(cloned.path.glob("data/**/*.np[yz]"))
    assert cloned.run("git", "status", "--porcelain") == ""


def test_data_of_another_branch_are_found_and_dvc_checkout_mends_them(project: Project) -> None:
    project.run("git", "switch", "--quiet", "--create", "change")
    project.write_images("test", random_images(20, seed=2))
    project.run("dvc", "commit", "--force", "--quiet", "download")
    project.repro()
    project.commit()
    project.run("git", "switch", "--quiet", "main")
    assert "After `git checkout`: run `dvc checkout`" in project.run(".ci/fresh", expect=1)
    project.run("dvc", "checkout", "--quiet")
    assert project.run(".ci/fresh").startswith("fresh: ")


def flat(metrics: dict[str, Any], *above: str) -> dict[str, float]:
    leaves: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, dict):
            leaves |= flat(value, *above, key)
        else:
            leaves[".".join((*above, key))] = value
    return leaves


def test_the_summary_has_every_metric_that_the_branch_changed(
    project: Project, tmp_path: Path
) -> None:
    def choose(preset: str) -> None:
        project.edit_params(lambda params: params.update(preset=preset))
        project.repro()
        project.commit()

    def published(revision: str) -> dict[str, float]:
        return flat(json.loads(project.run("git", "show", f"{revision}:{PUBLISHED}")))

    project.run("git", "branch", "start")
    project.run("git", "switch", "--quiet", "--create", "change")
    choose("imagenet")
    # Changes on main meanwhile are no changes of the branch.
    project.run("git", "switch", "--quiet", "main")
    choose("half")
    cloned = clone(project, tmp_path / "clone", "--branch=change")
    printed = cloned.run(".ci/summary", "origin/main")
    assert printed == summary(cloned)
    start = project.run("git", "rev-parse", "--short", "start").strip()
    assert f"## Metrics, compared with `origin/main` ({start})" in printed
    old, new = published("start"), published("change")
    rows = re.findall(rf"^\| {PUBLISHED} +\| (\S+) +\| (\S+) +\| (\S+) +\|", printed, re.MULTILINE)
    assert {name for name, *_ in rows} == {name for name in old if old[name] != new[name]}
    assert len(rows) == 24
    for name, before, after in rows:
        assert float(before) == pytest.approx(old[name], abs=5.01e-6)
        assert float(after) == pytest.approx(new[name], abs=5.01e-6)
    assert "within all 9 limits" in printed


def test_a_broken_limit_fails_and_is_in_the_summary(project: Project, tmp_path: Path) -> None:
    def tighten(params: Params) -> None:
        params["limits"] = {"psi": 255, "wasserstein_levels": 0.001}

    project.run("git", "switch", "--quiet", "--create", "change")
    project.edit_params(tighten)
    project.commit()
    cloned = clone(project, tmp_path / "clone", "--branch=change")
    cloned.run(".ci/summary", "origin/main", expect=1)
    written = summary(cloned)
    assert "No metric changes." in written
    assert "error: 3 of 6 limits are broken" in written
    shift = json.loads(project.read("reports/shift.json"))["wasserstein_levels"]
    broken = re.findall(r"^wasserstein_levels +(\w+) +(\S+) +0.001 +False$", written, re.MULTILINE)
    assert {channel: float(value) for channel, value in broken} == {
        channel: pytest.approx(value, rel=1e-3) for channel, value in shift.items()
    }


def test_the_summary_of_a_branch_without_the_revision_to_compare_with_fails(
    project: Project, tmp_path: Path
) -> None:
    project.run("git", "switch", "--quiet", "--create", "change")
    cloned = clone(project, tmp_path / "clone", "--branch=change", "--single-branch", "--depth=1")
    assert "origin/main" in cloned.run(".ci/summary", "origin/main", expect=128)
    cloned.run("git", "fetch", "--quiet", "--unshallow")
    cloned.run("git", "remote", "set-branches", "origin", "*")
    cloned.run("git", "fetch", "--quiet")
    assert "No metric changes." in cloned.run(".ci/summary", "origin/main")
