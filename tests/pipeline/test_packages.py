"""The packages that pyproject.toml names, and the pins of these and of what they need."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomlkit.parse((ROOT / "pyproject.toml").read_text()).unwrap()["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = ROOT / "requirements.txt"
LOCKS = {extra: ROOT / f"requirements-{extra}.txt" for extra in EXTRAS}
MACHINES = [
    {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_machine": machine,
    }
    for python in ("3.10", "3.11", "3.12", "3.13")
    for system, machine in (("linux", "x86_64"), ("darwin", "arm64"), ("win32", "AMD64"))
]
Machine = dict[str, str]
machines = pytest.mark.parametrize("machine", MACHINES, ids=lambda m: "-".join(m.values()))


def versions(lines: list[str], machine: Machine) -> dict[str, str]:
    """The version of each package on a machine; each package must be pinned exactly once."""
    found: dict[str, str] = {}
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(machine):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            name = canonicalize_name(requirement.name)
            assert name not in found
            found[name] = pin.version
    return found


def locked(path: Path, machine: Machine) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return versions([line for line in lines if not line.startswith("#")], machine)


def with_extra(extra: str) -> list[str]:
    """What pyproject.toml names for an extra, and for the extras that it includes."""
    lines: list[str] = []
    for line in EXTRAS[extra]:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            lines += [of for taken in sorted(requirement.extras) for of in with_extra(taken)]
        else:
            lines.append(line)
    return lines


@machines
def test_the_lock_has_all_that_the_project_names(machine: Machine) -> None:
    named = versions(PROJECT["dependencies"], machine)
    assert named.items() < locked(LOCK, machine).items()


@machines
@pytest.mark.parametrize("extra", EXTRAS)
def test_the_lock_of_an_extra_has_its_packages_and_the_packages_of_the_project(
    extra: str, machine: Machine
) -> None:
    named = versions(with_extra(extra), machine)
    assert (named | locked(LOCK, machine)).items() <= locked(LOCKS[extra], machine).items()


@machines
def test_all_locks_have_the_same_version_of_a_package(machine: Machine) -> None:
    together: dict[str, str] = {}
    for path in LOCKS.values():
        pins = locked(path, machine)
        assert (together | pins) == (pins | together), path.name
        together |= pins


@machines
def test_the_example_in_training_takes_the_versions_of_the_tests(machine: Machine) -> None:
    example = locked(ROOT / "examples/training/requirements.txt", machine)
    assert example.items() < locked(LOCKS["test"], machine).items()


@pytest.mark.parametrize("path", [LOCK, *LOCKS.values()], ids=lambda path: path.name)
def test_no_lock_names_an_index_or_a_file(path: Path) -> None:
    assert not any(word in path.read_text() for word in ("://", "--index", "--find-links", " @ "))
