"""Downloads the published files of a pair where their licence allows it, and says where to get all others.

A file is written under a temporary name, compared with its checksum and only then gets its own name.
"""

import shutil
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError

from datasets.files import layout, reading
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published data set: its name, and its terms or where to get it, in a phrase.

    ``url`` and ``checksums`` (by path below the data root) are set if a program may fetch the files; the address of a
    file is ``url`` with the last part of its path.
    """

    name: str
    terms: str
    url: str = ""
    checksums: Mapping[str, str] = field(default_factory=dict)


SETS: dict[str, Published] = {
    "mnist": Published(
        name="MNIST",
        terms="CC BY-SA 3.0 as usually cited",
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        checksums=layout.MNIST,
    ),
    "svhn": Published(
        name="SVHN",
        terms="for non-commercial use only",
        url="http://ufldl.stanford.edu/housenumbers/",
        checksums=layout.SVHN,
    ),
    "mnist_m": Published(
        name="MNIST-M",
        terms="from http://yaroslav.ganin.net, no licence stated, as mnist_m/mnist_m.tar.gz or unpacked into mnist_m/",
    ),
    "usps": Published(
        name="USPS",
        terms="from https://www.kaggle.com/datasets/bistaumanga/usps-dataset, no licence stated, as usps/usps.h5",
    ),
    "bsds500": Published(
        name="BSDS500",
        terms=(
            "from https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html, for non-commercial "
            "research and education, its data/images/train and test as bsds500/train/*.jpg and bsds500/test/*.jpg"
        ),
    ),
    "linemod": Published(
        name="cropped LineMod",
        terms=(
            "from its authors, no licence stated, as rgb/NAME.png, depth/NAME.png and labels.csv (name,class,qw,qx,qy,qz) "
            "in each of linemod/source, linemod/target_train and linemod/target_test"
        ),
    ),
}
"""Every published data set by the name of its folder below the data root."""


class Needs(Protocol):
    """What a pair needs below a data root."""

    def missing(self, data: Path | None) -> list[str]:
        """Return the needs that the data root does not meet, all of them without a root."""


def download(pair: str, needs: Needs, root: Path, tell: Callable[[str], None]) -> None:
    """Download what the pair of this name needs to ``root``; ``tell`` receives a line for every set and file.

    Existing files are checked and kept. Raises :class:`UserMistake` for a file that cannot be fetched or has another
    checksum, and, after all other files, for sets that must be fetched by hand.
    """
    wanted = needs.missing(None)
    if not wanted:
        tell(f"pair {pair!r} comes with the installed packages")
    for published in _sets(wanted):
        ours = [name for name in published.checksums if name in wanted]
        if ours:
            tell(f"{published.name}: {published.terms}")
        for name in ours:
            _bring(published.url + Path(name).name, root / name, published.checksums[name], tell)
    if by_hand := _sets(needs.missing(root)):
        names = " and ".join(published.name for published in by_hand)
        ways = "; ".join(f"{published.name} {published.terms}" for published in by_hand)
        raise UserMistake(
            f"pair {pair!r} needs {names}, which this command does not download; allowed: by hand, {ways}."
        )


def _sets(wanted: Sequence[str]) -> list[Published]:
    """Return the sets that hold the wanted files, in the order of ``wanted``."""
    return [SETS[folder] for folder in dict.fromkeys(path.partition("/")[0] for path in wanted)]


def _bring(url: str, path: Path, checksum: str, tell: Callable[[str], None]) -> None:
    if path.exists():
        reading.contents(path, checksum)
        return tell(f"{path}: already there")
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:
                shutil.copyfileobj(answer, file)
            reading.contents(part, checksum)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()  # it holds the connection
        raise UserMistake(
            f"download of {url!r} to {str(path)!r} failed ({error}); allowed: a reachable address and a writable folder."
        ) from error
    return tell(f"{path}: downloaded from {url}")
