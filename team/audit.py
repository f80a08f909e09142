"""Read everything on the default remote and name what is damaged: `python -m team.audit`.

DVC names each object by the MD5 of its content and refuses a damaged one on pull, but does not say
which it was, and `dvc push` leaves alone whatever is there under the right name. With `--remove`
the damaged objects are taken away, so that `dvc push` by anyone who has the data mends the remote.
"""

from __future__ import annotations

import argparse
import json
import sys

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash import hash_file
from tqdm import tqdm

from stages.shared import entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remove", action="store_true", help="take the damaged objects away")
    remove = parser.parse_args().remove
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
    """The paths of the objects whose content does not have the MD5 that they are named by, and of
    the lists of a folder's files that name an object which is damaged or absent.

    Such a list is whole, but as long as it is there `dvc push` takes all of its files to be there.
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
                damaged[path] = "names what is damaged or absent"
    return damaged


if __name__ == "__main__":
    entry.run(main)
