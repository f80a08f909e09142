"""Read everything on the default remote and name what is damaged: `python -m team.audit`.

DVC names each object by the MD5 of its content. `dvc pull` refuses a damaged object without naming
it, and `dvc push` skips every object whose name is already there. With `--remove` the damaged
objects are removed. Then anyone who has the data mends the remote with `dvc push`.
"""

from __future__ import annotations

import json
import sys

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash import hash_file
from tqdm import tqdm

from stages.shared import entry


def main(*, remove: bool) -> None:
    try:
        with Repo() as repo:
            remote = repo.cloud.get_remote_odb(command="audit")
            damaged = damaged_objects(remote)
            for path, why in damaged.items():
                print(entry.visible(f"{why}{', removed' if remove else ''}: {path}"))
                if remove:
                    remote.fs.remove(path)
    except DvcException as error:
        raise ValueError(error) from error
    if damaged and not remove:
        sys.exit(1)
    if damaged:
        print("now run `dvc push` where the data is whole")


def damaged_objects(remote: HashFileDB) -> dict[str, str]:
    """By path, the objects whose content does not match their MD5, and the lists of a folder's
    files that name a damaged or missing object.

    Such a list is whole itself. But while it is there, `dvc push` assumes that its files are too.
    """
    whole, damaged = set(), {}
    for oid in tqdm(remote.all(), desc="audit", unit="object", disable=None):
        path = remote.oid_to_path(oid)
        _, found = hash_file(path, remote.fs, "md5")
        if found.value == oid.removesuffix(".dir"):
            whole.add(oid)
        else:
            damaged[path] = "damaged"
    for oid in whole:
        if oid.endswith(".dir"):
            path = remote.oid_to_path(oid)
            with remote.fs.open(path) as file:
                files = {listed["md5"] for listed in json.load(file)}
            if not files <= whole:
                damaged[path] = "names a damaged or missing object"
    return damaged


if __name__ == "__main__":
    about = "remove the damaged objects"
    entry.run(main, entry.argument("--remove", action="store_true", help=about))
