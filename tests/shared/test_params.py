"""`params.yaml`: every mistake is named by its place, what was found and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from dvc.config_schema import REMOTE_SCHEMAS
from fsspec.registry import known_implementations

from stages.shared.load_params import load_params
from stages.shared.location import SCHEMES
from stages.shared.names import CHANNELS, Channel
from stages.shared.params import FittedPreset, FixedPreset, LimitedMeasure, Params
from tests.conftest import ROOT

NAN = float("nan")
DATASET = {
    "sources": ["npm"],
    "root": "data/cifar10",
    "splits": {"train": "train", "test": "test"},
    "download": ["cifar10"],
}
NUMBERS = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    content: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    return content


def load(params: Any) -> Params:
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return load_params()


def load_error(params: Any) -> str:
    with pytest.raises(ValueError, match=r"^edit params\.yaml:\n") as error:
        load(params)
    return str(error.value).removeprefix("edit params.yaml:\n  ")


BAD_PRESETS: list[tuple[Any, str]] = [
    ({"mean": [0, 0, 0]}, "mine.std: missing"),
    ({"std": [1, 1, 1]}, "mine.mean: missing"),
    ({"fit": "train"}, "mine.std: missing"),
    (None, "mine: expected keys with values, found None"),
    (NUMBERS | {"std": [1, "x", 1]}, "mine.std.1: expected a valid number, found 'x'"),
    (NUMBERS | {"std": [1, True, 1]}, "mine.std.1: expected a valid number, found True"),
    (NUMBERS | {"std": [1, None, 1]}, "mine.std.1: expected a valid number, found None"),
    (NUMBERS | {"std": 0.5}, "mine.std: expected a list, found 0.5"),
    (
        NUMBERS | {"std": [1, 1]},
        "mine.std: expected 1 number (gray) or 3 (red, green, blue), found [1.0, 1.0]",
    ),
    (NUMBERS | {"mean": [0] * 4}, "mine.mean: expected 1 number (gray) or 3 (red, green, blue),"),
    (NUMBERS | {"mean": []}, "mine.mean: expected 1 number (gray) or 3 (red, green, blue), found"),
    (
        NUMBERS | {"mean": [0]},
        "mine: expected as many numbers in mean as in std, found [0.0] and [0.4, 0.5, 0.6]",
    ),
    (NUMBERS | {"std": [1, 0, 1]}, "mine.std.1: expected greater than 0, found 0"),
    (NUMBERS | {"std": [1, -0.5, 1]}, "mine.std.1: expected greater than 0, found -0.5"),
    (NUMBERS | {"std": [1, NAN, 1]}, "mine.std.1: expected a finite number, found nan"),
    (NUMBERS | {"mean": [0, float("inf"), 0]}, "mine.mean.1: expected a finite number, found inf"),
    (NUMBERS | {"fit": "train"}, "mine.std: expected 'pixel' or 'image', found [0.4, 0.5, 0.6]"),
    (
        {"fit": "train", "std": "pixel", "mean": [0, 0, 0]},
        "mine.mean: unknown key; a preset has mean and std, or fit and std",
    ),
    ({"fit": "test", "std": "pixel"}, "mine.fit: expected 'train', found 'test'"),
    ({"fit": "train", "std": "batch"}, "mine.std: expected 'pixel' or 'image', found 'batch'"),
    (NUMBERS | {"sdt": 1}, "mine.sdt: unknown key"),
]


@pytest.mark.parametrize(("preset", "message"), BAD_PRESETS)
def test_a_bad_preset_is_refused(params: dict[str, Any], preset: Any, message: str) -> None:
    params["presets"]["mine"] = preset
    assert load_error(params).startswith(f"presets.{message}")


BAD_SECTIONS: list[tuple[str, Any, str]] = [
    ("presets", {}, "presets: expected at least one, found {}"),
    ("presets", {"a b": NUMBERS}, "presets.a b: expected a name of letters"),
    ("presets", {"../up": NUMBERS}, "presets.../up: expected a name of letters"),
    ("preset", "nope", "preset: expected one of to_tensor, half, imagenet, dataset_image_std,"),
    ("preset", None, "preset: expected a valid string, found None"),
    ("prests", {}, "prests: unknown key; remove it or correct its name"),
    ("measure", {"devise": "cpu"}, "measure.devise: unknown key; remove it or correct its name"),
    ("measure", {"engine": "dask"}, "measure.engine: expected 'local' or 'ray', found 'dask'"),
    ("measure", {"ray_address": "ray://a:1"}, "measure.ray_address: expected auto, or host:port"),
    ("measure", {"device": "gpu"}, "measure.device: expected auto, cpu, mps, cuda or a numbered"),
    ("measure", {"batch_images": 0}, "measure.batch_images: expected greater than 0, found 0"),
    ("measure", {"batch_images": -1}, "measure.batch_images: expected greater than 0, found -1"),
    ("measure", {"batch_images": 2.5}, "measure.batch_images: expected a valid integer, found 2.5"),
    ("measure", None, "measure: expected keys with values, found None"),
    ("dataset", DATASET | {"sources": []}, "dataset.sources: expected at least one, found []"),
    ("dataset", DATASET | {"sources": "npm"}, "dataset.sources: expected a list, found"),
    ("dataset", {}, "dataset.root: missing"),
    *(
        (
            "dataset",
            DATASET | {"max_pixels": number},
            f"dataset.max_pixels: expected {expected}, found {number!r}",
        )
        for number, expected in (
            (0, "greater than 0"),
            (2**32, "less than or equal to 4294967295"),
            (1e9, "a valid integer"),
            (True, "a valid integer"),
            (None, "a valid integer"),
        )
    ),
    ("dataset", DATASET | {"root": ""}, "dataset.root: expected String should have at least 1"),
    (
        "dataset",
        DATASET | {"root": "~/photos"},
        "dataset.root: expected a path or a URL, found '~/photos': DVC takes ~ for ",
    ),
    (
        "dataset",
        DATASET | {"root": "file:///srv/photos"},
        "dataset.root: expected a path or a URL of a server, found 'file:///srv/photos': "
        "write /srv/photos",
    ),
    *(
        ("dataset", DATASET | {"root": root}, "dataset.root: expected a path, or a URL of gdrive:")
        for root in ("hf://datasets/a/b", "az://c/b", "gcs://b", "S3://b", "s3:/b", "remote://a/b")
    ),
    ("dataset", DATASET | {"download": ["mnits"]}, "dataset.download.0: expected 'cifar10', "),
    (
        "dataset",
        DATASET | {"splits": {"train": "a", "test": "../b"}},
        "dataset.splits.test: expected the name of a folder in dataset.root, found '../b'",
    ),
    (
        "dataset",
        DATASET | {"splits": {"train": "a", "test": "a"}},
        "dataset.splits: expected two folders, found 'a' for both",
    ),
    ("dataset", DATASET | {"timeout_seconds": 0}, "dataset.timeout_seconds: expected greater tha"),
    (
        "compare",
        {"permutations": 18},
        "compare.permutations: expected greater than or equal to 19, found 18",
    ),
    ("compare", {"permutations": 99.5}, "compare.permutations: expected a valid integer, found"),
    ("compare", {"seed": -1}, "compare.seed: expected greater than or equal to 0, found -1"),
    ("limits", {"overlap": 1}, "limits: unknown name 'overlap'; expected one of 'mean_levels',"),
    ("limits", {"psi": {"cyan": 1}}, "limits.psi: unknown name 'cyan'; expected one of 'gray',"),
    ("limits", {"psi": {}}, "limits.psi: expected at least one, found {}"),
    *(
        ("limits", {"psi": limit}, "limits.psi: expected a number from 0, or such numbers by chan")
        for limit in (-1, NAN, "0.1", True, [0.1])
    ),
    ("limits", {"psi": float("inf")}, "limits.psi: expected a finite number, found inf"),
    ("limits", {"std_ratio": {"gray": 0.9}}, "limits: std_ratio: expected at least 1, as it"),
    ("limits", {"psi": {"red": -1}}, "limits.psi.red: expected greater than or equal to 0, found"),
    ("limits", {"std_ratio": 0.9}, "limits: std_ratio: expected at least 1, as it bounds"),
    ("limits", [0.1], "limits: expected keys with values, found [0.1]"),
]


@pytest.mark.parametrize(("section", "content", "message"), BAD_SECTIONS)
def test_a_bad_section_is_refused(
    params: dict[str, Any], section: str, content: Any, message: str
) -> None:
    params[section] = content
    assert load_error(params).startswith(message)


def test_every_mistake_is_named_at_once(params: dict[str, Any]) -> None:
    params["measure"] = {"device": "gpu", "batch_images": 0}
    assert [line.split(":")[0] for line in load_error(params).split("\n  ")] == [
        "measure.device",
        "measure.batch_images",
    ]


@pytest.mark.parametrize("content", [[], "text", None])
def test_a_file_that_is_not_a_mapping_is_refused(params: dict[str, Any], content: Any) -> None:
    assert load_error(content).startswith("expected keys with values, found")


@pytest.mark.parametrize(
    "root",
    ["data/photos", "/srv/photos", "../a: b", "./~a", "s3://b/photos", "gs://b", "ssh://h/p"],
)
def test_paths_and_urls_that_dvc_takes_are_roots(params: dict[str, Any], root: str) -> None:
    params["dataset"]["root"] = root
    assert load(params).dataset.root == root


def test_the_schemes_are_those_that_dvc_and_fsspec_know_by_one_name() -> None:
    assert set(SCHEMES) == REMOTE_SCHEMAS.keys() & known_implementations.keys()


def test_an_error_is_short_whatever_is_in_the_file(params: dict[str, Any]) -> None:
    params["preset"] = params["measure"]["device"] = "x" * 10_000
    params |= {f"{number}{'y' * 1000}": 1 for number in range(50)}
    error = load_error(params)
    assert len(error) < 10_000
    assert error.endswith("\n  and 31 more")


def test_the_shipped_params_are_read_as_they_are_written(params: dict[str, Any]) -> None:
    loaded = load(params)
    assert (loaded.preset, loaded.measure.device) == ("dataset_pixel_std", "auto")
    assert loaded.presets["half"] == FixedPreset(mean=[0.5] * 3, std=[0.5] * 3)
    assert loaded.presets["dataset_image_std"] == FittedPreset(fit="train", std="image")


def test_a_limit_is_of_every_channel_or_of_some(params: dict[str, Any]) -> None:
    params["limits"] = {"psi": 0, "mean_levels": {"red": 1, "blue": 2.5}}
    assert load(params).limits == params["limits"]


def test_limits_that_are_all_commented_out_are_none(params: dict[str, Any]) -> None:
    params["limits"] = None
    assert load(params).limits == {}


def test_every_measure_that_may_be_limited_is_in_the_report() -> None:
    shift = json.loads((ROOT / "reports/shift.json").read_text())
    for measure in get_args(LimitedMeasure):
        assert list(shift[measure]) == ["red", "green", "blue"]


def test_limits_are_of_the_channels_that_images_may_have() -> None:
    assert get_args(Channel) == (*CHANNELS[1], *CHANNELS[3])


def test_a_preset_of_gray_images_has_one_number(params: dict[str, Any]) -> None:
    params["presets"]["mine"] = {"mean": [0.1307], "std": [0.3081]}
    assert load(params).presets["mine"] == FixedPreset(mean=[0.1307], std=[0.3081])


def test_what_has_a_default_may_be_left_out(params: dict[str, Any]) -> None:
    for optional in ("sources", "timeout_seconds", "minimum_bytes_per_second"):
        del params["dataset"][optional]
    for section in ("measure", "compare", "limits"):
        del params[section]
    assert load(params).measure.batch_images == 4096
