"""A team in the tests: a Git repository that its members clone, and a remote for the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from team.share import FOR_THE_TEAM
from tests.conftest import Project
from tests.remotes import Remote


@dataclass(frozen=True)
class Team:
    """Each member has a clone and a cache; `folder` holds them all."""

    folder: Path
    remote: Remote
    founder: Project

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    @staticmethod
    def found(project: Project, folder: Path, remote: Remote, *, prove: bool = True) -> Team:
        """`project` shares its data; with `prove`, as `make share` does it, proof included."""
        team = Team(folder, remote, project)
        project.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(team.origin))
        project.run("git", "remote", "add", "origin", str(team.origin))
        if prove:
            options = [f"{name}={value}" for name, value in remote.options.items()]
            project.run("python", "-m", "team.share", remote.url, *options)
        else:
            set_up = f"write_config({remote.url!r}, {remote.options!r})"
            project.run("python", "-c", f"from team.share import write_config; {set_up}")
            project.run("dvc", "push", "--run-cache")
        publish(project, "Share the data")
        return team

    def join(self, name: str) -> Project:
        """A member who has cloned and has the remote's credentials, but has pulled nothing."""
        environment = {
            **self.founder.environment,
            "DVC_SITE_CACHE_DIR": str(self.folder / f"{name}'s site cache"),
        }
        member = Project(self.folder / name, environment)
        self.founder.run("git", "clone", "--quiet", str(self.origin), str(member.path))
        # What `dvc remote modify --local` writes, which would take half a second an option.
        own = [
            f"    {option} = {value}\n"
            for option, value in self.remote.options.items()
            if option not in FOR_THE_TEAM
        ]
        (member.path / ".dvc/config.local").write_text("".join(["['remote \"team\"']\n", *own]))
        return member


def publish(member: Project, message: str) -> None:
    """Commit everything and push it to Git."""
    member.commit(message)
    member.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
