"""A user's mistake ends in exit code 1 and one readable error; a good result stays as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.download.ready_made.cifar10 import ARCHIVE, OFFICIAL
from stages.images.arrays import OWN
from stages.shared.cache import cache_folder
from tests.conftest import STAGES, Params, Project, random_images, small_disk_works
from tests.sources import Sample, Server


def error_of(project: Project, stage: str, *arguments: str) -> str:
    """The error of a stage that fails, as a user sees it; no result has changed."""
    results = [project.path / folder for folder in ("data/exports", "data/statistics", "reports")]
    files = [path for folder in results for path in folder.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    output = project.stage(stage, *arguments, expect=1)
    assert "Traceback" not in output
    assert {path: path.read_bytes() for path in files} == before
    assert [path for folder in results for path in folder.rglob("*") if path.is_file()] == files
    _, _, error = output.rpartition("error: ")
    return error.strip()


HALF = {"mean": [0.5], "std": [0.5]}

BAD_PARAMS: list[tuple[str, Callable[[Params], object], str]] = [
    (
        "validate",
        lambda params: params.update(preset="nope"),
        "preset: expected one of to_tensor, half, imagenet, dataset_image_std, dataset_pixel_std, "
        "found 'nope'",
    ),
    (
        "publish",
        lambda params: params.update(preset="nope"),
        "preset: expected one of to_tensor, half, imagenet, dataset_image_std, dataset_pixel_std, "
        "found 'nope'",
    ),
    (
        "normalize half",
        lambda params: params["presets"]["half"].update(std=[0.5, 0, 0.5]),
        "presets.half.std.1: expected greater than 0, found 0",
    ),
    (
        "measure train",
        lambda params: params["measure"].update(batch_images=0),
        "measure.batch_images: expected greater than 0, found 0",
    ),
    (
        "compare",
        lambda params: params["compare"].update(permutations=9),
        "compare.permutations: expected greater than or equal to 19, found 9",
    ),
    (
        "check",
        lambda params: params["limits"].update(psy=0.1),
        "limits: unknown name 'psy'; expected one of 'mean_levels', 'mean_stds', 'std_ratio', "
        "'wasserstein_levels', 'wasserstein_stds', 'kolmogorov_smirnov', 'jensen_shannon_bits', "
        "'psi', 'total_variation', 'image_mean_cohens_d' or 'image_std_cohens_d'",
    ),
    (
        "download",
        lambda params: params["dataset"].update(sources=[]),
        "dataset.sources: expected at least one, found []",
    ),
]


@pytest.mark.parametrize(("command", "change", "message"), BAD_PARAMS)
def test_bad_params_stop_a_stage(
    project: Project, command: str, change: Callable[[Params], object], message: str
) -> None:
    project.edit_params(change)
    assert error_of(project, *command.split()) == f"edit params.yaml:\n  {message}"


def test_a_preset_of_gray_images_is_refused_for_colour_images(project: Project) -> None:
    mnist = {"mean": [0.1307], "std": [0.3081]}
    project.edit_params(lambda params: params["presets"].update(mnist=mnist))
    assert error_of(project, "normalize", "mnist") == (
        "presets.mnist in params.yaml: expected 3 numbers (red, green, blue) in mean and in std, "
        "one for each channel of the images, found 1; write 3 numbers, or remove the preset"
    )


SHELL = "; touch touched"

MISTAKES: list[tuple[Callable[[Params], object], str]] = [
    (lambda params: params["presets"]["half"].update(fit="test"), "presets.half.fit: expected"),
    (lambda params: params.update(preset="nope"), "preset: expected one of to_tensor, half,"),
    # These would reach a shell.
    (lambda params: params["presets"].update({f"x{SHELL}": HALF}), "presets.x; touch touched:"),
    (lambda params: params["dataset"]["download"].append(SHELL), "dataset.download.1: expected"),
    (lambda params: params["dataset"]["splits"].update({SHELL: "x"}), "dataset.splits.; touch"),
    # DVC would delete what is there.
    (lambda params: params["dataset"].update(download=["own"]), "dataset.download.0: expected"),
    (lambda params: params["dataset"].update(download=["../../own"]), "dataset.download.0: "),
    # DVC cannot hash such keys beside others, and makes no stage from them.
    (lambda params: params["presets"].update({1e3: HALF}), "presets.1000.0: expected a name of"),
    (lambda params: params["presets"].update({None: HALF}), "presets.None: expected a name of"),
    (lambda params: params["limits"].update({12: 0.1}), "limits: unknown name 12; expected one"),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_repro_does_nothing_for_a_mistake_in_params(
    project: Project, change: Callable[[Params], object], message: str
) -> None:
    images = [project.path / place / "own/train/image.png" for place in ("data", "..")]
    for image in images:
        image.parent.mkdir(parents=True)
        image.touch()
    project.edit_params(change)
    before = project.run("git", "status", "--porcelain", "--ignored")
    output = project.run("dvc", "repro", expect=255)
    assert f"error: edit params.yaml:\n  {message}" in output
    assert "failed to reproduce 'validate'" in output
    assert "took away" not in output
    assert "Traceback" not in output
    assert project.run("git", "status", "--porcelain", "--ignored") == before
    assert all(image.exists() for image in images)


def test_outputs_that_dvc_deletes_before_a_failing_stage_come_back(project: Project) -> None:
    project.edit_params(lambda params: params["presets"].update(half=HALF))  # of gray images
    output = project.run("dvc", "repro", expect=255)
    assert "failed to reproduce 'normalize@half'" in output
    assert "it back once the cause is mended" in output
    assert not (project.path / "reports/presets/half/metrics.json").exists()
    project.run("git", "checkout", "--quiet", "params.yaml")
    assert project.repro() == []
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("stage", [*STAGES, "identify"])
def test_help_runs_nothing(project: Project, stage: str) -> None:
    shutil.rmtree(project.path / "data")
    assert f"python -m stages.{stage}" in " ".join(project.stage(stage, "--help").split())
    assert not (project.path / "data").exists()


def test_make_names_an_unknown_key(project: Project) -> None:
    """No stage depends on such a key, so `dvc repro` alone would run nothing and succeed."""
    project.use_this_environment()
    assert project.repro() == []
    project.edit_params(lambda params: params.update(prests={}))
    output = project.run("make", expect=2)
    assert "prests: unknown key; remove it or correct its name" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("device", ["cuda:99", "mps"])
def test_an_absent_device_is_named(project: Project, device: str) -> None:
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("mps is on this machine")
    project.edit_params(lambda params: params["measure"].update(device=device))
    error = error_of(project, "measure", "train")
    assert error.startswith(f"measure.device in params.yaml: '{device}' is not on this machine; ")
    assert "expected one of auto, " in error


def test_an_unknown_preset_is_named(project: Project) -> None:
    assert error_of(project, "normalize", "nope") == (
        "no preset 'nope' in params.yaml; expected one of to_tensor, half, imagenet, "
        "dataset_image_std, dataset_pixel_std"
    )


def test_bad_images_are_named(project: Project) -> None:
    project.write_images("train", random_images(4, seed=0).astype(np.float32))
    assert error_of(project, "measure", "train") == (
        "data/cifar10/train/images.npy: expected a C-contiguous uint8 array of shape (N, 1 or 3, "
        f"H, W), N > 0, found float32 (4, 3, 8, 8); {OWN}"
    )


def test_damaged_and_missing_statistics_are_named(project: Project) -> None:
    path = project.path / "data" / "statistics" / "test.npz"
    path.write_bytes(path.read_bytes()[:-100])
    error = error_of(project, "normalize", "half")
    assert error.startswith("data/statistics/test.npz: damaged statistics (")
    assert error.endswith("; delete it and run `dvc repro measure@test`")
    path.unlink()
    assert error_of(project, "normalize", "half") == (
        "data/statistics/test.npz: no statistics there; run `dvc repro measure@test`"
    )


def test_images_that_are_flat_but_differ_have_no_image_std_to_fit(project: Project) -> None:
    levels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    project.write_images("train", np.broadcast_to(levels, (4, 3, 8, 8)))
    project.stage("measure", "train")
    error = error_of(project, "normalize", "dataset_image_std")
    assert "expected positive stds, got [0.0, 0.0, 0.0]" in error


def test_a_preset_that_was_not_run_cannot_be_published(project: Project) -> None:
    shutil.rmtree(project.path / "reports" / "presets" / "half")
    project.edit_params(lambda params: params.update(preset="half"))
    assert error_of(project, "publish") == (
        "reports/presets/half/distribution.json: not there; run `dvc repro`"
    )


def test_labels_that_do_not_match_the_images_are_named(project: Project) -> None:
    np.save(project.path / "data/cifar10/test/labels.npy", np.zeros(7, np.uint8))
    assert error_of(project, "measure", "test") == (
        "data/cifar10/test/labels.npy: expected an integer for each of 20 images, found uint8 "
        f"(7,); {OWN}"
    )
    (project.path / "data/cifar10/test/labels.npy").unlink()
    assert error_of(project, "measure", "test").startswith(
        "data/cifar10/test/labels.npy: no labels there"
    )


def test_images_that_were_not_measured_cannot_be_compared(project: Project) -> None:
    project.write_images("test", random_images(20, seed=3))
    assert error_of(project, "compare") == (
        "the statistics are of other images; run `dvc repro measure`"
    )


def test_a_damaged_or_missing_report_is_named(project: Project) -> None:
    (project.path / "reports/shift.json").write_text('{"mean_levels"')
    error = error_of(project, "check")
    assert error.startswith("reports/shift.json: damaged (Invalid JSON: EOF while parsing")
    assert error.endswith("; delete it and run `dvc repro`")
    (project.path / "reports/shift.json").unlink()
    assert error_of(project, "check") == "reports/shift.json: not there; run `dvc repro`"


@pytest.mark.parametrize(
    ("stage", "report", "content"),
    [
        ("check", "shift.json", "{}"),
        ("check", "shift.json", "[]"),
        ("publish", "check.json", '{"passed": true}'),
        ("publish", "presets/dataset_pixel_std/distribution.json", "[]"),
    ],
)
def test_a_report_with_missing_parts_is_named(
    project: Project, stage: str, report: str, content: str
) -> None:
    (project.path / "reports" / report).write_text(content)
    error = error_of(project, stage)
    assert error.startswith(f"reports/{report}: damaged (")
    assert error.endswith("; delete it and run `dvc repro`")


def test_pictures_are_not_shown_with_statistics_of_other_images(project: Project) -> None:
    statistics = project.path / "data" / "statistics"
    shutil.copy(statistics / "train.npz", statistics / "test.npz")
    assert error_of(project, "sample") == (
        "the statistics of the test split are of 60 images, not of the 20 that are there; "
        "run `dvc repro measure`"
    )


def test_nothing_is_published_while_a_limit_is_broken(project: Project) -> None:
    project.edit_params(lambda params: params["limits"].update(psi=0))
    kept = project.read("reports/check.json")
    verdict = project.stage("check", expect=1)
    assert verdict.startswith("error: 3 of 9 limits are broken")
    assert project.read("reports/check.json") == kept
    project.stage("check", "--record")
    assert project.stage("publish", expect=1) == verdict
    assert not (project.path / "reports/published").exists()
    assert not (project.path / "data/exports").exists()


def test_constants_that_a_library_would_silently_change_are_not_exported(project: Project) -> None:
    half = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 1e-10, 0.5]}
    path = project.path / "reports" / "published" / "normalization.json"
    path.write_text(json.dumps(half))
    assert error_of(project, "export") == (
        "the published preset cannot be exported: expected means from -1e+09 to 1e+09 and stds "
        "from 1e-09 to 1e+09, which every library can apply in float32, got mean [0.5, 0.5, 0.5], "
        "std [0.5, 1e-10, 0.5]; edit it in params.yaml"
    )


STARTED = [
    *((f"stages.{stage}", "import argparse") for stage in [*STAGES, "adopt", "identify"]),
    *((f"team.{command}", "import argparse") for command in ("audit", "fresh", "release", "share")),
    ("stages.compare", "import torch"),
    ("stages.validate", "os.rename reports/"),
]


def test_a_ctrl_c_ends_in_one_line_whenever_it_comes(project: Project, tmp_path: Path) -> None:
    """While a command imports what it needs, and while it works."""
    (tmp_path / "sitecustomize.py").write_text("""
import os, signal, sys
def interrupt(event, arguments):
    if f"{event} {(*arguments, '')[0]}".startswith(os.environ["AT"]):
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(interrupt)
""")
    for module, at in STARTED:
        project.environment |= {"PYTHONPATH": str(tmp_path), "AT": at}
        assert project.run("python", "-m", module, expect=1) == "interrupted\n", (module, at)
    assert project.run("git", "status", "--porcelain") == ""
    assert not list(project.path.glob("reports/*.partial"))


@pytest.mark.skipif(not small_disk_works(), reason="no small disk can be mounted here")
@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("download", "data/cifar10"),
        ("measure train", "data/statistics"),
        ("normalize half", "reports/presets/half"),
    ],
)
def test_a_full_disk_is_named_and_leaves_the_old_result(
    project: Project, command: str, folder: str
) -> None:
    """On a real disk of 40 kB, which has room for the old result but not for a second one."""
    script = f"""
        set -e
        cp -r {folder} kept
        mount -t tmpfs -o size=40k tmpfs {folder}
        echo before >{folder}/train.npz
        echo before >{folder}/distribution.json
        head -c 28000 /dev/zero >{folder}/ballast
        set +e
        python -m stages.{command}
        echo "exit code $?"
        ls {folder}
        cat {folder}/train.npz {folder}/distribution.json
    """
    output = project.run("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
    assert "error: [Errno 28] No space left on device" in output
    assert "; free some space and run again" in output
    assert "exit code 1" in output
    assert "Traceback" not in output
    assert output.endswith("before\nbefore\n")
    assert ".partial" not in output


def use_sources(project: Project, *sources: str, timeout_seconds: float = 20) -> None:
    dataset = {
        "sources": list(sources),
        "timeout_seconds": timeout_seconds,
        "minimum_bytes_per_second": 1,
    }
    project.edit_params(lambda params: params["dataset"].update(dataset))


def test_when_every_source_fails_each_is_listed_with_its_reason(
    project: Project, server: Server, tmp_path: Path
) -> None:
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    before = project.read("data/cifar10/train/images.npy")
    use_sources(project, server.url("failing"), "/no/such/folder", server.url("well"))
    lines = error_of(project, "download").splitlines()
    assert lines[0] == "no source of dataset.sources in params.yaml serves CIFAR-10:"
    assert lines[1].startswith(f"  {server.url('failing')}: 500 Server Error")
    assert lines[2] == (
        "  /no/such/folder: neither a file, a folder nor one of zenodo, toronto, npm"
    )
    # A complete download, but not the official archive.
    assert lines[3].startswith(f"  {server.url('well')}: SHA256 hash of downloaded file")
    assert lines[4].startswith("To go on: `dvc pull` from your team's remote, or put the path of")
    assert project.read("data/cifar10/train/images.npy") == before


def test_after_a_bad_source_the_next_is_tried_and_one_line_says_so(
    project: Project, server: Server, sample: Sample, tmp_path: Path
) -> None:
    digests = (
        "from stages.download.ready_made import cifar10\n"
        f"cifar10.OFFICIAL = cifar10.{sample.digests!r}\n"
        "cifar10.read_source.__defaults__ = (cifar10.OFFICIAL,)\n"
        "from stages.download.__main__ import main\n"
        "from stages.shared import entry\nentry.run(lambda: main('cifar10'))\n"
    )
    project.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    use_sources(project, server.url("flipped"), server.url("well"))
    output = project.run("python", "-c", digests)
    left = [line for line in output.splitlines() if line.startswith("download: left")]
    assert len(left) == 1
    assert left[0].startswith(f"download: left {server.url('flipped')}: SHA256 hash")
    images = np.load(project.path / "data/cifar10/train/images.npy")
    np.testing.assert_array_equal(images, sample.splits["train"].images)


def test_a_killed_download_leaves_nothing_and_runs_again(
    checkout: Project, server: Server, tmp_path: Path, cifar10: object
) -> None:
    project = checkout.copy_to(tmp_path / "normstats")
    cache = tmp_path / "cache" / "normstats"
    project.environment["XDG_CACHE_HOME"] = str(cache.parent)
    use_sources(project, server.url("stuck"))
    command = [sys.executable, "-m", "stages.download"]
    with subprocess.Popen(command, cwd=project.path, env=project.environment) as download:
        server.half_sent.wait()
        download.kill()
    assert download.returncode == -9
    assert not (cache / ARCHIVE).exists()
    assert not list(project.path.glob("data/cifar10/*/*.npy"))

    # A copy of the archive of the real images saves a second download.
    for archive in cache_folder().glob("*.t*gz"):
        shutil.copy(archive, cache)
    project.run("git", "checkout", "--quiet", "params.yaml")
    project.run("dvc", "repro", "--quiet", "download")
    images = np.load(project.path / "data/cifar10/train/images.npy")
    assert hashlib.sha256(images).hexdigest() == OFFICIAL.images["train"]
