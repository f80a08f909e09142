"""No fault loses data, and the remedies of docs/when-something-goes-wrong.md work.

Each fault is a real one, on a real server.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.conftest import ROOT, Project, small_disk_works
from tests.remotes import KEY, KINDS, OPEN, SECRET, Remote, make_key, needs_sshd, tapped
from tests.sources import Server
from tests.teammates import Team, publish

PAGE = (ROOT / "docs/when-something-goes-wrong.md").read_text()
SHARED = ("data/cifar10/train/images.npy", "data/statistics/train.npz", "data/statistics/test.npz")
SERVERS = [kind for kind in KINDS if kind != "folder"]


def recipe(heading: str) -> list[str]:
    """The commands of a section of the page."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, flags=re.M | re.S)
    return re.findall(r"^\$ (.*)$", section, flags=re.M)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "server"
    place.mkdir()
    return place


@pytest.fixture
def remote(request: pytest.FixtureRequest, place: Path) -> Iterator[Remote]:
    with OPEN[request.param](place) as remote:
        yield remote


@pytest.fixture
def team(project: Project, remote: Remote, tmp_path: Path) -> Team:
    return Team.found(project, tmp_path, remote, prove=False)  # test_share.py holds the proof


def test_the_outputs_of_a_failed_stage_come_back_at_once(project: Project) -> None:
    metrics = "reports/presets/half/metrics.json"
    before = project.read(metrics)
    gray = {"mean": [0.5], "std": [0.5]}
    project.edit_params(lambda params: params["presets"].update(half=gray))
    project.run("dvc", "repro", "normalize@half", expect=255)
    assert not (project.path / metrics).exists()
    for command in recipe("A stage failed"):
        project.run("bash", "-c", command)
    assert project.read(metrics) == before


def has_what_was_shared(member: Project, team: Team) -> bool:
    return all(member.read(path) == team.founder.read(path) for path in SHARED)


def lead(member: Project, remote: Remote, port: int) -> None:
    """Make a member reach the server through another port."""
    for option, value in remote.through(port).items():
        if str(port) in value:
            member.run("dvc", "remote", "modify", "--local", "team", option, value)


def fails(member: Project, *command: str) -> str:
    """Run a command that must fail; what it prints. DVC's exit code is 1, 255 or another."""
    process = member.start(*command)
    said, _ = process.communicate()
    assert process.returncode, said
    return said


def has_new_data(member: Project) -> None:
    """Make something to push that is longer than the buffers of a socket."""
    rng = np.random.default_rng(0)
    member.write_images("train", rng.integers(0, 256, (60, 3, 200, 200), dtype=np.uint8))
    member.run("dvc", "commit", "--force", "--quiet", "download")


@pytest.mark.parametrize("remote", SERVERS, indirect=True)
def test_a_push_killed_midway_is_repeated(team: Team) -> None:
    before = team.remote.objects()
    has_new_data(team.founder)
    pushing: list[subprocess.Popen[str]] = []
    with tapped(team.remote.port, 1_000_000, lambda: pushing[0].kill()) as tap:
        lead(team.founder, team.remote, tap.port)
        pushing.append(team.founder.start("dvc", "push"))
        pushing[0].communicate()
    assert pushing[0].returncode == -9
    killed = team.remote.objects()
    lead(team.founder, team.remote, team.remote.port)
    team.founder.run("dvc", "push")
    assert before <= killed < team.remote.objects()
    publish(team.founder, "Have new data")
    ben = team.join("ben")
    ben.run("dvc", "pull")
    assert has_what_was_shared(ben, team)


@pytest.mark.parametrize("remote", ["folder"], indirect=True)
def test_a_push_to_a_folder_killed_midway_is_repeated(team: Team, tmp_path: Path) -> None:
    """Killed just before the second object gets its name."""
    (tmp_path / "sitecustomize.py").write_text(f"""
import os, signal, sys
named = 0
def kill(event, arguments):
    global named
    if event == "os.rename" and str(arguments[1]).startswith({team.remote.root!r}):
        named += 1
        if named == 2:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(kill)
""")
    before = team.remote.objects()
    has_new_data(team.founder)
    publish(team.founder, "Have new data")
    environment = {**team.founder.environment, "PYTHONPATH": str(tmp_path)}
    killed = Project(team.founder.path, environment).start("dvc", "push", "--jobs=1")
    killed.communicate()
    assert killed.returncode == -9
    [push] = recipe("A push or pull was interrupted")
    team.founder.run("bash", "-c", push)
    assert len(team.remote.objects() - before) > 1
    ben = team.join("ben")
    ben.run("dvc", "pull")
    assert has_what_was_shared(ben, team)


@pytest.mark.parametrize("event", ["subprocess.Popen", "os.rename"])
def test_a_share_that_is_killed_configures_nothing(
    project: Project, place: Path, tmp_path: Path, event: str
) -> None:
    """Killed before the remote is proven, and before the proven remote is configured."""
    (tmp_path / "sitecustomize.py").write_text(f"""
import os, signal, sys
def kill(event, arguments):
    at_configuration = event == "os.rename" and "config.local" in str(arguments[1])
    if event == {event!r} and (at_configuration or "push" in str(arguments[1])):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(kill)
""")
    project.environment["PYTHONPATH"] = str(tmp_path)
    project.run("python", "-m", "team.share", str(place), "jobs=2", expect=-9)
    assert project.run("git", "status", "--porcelain") == ""
    assert project.run("dvc", "remote", "list") == ""
    assert project.run("dvc", "config", "--local", "--list") == ""


@pytest.mark.parametrize("remote", SERVERS, indirect=True)
def test_after_a_server_stopped_midway_the_command_is_repeated(team: Team, place: Path) -> None:
    """It stops during a push, then during a pull, and comes back at another port."""
    has_new_data(team.founder)
    publish(team.founder, "Have new data")
    with tapped(team.remote.port, 1_000_000, team.remote.stop) as tap:
        lead(team.founder, team.remote, tap.port)
        assert "failed to push data" in fails(team.founder, "dvc", "push")
    ben = team.join("ben")
    with OPEN[team.remote.kind](place) as again:
        lead(team.founder, again, again.port)
        team.founder.run("dvc", "push")
        with tapped(again.port, 1_000_000, again.stop) as tap:
            lead(ben, again, tap.port)
            assert "failed to transfer" in fails(ben, "dvc", "pull")
    assert not any((ben.path / path).exists() for path in SHARED)
    with OPEN[team.remote.kind](place) as again:
        lead(ben, again, again.port)
        ben.run("dvc", "pull")
    assert has_what_was_shared(ben, team)


def corrupted(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def md5_of(project: Project, path: str) -> str:
    lock = yaml.safe_load((project.path / "dvc.lock").read_text())
    outs = (out for stage in lock["stages"].values() for out in stage.get("outs", []))
    return str(next(out["md5"] for out in outs if out["path"] == path))


@pytest.mark.parametrize(
    ("remote", "damaged", "change"),
    [
        ("folder", "data/statistics/test.npz", corrupted),
        ("folder", "data/cifar10/test/labels.npy", truncated),
        ("s3", "data/cifar10/test/images.npy", truncated),
        pytest.param("ssh", "data/statistics/train.npz", corrupted, marks=needs_sshd),
    ],
    indirect=["remote"],
)
def test_a_damaged_object_is_refused_and_mended(
    team: Team, damaged: str, change: Callable[[bytes], bytes]
) -> None:
    md5 = hashlib.md5(team.founder.read(damaged)).hexdigest()  # noqa: S324
    team.remote.damage(md5, change)
    ben = team.join("ben")
    assert fails(ben, "dvc", "pull")
    assert not (ben.path / damaged).exists()
    assert md5 not in cached(ben)
    assert md5[2:] in ben.run("python", "-m", "team.audit", expect=1)
    audit, push = recipe("An object on the remote is damaged")
    ben.run("bash", "-c", audit)
    team.founder.run("bash", "-c", push)
    assert "damaged" not in ben.run("python", "-m", "team.audit")
    ben.run("dvc", "pull")
    assert has_what_was_shared(ben, team)


@pytest.mark.parametrize("remote", ["folder"], indirect=True)
def test_a_damaged_list_of_files_is_refused(team: Team) -> None:
    team.remote.damage(md5_of(team.founder, "data/cifar10/test"), truncated)
    ben = team.join("ben")
    assert fails(ben, "dvc", "pull")
    assert not (ben.path / "data/cifar10/test/images.npy").exists()


@pytest.mark.parametrize("remote", SERVERS, indirect=True)
def test_wrong_credentials_change_nothing(team: Team, tmp_path: Path) -> None:
    wrong = {"s3": ("secret_access_key", "wrong"), "ssh": ("keyfile", str(tmp_path / "wrong"))}
    option, value = wrong[team.remote.kind]
    make_key(tmp_path / "wrong")
    ben = team.join("ben")
    ben.run("dvc", "remote", "modify", "--local", "team", option, value)
    for command in ("pull", "push"):
        said = fails(ben, "dvc", command)
        assert "Forbidden" in said or "Permission denied" in said
    before = {path: ben.read(path) for path in (".dvc/config", ".dvc/config.local")}
    options = {**team.remote.options, option: value}
    said = fails(
        team.founder,
        *("python", "-m", "team.share", team.remote.url),
        *(f"{name}={value}" for name, value in options.items()),
    )
    assert "error: `dvc push` failed, see above; .dvc/config is as it was" in said
    assert "Traceback" not in said
    assert {path: ben.read(path) for path in before} == before
    *modify, pull = recipe("Wrong credentials")
    if team.remote.kind == "s3":
        for command in modify:
            ben.run("bash", "-c", command.replace("YOUR_KEY", KEY).replace("YOUR_SECRET", SECRET))
    else:
        ben.run("dvc", "remote", "modify", "--local", "team", option, team.remote.options[option])
    ben.run("bash", "-c", pull)
    assert has_what_was_shared(ben, team)


@pytest.mark.skipif(not small_disk_works(), reason="no small disk can be mounted here")
@pytest.mark.parametrize("remote", ["folder"], indirect=True)
@pytest.mark.parametrize("command", ["push", "pull"])
def test_a_full_disk_leaves_nothing_that_passes_for_an_object(team: Team, command: str) -> None:
    """The remote of a push, or the cache of a pull, is on a real disk of 1 MB."""
    has_new_data(team.founder)
    publish(team.founder, "Have new data")
    if command == "pull":
        team.founder.run("dvc", "push")
    member, full = {
        "push": (team.founder, team.remote.root),
        "pull": (team.join("ben"), ".dvc/cache"),
    }[command]
    script = f"""
        mkdir -p '{full}' && mount -t tmpfs -o size=1m tmpfs '{full}' || exit 99
        dvc {command}
        echo "exit code $?"
        find '{full}' -type f -size +500k ! -name '.*.tmp'
    """
    said = member.run("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
    assert "No space left on device" in said
    assert re.search(r"exit code [1-9]\d*\n$", said), said
    [look] = recipe("The remote is full, or this disk is")
    member.run("bash", "-c", look)
    member.run("dvc", command)
    ben = team.join("another")
    ben.run("dvc", "pull")
    assert has_what_was_shared(ben, team)


@pytest.mark.parametrize("remote", KINDS, indirect=True)
def test_two_may_push_at_once(team: Team) -> None:
    ben = team.join("ben")
    ben.run("dvc", "pull")
    for member in team.founder, ben:
        has_new_data(member)
    pushing = [member.start("dvc", "push", "--run-cache") for member in (team.founder, ben)]
    assert [push.communicate()[0] and push.returncode for push in pushing] == [0, 0]
    publish(team.founder, "Have new data")
    cleo = team.join("cleo")
    cleo.run("dvc", "pull")
    assert has_what_was_shared(cleo, team)
    assert "damaged" not in cleo.run("python", "-m", "team.audit")


def test_a_second_repro_in_one_clone_ends_at_once(project: Project, server: Server) -> None:
    before = project.read("reports/published/metrics.json")
    project.edit_params(lambda params: params["dataset"].update(sources=[server.url("stuck")]))
    downloading = project.start("dvc", "repro", "--force", "download")
    server.half_sent.wait()
    said = fails(project, "dvc", "repro")
    assert "is busy, it is being blocked by" in said
    project.run("dvc", "metrics", "diff")
    server.stopping.set()
    downloading.communicate()
    assert downloading.returncode
    project.run("git", "restore", "params.yaml")
    project.run("dvc", "repro")
    assert project.read("reports/published/metrics.json") == before
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_lock_that_was_cut_off_is_named_and_restored(project: Project, share: float) -> None:
    project.edit_params(lambda params: params.update(preset="half"))
    project.repro()
    half = project.read("reports/published/normalization.json")
    lock = project.read("dvc.lock")
    (project.path / "dvc.lock").write_bytes(lock[: int(share * len(lock))].rstrip())
    fails(project, "dvc", "repro")
    assert "dvc.lock is cut off" in project.stage("validate", expect=1)
    for command in recipe("dvc.lock was cut off"):
        project.run("bash", "-c", command)
    assert project.read("dvc.lock") == lock
    assert project.read("reports/published/normalization.json") == half


@pytest.mark.parametrize("remote", ["folder"], indirect=True)
def test_a_merge_conflict_in_the_lock_is_settled_by_the_recipe(team: Team) -> None:
    ann, ben = team.founder, team.join("ben")
    ben.run("dvc", "pull", "--run-cache")
    params = ann.read("params.yaml").decode()
    for member, preset, mean in (ann, "hers", 0.3), (ben, "his", 0.4):
        added = f"  {preset}: {{mean: [{mean}, {mean}, {mean}], std: [1, 1, 1]}}\n"
        chosen = params.replace("preset: dataset_pixel_std", f"preset: {preset}")
        (member.path / "params.yaml").write_text(chosen + added)
        member.repro()
    ben.run("git", "commit", "--quiet", "--all", "--message=his")
    publish(ann, "hers")
    assert "dvc.lock" in fails(ben, "git", "pull", "--no-rebase")
    assert "is invalid (possible merge conflicts)" in fails(ben, "dvc", "repro")

    both = (ben.path / "params.yaml").read_text()
    settled = re.sub(r"<<<<<<< .*\n(.*\n)=======\n(.*\n)>>>>>>> .*\n", r"\1\2", both)
    (ben.path / "params.yaml").write_text(re.sub("^preset: hers.*\n", "", settled, flags=re.M))
    for command in recipe("A merge conflict in dvc.lock"):
        ben.run("bash", "-c", command)
    assert ben.repro() == []
    assert ben.run("git", "status", "--porcelain") == ""
    published = json.loads(ben.read("reports/published/normalization.json"))
    assert published["mean"] == [0.4, 0.4, 0.4]
    hers = json.loads(ben.read("reports/presets/hers/normalization.json"))
    assert hers["mean"] == [0.3, 0.3, 0.3]


def cached(project: Project) -> set[str]:
    """The MD5s of the objects in the local cache."""
    files = (project.path / ".dvc/cache/files/md5").glob("*/*")
    return {f"{file.parent.name}{file.name}" for file in files}


@pytest.mark.parametrize("remote", ["folder"], indirect=True)
def test_a_deleted_cache_is_filled_again(team: Team) -> None:
    from_remote, commit, unchanged = recipe("The local cache was deleted")
    shutil.rmtree(team.founder.path / ".dvc/cache")
    team.founder.run("bash", "-c", from_remote)
    assert team.founder.repro() == []
    shutil.rmtree(team.founder.path / ".dvc/cache")
    team.founder.run("bash", "-c", f"{commit} && {unchanged}")
    assert team.founder.repro() == []
    assert md5_of(team.founder, "data/statistics/test.npz") in cached(team.founder)
