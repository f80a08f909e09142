"""Check dvc.lock and the reports against the code and params.yaml: `python -m team.fresh`.

It needs none of the data that DVC keeps, so CI can run it on every change.
"""

from __future__ import annotations

from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo

from stages.shared import entry
from stages.shared.load_params import load_params


def check_fresh() -> None:
    """ValueError if params.yaml has a mistake or `dvc repro` would run a stage; it names them."""
    load_params()
    stale = stale_stages()
    if stale:
        raise ValueError(
            "dvc.lock and the reports are not what the code and params.yaml give: `dvc repro` "
            f"would run {', '.join(stale)}, and what follows from them. After a change: run it, "
            "then commit dvc.lock and reports/. After `git checkout`: run `dvc checkout`, as the "
            "data here are still from another commit"
        )


def stale_stages() -> list[str]:
    """The stages that changed or lack a report, without the stages that only follow from them.

    `dvc repro --dry --allow-missing` decides by the same. But it ends in an error at the first
    changed stage whose data is missing, and it overlooks deleted reports.
    """
    try:
        with Repo() as repo, lock_repo(repo):
            upstream = repo.index.graph.successors
            return [
                stage.addressing
                for stage in repo.index.stages
                if stage.changed(allow_missing=True, upstream=list(upstream(stage)))
                or not all(out.use_cache or out.exists for out in stage.outs)
            ]
    except DvcException as error:
        raise ValueError(error) from error


def main() -> None:
    check_fresh()
    print("fresh: dvc.lock and the reports are what the code and params.yaml give")


if __name__ == "__main__":
    entry.run(main)
