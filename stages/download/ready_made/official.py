"""A dataset from the files that its authors publish, each verified by its MD5.

Only the MD5s are published; torchvision checks the same. An MD5 reveals damage and wrong files, but
not a forgery by the maker of the file.
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
    """The files of a dataset, where they are, and how they are read."""

    title: str
    urls: Mapping[str, str]  # of the folders that hold the files, by the name of the source
    md5: Mapping[str, str]  # of every file, by its official name
    most_bytes: int  # no file has more
    read: Callable[[Mapping[str, Path]], LabelledSplits]  # from the path of every file

    def read_source(self, source: str, patience: Patience) -> LabelledSplits:
        """Both splits from a source by its name, or from a URL or a folder that holds the files.

        Raises OSError or ValueError that say why the source cannot serve them.
        """
        url = self.urls.get(source, source)
        if "://" not in url and not Path(source).is_dir():
            raise FileNotFoundError(f"neither a folder nor one of {', '.join(self.urls)}")
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
    """The content of members of a .tar.gz; nothing is extracted to the disk.

    They are read in one pass: going back in a gzip stream would decompress it again from the start.
    """
    with tarfile.open(archive, "r|gz") as tar:
        found = {}
        for member in tar:
            if member.name in names and (file := tar.extractfile(member)):
                found[member.name] = file.read()
        return found
