"""Tag every artifact of dvc.yaml with one version: `python -m team.release v1.0.0`.

It refuses a version that others could not take or reproduce. Either all tags are made or none.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from dvc.repo import Repo
from dvc.scm import SCMError, map_scm_exception
from gto.exceptions import GTOException
from gto.registry import GitRegistry
from gto.versions import SemVer

from stages.shared import entry
from team.fresh import check_fresh

DVC = sys.executable, "-m", "dvc"


def main(version: str) -> None:
    check_committed()
    check_fresh()
    artifacts = artifact_names()
    check_newer(version, artifacts)
    remote = output(*DVC, "config", "core.remote").strip()
    if remote:
        check_pushed(remote)
    tags = tag(version, artifacts)
    print(*tags, sep="\n")
    if not remote:
        print("no default remote (`dvc remote add --default`): only Git's files can be taken")
    print(f"share them: git push --atomic origin {' '.join(tags)}")


def check_committed() -> None:
    """ValueError naming the files that differ from the commit, which is what the tags name."""
    changes = output("git", "status", "--porcelain", "--untracked-files=all")
    if changes:
        raise ValueError(
            f"a version is a commit, and these files are not as committed:\n{changes}"
            "commit, restore or remove them"
        )


def artifact_names() -> list[str]:
    """The names for GTO. In a folder of a larger repository they start with that folder."""
    here = Path.cwd()
    with Repo() as repo:
        names = repo.artifacts.read()[str(here.relative_to(repo.root_dir) / "dvc.yaml")]
        folder = here.relative_to(repo.scm.root_dir).as_posix()
    return [name if folder == "." else f"{folder}:{name}" for name in names]


def check_newer(version: str, artifacts: list[str]) -> None:
    """ValueError if it is no version, or not newer than the latest of every artifact."""
    if not SemVer.is_valid(version):
        raise ValueError(f"a version is v<major>.<minor>.<patch>, such as v1.0.0; got '{version}'")
    with GitRegistry.from_url(".") as registry:
        for name in artifacts:
            artifact = registry.find_artifact(name, create_new=True)
            latest = artifact.get_latest_version(registered_only=True)
            if latest and not SemVer(latest.version) < SemVer(version):
                raise ValueError(
                    f"{version} is not newer than {latest.version}, the latest of {name}; "
                    "choose a newer one"
                )


def check_pushed(remote: str) -> None:
    """ValueError if the remote lacks any data. It is asked for each file.

    `dvc status --cloud` is not enough: it compares the remote with the local cache, and if the list
    of a folder is there, it assumes that the files are too.
    """
    status = output(*DVC, "data", "status", "--not-in-remote", "--granular", "--json")
    missing = json.loads(status).get("not_in_remote")
    if missing:
        raise ValueError(
            f"the remote '{remote}' lacks {missing[0]} ({len(missing)} missing in all), so nobody "
            "could take the version; run `dvc push` where `dvc repro` ran, and if it finds "
            "nothing to push, see docs/versions.md"
        )


def tag(version: str, artifacts: list[str]) -> list[str]:
    """Tag each artifact at the commit that is checked out; the names of the tags."""
    tags = []
    try:
        with GitRegistry.from_url(".") as registry, map_scm_exception(), ExitStack() as take_back:
            for name in artifacts:
                made = registry.register(name, "HEAD", version=version, simple=True).tag
                take_back.callback(output, "git", "tag", "--delete", made)
                tags.append(made)
            take_back.pop_all()
    except (GTOException, SCMError) as error:
        raise ValueError(f"{error}; no tag was made") from error
    return tags


def output(*command: str) -> str:
    """What a command prints; ValueError with its output if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"`{' '.join(command)}` failed:\n{done.stderr}{done.stdout}".rstrip())
    return done.stdout


if __name__ == "__main__":
    about = "such as v1.0.0; newer than every version before it"
    entry.run(main, entry.argument("version", help=about))
