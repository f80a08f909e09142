"""A dataset from the files that its authors publish, each verified by its MD5.

MD5 is what is published of these files: torchvision checks the same. It finds every damage and
every other file, but is no proof against one that was forged by whoever made the file.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.download.fetch import Patience, check_digest, fetch_url
from stages.download.ready_made.labelled import LabelledSplits


@dataclass(frozen=True)
class OfficialFiles:
    """What a dataset is made of, where that is, and how it is read."""

    title: str
    urls: Mapping[str, str]  # that hold the files, by the name of the source
    md5: Mapping[str, str]  # of every file, by its official name
    most_bytes: int  # that none of the files exceeds
    read: Callable[[Mapping[str, Path]], LabelledSplits]  # from the path of every file

    def read_source(self, source: str, patience: Patience) -> LabelledSplits:
        """Both splits from a source by its name, or from a URL or a folder that holds the files.

        Raises OSError or ValueError that say why the source cannot serve them.
        """
        url = self.urls.get(source, source)
        if "://" not in url and not Path(source).is_dir():
            raise FileNotFoundError(f"no such folder, nor one of {', '.join(self.urls)}")
        paths = {}
        for file, md5 in self.md5.items():
            if "://" in url:
                paths[file] = fetch_url(
                    f"{url.rstrip('/')}/{file}",
                    f"{self.title}/{file}",
                    f"md5:{md5}",
                    self.most_bytes,
                    patience,
                )
            else:
                paths[file] = Path(source, file)
                check_digest(paths[file], f"md5:{md5}")
        return self.read(paths)


def read_members(archive: Path, names: Collection[str]) -> dict[str, bytes]:
    """Members of a .tar.gz, read in memory: nothing is ever extracted to the disk.

    In one pass: going back in a gzip stream would decompress it again from its start.
    """
    with tarfile.open(archive, "r|gz") as tar:
        found = {}
        for member in tar:
            if member.name in names and (file := tar.extractfile(member)):
                found[member.name] = file.read()
        return found
