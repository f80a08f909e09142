"""What `make release` tags, what it refuses, and what other repositories take."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import Params, Project, random_images

ARTIFACTS = {
    "normalization": "reports/published/normalization.json",
    "statistics-train": "data/statistics/train.npz",
    "statistics-test": "data/statistics/test.npz",
    "shift": "reports/shift.json",
}


def release(project: Project, version: str) -> str:
    return project.run("python", "-m", "team.release", version)


def refused(project: Project, version: str = "v1.0.0") -> str:
    """The error that a release ends with; the tags stay as they were."""
    before = tags(project)
    printed = project.run("python", "-m", "team.release", version, expect=1)
    assert printed.startswith("error: ")
    assert "Traceback" not in printed
    assert tags(project) == before
    return printed


def tags(project: Project) -> list[str]:
    return project.run("git", "tag").split()


def share(project: Project, store: Path) -> Project:
    project.run("dvc", "remote", "add", "--quiet", "--default", "store", str(store))
    project.commit()
    project.run("dvc", "push", "--quiet")
    return project


@pytest.fixture
def shared(project: Project, tmp_path: Path) -> Project:
    """A project whose data is also on a remote."""
    return share(project, tmp_path / "store")


def test_a_release_tags_every_artifact_and_shares_all_tags_at_once(
    shared: Project, tmp_path: Path
) -> None:
    shared.use_this_environment()
    printed = shared.run("make", "release", "VERSION=v1.0.0").splitlines()
    expected = sorted(f"{name}@v1.0.0" for name in ARTIFACTS)
    assert sorted(tags(shared)) == expected
    head = shared.run("git", "rev-parse", "HEAD")
    for tag in expected:
        assert tag in printed
        assert shared.run("git", "cat-file", "-t", tag) == "tag\n"
        assert shared.run("git", "rev-parse", f"{tag}^{{commit}}") == head
    registry = json.loads(shared.run("gto", "show", "--json"))
    assert {name: found["version"] for name, found in registry.items()} == dict.fromkeys(
        ARTIFACTS, "v1.0.0"
    )
    shared.run("git", "init", "--quiet", "--bare", str(tmp_path / "origin"))
    shared.run("git", "remote", "add", "origin", str(tmp_path / "origin"))
    shared.run("bash", "-c", printed[-1].removeprefix("share them: "))
    assert sorted(shared.run("git", "--git-dir", str(tmp_path / "origin"), "tag").split()) == (
        expected
    )


def test_without_a_remote_a_release_says_that_only_files_of_git_can_be_taken(
    project: Project,
) -> None:
    assert "no default remote" in release(project, "v1.0.0")
    assert len(tags(project)) == len(ARTIFACTS)


def test_a_clone_without_data_can_release(shared: Project, tmp_path: Path) -> None:
    bare = shared.clone_to(tmp_path / "clone")
    assert "no default remote" not in release(bare, "v1.0.0")
    assert len(tags(bare)) == len(ARTIFACTS)
    assert not list(bare.path.glob("data/**/*.np[yz]"))


def edit_a_preset(project: Project) -> None:
    def darker(params: Params) -> None:
        params["presets"]["half"] = {"mean": [0.4, 0.4, 0.4], "std": [0.5, 0.5, 0.5]}

    project.edit_params(darker)


def switch_the_preset(project: Project) -> None:
    project.edit_params(lambda params: params.update(preset="imagenet"))


def tighten_a_limit(project: Project) -> None:
    project.edit_params(lambda params: params["limits"].update(psi=0.001))


def change_code(project: Project) -> None:
    with (project.path / "stages/normalize/results.py").open("a") as module:
        module.write("# a change\n")


def edit_a_report(project: Project) -> None:
    path = project.path / "reports/published/metrics.json"
    path.write_text(path.read_text().replace("0.", "1."))


def delete_a_report(project: Project) -> None:
    (project.path / "reports/published/metrics.json").unlink()


NORMALIZE = [
    f"normalize@{name}"
    for name in ("to_tensor", "half", "imagenet", "dataset_image_std", "dataset_pixel_std")
]


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        (edit_a_preset, ["validate", "normalize@half", "report"]),
        (switch_the_preset, ["validate", "report", "publish"]),
        (tighten_a_limit, ["validate", "check", "report"]),
        (change_code, NORMALIZE),
        (edit_a_report, ["publish"]),
        (delete_a_report, ["publish"]),
    ],
)
def test_a_change_that_is_not_reproduced_is_refused_with_data_and_without(
    project: Project, tmp_path: Path, change: Callable[[Project], None], stages: list[str]
) -> None:
    change(project)
    project.commit()
    named = f"`dvc repro` would run {', '.join(stages)}, and what follows from them. "
    assert named in refused(project)
    assert named in project.clone_to(tmp_path / "clone").run(".ci/fresh", expect=1)


def test_the_stages_that_fresh_names_are_the_ones_that_run(project: Project) -> None:
    edit_a_preset(project)
    switch_the_preset(project)
    printed = project.run(".ci/fresh", expect=1)
    assert "would run validate, normalize@half, report, publish, and what follows" in printed
    assert project.repro() == ["normalize@half", "report", "publish", "export"]
    assert project.run(".ci/fresh").startswith("fresh: ")


def test_a_lock_that_contradicts_itself_is_refused_without_data(
    project: Project, tmp_path: Path
) -> None:
    """As after a merge that took `measure` from one branch and the later stages from the other."""
    lock = yaml.safe_load(project.read("dvc.lock"))
    (measured,) = (
        out
        for out in lock["stages"]["measure@test"]["outs"]
        if out["path"] == "data/statistics/test.npz"
    )
    measured["md5"] = "0" * 32
    (project.path / "dvc.lock").write_text(yaml.safe_dump(lock))
    project.commit()
    printed = refused(project.clone_to(tmp_path / "clone"))
    for name, stage in lock["stages"].items():
        reads_it = any(dep["path"] == "data/statistics/test.npz" for dep in stage["deps"])
        assert (f" {name}, " in printed) == reads_it


def test_a_mistake_that_no_stage_depends_on_is_refused(project: Project) -> None:
    project.edit_params(lambda params: params["measure"].update(batch=17))
    project.commit()
    assert "measure.batch" in refused(project)


@pytest.mark.parametrize("name", ["README.md", "new folder/new file"])
def test_a_file_that_is_not_committed_is_refused(project: Project, name: str) -> None:
    (project.path / name).parent.mkdir(exist_ok=True)
    (project.path / name).write_text("a change")
    # A user's own setting must not hide the file.
    project.run("git", "config", "status.showUntrackedFiles", "no")
    printed = refused(project)
    assert name in printed
    assert "commit, restore or remove them" in printed


def test_data_that_was_not_pushed_is_refused(project: Project, tmp_path: Path) -> None:
    store = tmp_path / "store"
    project.run("dvc", "remote", "add", "--quiet", "--default", "store", str(store))
    project.commit()
    printed = refused(project)
    assert "the remote 'store' lacks data/" in printed
    assert "run `dvc push`" in printed
    project.run("dvc", "push", "--quiet")
    objects = [path for path in store.rglob("*") if path.is_file()]
    # Both splits have the same class names: two files, one object.
    assert f"({len(objects) + 1} missing in all)" in printed
    release(project, "v1.0.0")


def test_data_that_the_remote_lost_is_refused_though_dvc_says_it_is_there(
    shared: Project, tmp_path: Path
) -> None:
    digest = shared.run("md5sum", "data/cifar10/train/labels.npy")[:32]
    stored = tmp_path / "store/files/md5" / digest[:2] / digest[2:]
    stored.unlink()
    assert "Everything is up to date." in shared.run("dvc", "push")
    printed = refused(shared)
    assert "the remote 'store' lacks data/cifar10/train/labels.npy (1 missing in all)" in printed
    assert "see docs/versions.md" in printed
    # That page says to do this.
    shared.run("python", "-m", "team.audit", "--remove")
    shared.run("dvc", "push", "--quiet")
    release(shared, "v1.0.0")


def test_a_remote_that_does_not_answer_is_an_error(project: Project) -> None:
    project.run("dvc", "remote", "add", "--quiet", "--default", "store", "ssh://127.0.0.1:1/store")
    project.commit()
    printed = refused(project)
    assert "data status --not-in-remote" in printed


@pytest.mark.parametrize("version", ["", "1.0.0", "v1.0"])
def test_a_text_that_is_no_version_is_refused(project: Project, version: str) -> None:
    printed = refused(project, version)
    assert f"such as v1.0.0; got '{version}'" in printed


def test_an_older_version_and_a_second_one_of_a_commit_are_refused(project: Project) -> None:
    release(project, "v1.2.0")
    made = tags(project)
    printed = refused(project, "v1.3.0")
    assert "already registered in this commit with version 'v1.2.0'; no tag was made" in printed
    project.run("git", "commit", "--quiet", "--allow-empty", "--message=later")
    for version in ("v1.2.0", "v1.1.9", "v1.2.0-rc.1"):
        printed = refused(project, version)
        assert f"{version} is not newer than v1.2.0, the latest of normalization" in printed
    assert tags(project) == made
    release(project, "v1.10.0")


def test_if_one_tag_cannot_be_made_the_tags_before_it_are_deleted(project: Project) -> None:
    in_the_way = f"{list(ARTIFACTS)[-1]}@v1.0.0"
    project.run("git", "tag", in_the_way)
    printed = refused(project)
    assert in_the_way in printed
    assert "no tag was made" in printed
    assert tags(project) == [in_the_way]


def test_without_a_name_to_sign_with_there_is_no_release(project: Project) -> None:
    project.environment["GIT_COMMITTER_NAME"] = ""
    assert "Git user name and email must be configured" in refused(project)


Released = dict[str, dict[str, bytes]]


def release_contents(source: Project, version: str) -> dict[str, bytes]:
    release(source, version)
    return {name: source.read(path) for name, path in ARTIFACTS.items()}


@pytest.fixture(scope="module")
def released(
    reproduced: Project, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, Released]:
    """Two versions whose artifacts all differ, with the bytes; only the remote has their data."""
    source = reproduced.copy_to(tmp_path_factory.mktemp("released") / "normstats")
    share(source, source.path.parent / "store")
    before = release_contents(source, "v1.0.0")
    for seed, split in enumerate(("train", "test"), start=2):
        source.write_images(split, random_images(30, seed))
    source.run("dvc", "commit", "--force", "--quiet", "download")
    switch_the_preset(source)
    source.repro()
    source.commit()
    source.run("dvc", "push", "--quiet")
    after = release_contents(source, "v2.0.0")
    for name in ARTIFACTS:
        assert before[name] != after[name]
    source.run("rm", "-r", ".dvc/cache", "data/cifar10", "data/statistics")
    return source, {"v1.0.0": before, "v2.0.0": after}


@pytest.fixture
def training(tmp_path: Path) -> Project:
    """Another repository, of a team that trains."""
    training = Project(tmp_path / "training")
    training.path.mkdir()
    training.run("git", "init", "--quiet")
    training.run("dvc", "init", "--quiet")
    return training


@pytest.mark.parametrize("name", ARTIFACTS)
def test_dvc_artifacts_get(
    released: tuple[Project, Released], training: Project, name: str
) -> None:
    source, contents = released
    training.run("dvc", "artifacts", "get", str(source.path), name, "--rev", "v1.0.0")
    assert training.read(Path(ARTIFACTS[name]).name) == contents["v1.0.0"][name]


@pytest.mark.parametrize("dvc", ["teams/vision/.dvc", ".dvc"])
def test_a_release_from_a_folder_of_a_larger_repository_is_found(
    shared: Project, training: Project, tmp_path: Path, dvc: str
) -> None:
    """With `.dvc` in the folder of the project, and with one for the whole repository."""
    larger = Project(tmp_path / "larger", shared.environment)
    ours = Project(larger.path / "teams/vision", shared.environment)
    expected = {name: shared.read(path) for name, path in ARTIFACTS.items()}
    larger.path.joinpath("teams").mkdir(parents=True)
    shared.path.rename(ours.path)
    shutil.rmtree(ours.path / ".git")
    (ours.path / ".dvc").rename(larger.path / dvc)
    remote = f"url = {tmp_path / 'store'}"
    config = larger.path / dvc / "config"
    config.write_text(re.sub("url = .*", remote, config.read_text()))
    larger.run("git", "init", "--quiet")
    larger.commit()
    printed = release(ours, "v1.0.0").splitlines()
    for name, content in expected.items():
        assert f"teams/vision={name}@v1.0.0" in printed
        artifact = f"teams/vision:{name}"
        training.run("dvc", "artifacts", "get", str(larger.path), artifact, "--rev", "v1.0.0")
        assert training.read(Path(ARTIFACTS[name]).name) == content
    assert "v1.0.0 is not newer than v1.0.0" in refused(ours)


@pytest.mark.parametrize("name", ["normalization", "statistics-train"])
def test_dvc_get(released: tuple[Project, Released], training: Project, name: str) -> None:
    source, contents = released
    tag = f"{name}@v1.0.0"
    training.run("dvc", "get", str(source.path), ARTIFACTS[name], "--rev", tag, "--out", "taken")
    assert training.read("taken") == contents["v1.0.0"][name]


@pytest.mark.parametrize("name", ["shift", "statistics-test"])
def test_dvc_import_and_update(
    released: tuple[Project, Released], training: Project, name: str
) -> None:
    source, contents = released
    old, new = f"{name}@v1.0.0", f"{name}@v2.0.0"
    training.run("dvc", "import", str(source.path), ARTIFACTS[name], "--rev", old, "--out", "taken")
    assert training.read("taken") == contents["v1.0.0"][name]
    (dependency,) = yaml.safe_load(training.read("taken.dvc"))["deps"]
    commit_of_old = source.run("git", "rev-parse", f"{old}^{{commit}}").strip()
    assert dependency["repo"]["rev_lock"] == commit_of_old
    training.run("dvc", "update", "--rev", new, "taken.dvc")
    assert training.read("taken") == contents["v2.0.0"][name]


def test_dvc_api(released: tuple[Project, Released], training: Project) -> None:
    source, contents = released
    (training.path / "take.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "import dvc.api\n"
        "repo, text, binary = sys.argv[1:]\n"
        "read = dvc.api.read(text, repo=repo, rev='normalization@v1.0.0')\n"
        "Path('text').write_text(read)\n"
        "with dvc.api.open(binary, repo=repo, rev='statistics-train@v1.0.0', mode='rb') as file:\n"
        "    Path('binary').write_bytes(file.read())\n"
    )
    taken = {"text": "normalization", "binary": "statistics-train"}
    paths = [ARTIFACTS[name] for name in taken.values()]
    training.run("python", "take.py", str(source.path), *paths)
    for file, name in taken.items():
        assert training.read(file) == contents["v1.0.0"][name]


def test_the_statistics_come_from_the_remote(
    released: tuple[Project, Released], training: Project
) -> None:
    """Without the remote nothing is taken, so the tests above took nothing from this machine."""
    source, _ = released
    store = source.path.parent / "store"
    store.rename(store.with_name("away"))
    try:
        command = f"dvc artifacts get {source.path} statistics-train --rev v1.0.0"
        printed = training.run(*command.split(), expect=1)
    finally:
        store.with_name("away").rename(store)
    assert "failed to get 'statistics-train'" in printed
