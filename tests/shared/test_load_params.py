"""`params.yaml` as text: DVC's YAML, and nothing that breaks the parser or takes it long."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.shared.load_params import load_params
from stages.shared.params import FixedPreset
from tests.conftest import ROOT

SHIPPED = (ROOT / "params.yaml").read_bytes()
# Ten lines that stand for 10^9 values.
BOMB = "a0: &a0 [1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
ALIAS = "not valid YAML: write the value itself, not an alias"
BAD_TEXTS = {
    "cut off": (b"preset: [half\n", "not valid YAML: .*line 2"),
    "a key twice": (SHIPPED + b"preset: half\n", "not valid YAML: .*duplicate key"),
    "not UTF-8": (b"preset: caf\xe9\n", "not valid YAML"),
    "a bomb": (BOMB.encode(), ALIAS),
    "a bomb that is used": (f"{BOMB}preset: *a9\n".encode(), ALIAS),
    "a loop": (b"preset: &a [*a]\n", ALIAS),
    "deep lists": (b"[" * 50000, "not valid YAML"),
    "deep mappings": (b"a: " + b"{b: " * 20000, "not valid YAML"),
    "no integer": (b"!!int ", "not valid YAML"),
    "no boolean": (b"!!bool ", "not valid YAML"),
    "long": (b"preset: half\n#" + b"x" * 2**17, "expected at most 131072 bytes, found 131086"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("text", "message"), BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_bad_text_is_refused(text: bytes, message: str) -> None:
    Path("params.yaml").write_bytes(text)
    with pytest.raises(ValueError, match=rf"(?s)params\.yaml.*{message}"):
        load_params()


def test_numbers_and_names_are_those_that_dvc_reads() -> None:
    """DVC reads YAML 1.2, where 010 is ten and `on` is a word."""
    Path("params.yaml").write_bytes(SHIPPED + b"  on: {mean: [0, 0, 0], std: [1, 010, 1e-3]}\n")
    assert load_params().presets["on"] == FixedPreset(mean=[0, 0, 0], std=[1, 10, 0.001])


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match="run from the repository's root"):
        load_params()
