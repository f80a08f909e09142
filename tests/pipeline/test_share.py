"""A team works through a remote of each kind, on a real server, each member in a clone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from team.share import CONFIG, LOCAL_CONFIG, edited, write_config
from tests.conftest import Params, Project
from tests.remotes import KINDS, OPEN, SECRET, Remote
from tests.teammates import Team, publish

IMAGES = ("data/cifar10/train/images.npy", "data/cifar10/test/images.npy")
STATISTICS = ("data/statistics/train.npz", "data/statistics/test.npz")
PUBLISHED = "reports/published/normalization.json"
MINE = {"mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]}
AFTER_A_NEW_CHOICE = ["normalize@mine", "report", "publish", "export"]


@pytest.fixture(params=KINDS)
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    place = tmp_path / "server"
    place.mkdir()
    with OPEN[request.param](place) as remote:
        yield remote


@pytest.fixture
def team(project: Project, remote: Remote, tmp_path: Path) -> Team:
    return Team.found(project, tmp_path, remote)


def choose_mine(params: Params) -> None:
    params["presets"]["mine"] = MINE
    params["preset"] = "mine"


def test_a_team_works_through_the_remote(team: Team) -> None:
    """One story, as each step needs the one before it."""
    secrets_stay_out_of_git(team)
    ann, ben = team.founder, team.join("ben")
    ben.run("dvc", "pull", "--run-cache")
    assert ben.repro() == []
    for path in *IMAGES, *STATISTICS, PUBLISHED, "reports/index.html":
        assert ben.read(path) == ann.read(path)

    ben.edit_params(choose_mine)
    assert ben.repro() == AFTER_A_NEW_CHOICE
    ben.run("dvc", "push", "--run-cache")
    publish(ben, "Choose mine")

    ann.run("git", "pull", "--quiet")
    ann.run("dvc", "pull", "--run-cache")
    assert ann.repro() == []
    assert json.loads(ann.read(PUBLISHED)) == MINE
    diff = json.loads(ann.run("dvc", "metrics", "diff", "--json", "HEAD^", "HEAD"))
    std = diff["reports/published/metrics.json"]["preset.std.blue"]
    assert (std["new"], std["diff"]) == (3, 3 - std["old"])

    ann.run("dvc", "exp", "run", "--quiet", "--name=half", "--set-param=preset=half")
    ann.run("git", "checkout", "--quiet", ".")
    ann.run("dvc", "exp", "push", "origin", "half")
    ben.run("dvc", "exp", "pull", "origin", "half")
    ben.run("dvc", "exp", "apply", "half")
    assert json.loads(ben.read(PUBLISHED)) == {"mean": [0.5] * 3, "std": [0.5] * 3}
    assert ben.repro() == []


def test_a_preset_changes_without_the_images(team: Team) -> None:
    cleo = team.join("cleo")
    cleo.edit_params(choose_mine)
    assert cleo.repro("--pull", "--allow-missing") == AFTER_A_NEW_CHOICE
    assert json.loads(cleo.read(PUBLISHED)) == MINE
    images = {team.founder.read(path) for path in IMAGES}
    assert not any((cleo.path / path).exists() for path in IMAGES)
    cached = {path.read_bytes() for path in (cleo.path / ".dvc/cache").rglob("*") if path.is_file()}
    assert not images & cached


def secrets_stay_out_of_git(team: Team) -> None:
    ann = team.founder
    assert SECRET not in ann.run("git", "log", "--patch", "--all")
    config = (ann.path / ".dvc/config").read_text()
    assert "verify = true" in config
    own = ann.path / ".dvc/config.local"
    assert own.stat().st_mode & 0o777 == 0o600
    for name, value in team.remote.options.items():
        if name not in ("endpointurl", "port"):
            assert f"{name} = {value}" in own.read_text()
            assert f"{name} = " not in config
    assert ann.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def test_a_teammate_with_another_device_shares_the_entry(
    project: Project, tmp_path: Path, device: str
) -> None:
    """What one measured on a GPU, or in other batches, `dvc repro` of another takes as done."""
    project.edit_params(lambda params: params["measure"].update(device=device, batch_images=7))
    project.redo("measure")
    assert project.run("git", "diff", "dvc.lock") == ""
    with OPEN["folder"](tmp_path) as remote:
        ben = Team.found(project, tmp_path, remote).join("ben")
        ben.edit_params(lambda params: params["measure"].update(device="cpu", batch_images=4096))
        ben.run("dvc", "pull")
        assert ben.repro() == []
        ben.redo("measure")
        assert ben.run("git", "diff", "dvc.lock") == ""
        for path in STATISTICS:
            assert ben.read(path) == project.read(path)


@pytest.mark.parametrize(
    ("url", "options", "error"),
    [
        ("ssh://ann:secret@host/path", [], "the remote's URL holds a password"),
        ("no such folder", [], "no such folder: expected a folder that the team shares"),
        ("s3://bucket/path", ["endpoint=http://host"], "extra keys not allowed"),
        ("..", ["keyfile=key"], "extra keys not allowed"),
        ("..", ["url=/elsewhere"], "url is no option"),
        # DVC would make folders of these names.
        ("s3:/bucket/path", [], "the remote is neither a folder nor a URL"),
        ("s3:///bucket/path", [], "the remote is neither a folder nor a URL"),
        ("host:/srv/dvc", [], "the remote is neither a folder nor a URL"),
        # Git would track what is there.
        (".", [], ".: expected a folder outside of "),
        ("data", [], "data: expected a folder outside of "),
    ],
)
def test_a_refused_remote_leaves_the_config_as_it_was(
    project: Project, url: str, options: list[str], error: str
) -> None:
    said = project.run("python", "-m", "team.share", url, *options, expect=1)
    assert error in said
    assert "secret" not in said
    assert "Traceback" not in said
    assert project.run("git", "status", "--porcelain") == ""
    assert not (project.path / ".dvc/config.local").exists()


def test_settings_follow_no_link_and_only_their_owner_can_read_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".dvc").mkdir()
    CONFIG.write_text("[core]\n    analytics = false\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("before")
    for settings in CONFIG, LOCAL_CONFIG:
        Path(f"{settings}.partial").symlink_to(elsewhere)
    before = set(Path(".dvc").iterdir())
    write_config("s3://bucket/path", {"secret_access_key": SECRET})
    with edited(LOCAL_CONFIG) as content:
        assert content["remote"] == {"team": {"secret_access_key": SECRET}}
        [begun] = set(Path(".dvc").iterdir()) - {*before, LOCAL_CONFIG}
        assert SECRET in begun.read_text()
        assert begun.stat().st_mode & 0o777 == 0o600
    assert LOCAL_CONFIG.stat().st_mode & 0o777 == 0o600
    assert CONFIG.stat().st_mode & 0o777 != 0o600
    assert "analytics = false" in CONFIG.read_text()
    assert "s3://bucket/path" in CONFIG.read_text()
    assert SECRET not in CONFIG.read_text()
    assert elsewhere.read_text() == "before"
    assert set(Path(".dvc").iterdir()) == {*before, LOCAL_CONFIG}


def test_there_must_be_something_to_share(project: Project, tmp_path: Path) -> None:
    (project.path / STATISTICS[0]).unlink()
    said = project.run("python", "-m", "team.share", str(tmp_path), expect=1)
    assert said == f"error: {STATISTICS[0]}: nothing to share yet; run `dvc repro` first\n"


def test_a_secret_without_a_value_is_asked_for(project: Project) -> None:
    """It is read from the terminal, or, without one, from standard input."""
    share = "from team.share import _option; print(_option('secret_access_key'))"
    said = project.run("bash", "-c", f'echo secret | setsid python -c "{share}"')
    assert "('secret_access_key', 'secret')" in said


def test_a_missing_secret_is_an_error(project: Project) -> None:
    share = "python -m team.share s3://bucket/path secret_access_key"
    said = project.run("bash", "-c", f"setsid --wait {share} </dev/null", expect=1)
    assert said.endswith(
        "error: secret_access_key: expected its value from a terminal or on standard input, "
        "found neither\n"
    )
    assert "Traceback" not in said
