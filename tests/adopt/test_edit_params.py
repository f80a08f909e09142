"""After any adoptions, params.yaml is valid and has the form that DVC writes."""

from __future__ import annotations

import difflib
from itertools import permutations
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from stages.adopt.edit_params import Choice, edit_params
from stages.shared.load_params import PARAMS, load_params
from stages.shared.params import FixedPreset
from tests.conftest import ROOT

USUAL = {"train": "train", "test": "test"}
CHOICES = {
    "photos": Choice(Path("data/my photos"), {"train": "train", "test": "val"}, 3),
    "scans": Choice(Path("/srv/scans: 'old', #2"), USUAL, 1),
    "cifar10": Choice(Path("data/cifar10"), USUAL, 3, download="cifar10"),
    "mnist": Choice(Path("data/mnist"), USUAL, 1, download="mnist"),
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The text of the committed params.yaml, copied to an empty working folder."""
    monkeypatch.chdir(tmp_path)
    content = (ROOT / "params.yaml").read_text()
    PARAMS.write_text(content)
    return content


def changed_by_dvc(before: str, override: str) -> list[str]:
    """The lines that `dvc exp run --set-param` changes, as a diff."""
    PARAMS.write_text(before)
    apply_overrides(PARAMS, [override])
    after = PARAMS.read_text()
    PARAMS.write_text(before)
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def comments(content: str) -> list[str]:
    return [line.partition(" # ")[2] for line in content.splitlines() if " # " in line]


@pytest.mark.parametrize(
    "override",
    ["preset=half", "dataset.resize=224", "compare.seed=1", "presets.imagenet.std=[0.2,0.2,0.2]"],
)
def test_set_param_changes_one_line(written: str, override: str) -> None:
    removed, added = changed_by_dvc(written, override)
    key = override.partition("=")[0].split(".")[-1]
    assert (removed[0], added[0]) == ("-", "+")
    assert key in removed
    assert key in added


def test_after_any_three_adoptions_params_are_valid_as_dvc_writes_them(written: str) -> None:
    def adopt(before: str, after: tuple[str, ...]) -> None:
        for name, choice in CHOICES.items():
            PARAMS.write_text(before)
            content = edit_params(choice)[0].decode()
            PARAMS.write_text(content)
            dataset = load_params().dataset
            assert dataset.root == choice.root.as_posix()
            assert dataset.splits.model_dump() == choice.splits
            assert dataset.download == [choice.download] * (choice.download is not None)
            assert load_params().presets["half"] == FixedPreset(
                mean=[0.5] * choice.channels, std=[0.5] * choice.channels
            )
            assert comments(content) == comments(written)
            assert len(changed_by_dvc(content, "preset=half")) == 2, content
            if len(after) < 2:
                adopt(content, (*after, name))

    adopt(written, ())


@pytest.mark.parametrize(
    "download",
    [
        "  download: [cifar10]    # beside\n",
        "  download:    # beside\n  - cifar10\n",
        "  download: # beside\n    # below\n    - cifar10   # the usual one\n",
        "  download: []    # beside\n",
    ],
)
def test_lists_as_users_write_them_are_adopted_too(written: str, download: str) -> None:
    above = "  # What is fetched into data/; [] for images of your own.\n"
    own = written.replace(f"{above}  download:\n  - cifar10\n", download)
    assert own != written
    for first, second in permutations(CHOICES, 2):
        PARAMS.write_text(own)
        for name in (first, second):
            PARAMS.write_bytes(edit_params(CHOICES[name])[0])
            assert load_params().dataset.root == CHOICES[name].root.as_posix()


def test_an_edit_that_would_break_the_file_is_refused(written: str) -> None:
    PARAMS.write_text(written.replace("  download:\n", "  download:\n  # between\n"))
    with pytest.raises(ValueError, match=r"params\.yaml is as it was: the edit would"):
        edit_params(CHOICES["photos"])
