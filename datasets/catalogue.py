"""Every pair of domains by name. A new pair is one file with a ``load`` function and one entry here.

Needs no torch until a pair is loaded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from datasets.files import layout
from datasets.files.closing import check_open
from mistakes import UserMistake, unknown

if TYPE_CHECKING:
    from datasets.contract import DomainPair

MNIST = "MNIST: CC BY-SA 3.0 as usually cited"
MNIST_M = "MNIST-M: none stated, derived from MNIST and BSDS500"
BSDS = "BSDS500: non-commercial research and education"
USPS = "USPS: none stated"
SVHN = "SVHN: non-commercial use"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A pair in the catalogue: a description, the licence, and the function that loads the pair.

    ``load`` is a function of the data root, or its name as "module:function", imported when the pair is loaded.
    ``extractor`` is the default extractor of FID and KID on this pair. ``needs`` lists files that must exist, relative to
    the data root: a tuple holds alternatives, of which one file is enough, and ``*`` stands for any name. Embedded pairs
    need no file. ``budgets`` maps a scale to the numbers, such as ``task_steps``, that replace the scale's own on this
    pair. ``edition`` is the fingerprint of data that their owner may change under the same name; it enters the id of
    every run. ``file`` is the TOML file of a user's own pair.
    """

    about: str
    licence: str
    load: "Callable[[Path | None], DomainPair] | str"
    extractor: str
    needs: tuple[str | tuple[str, ...], ...] = ()
    budgets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    edition: str = ""
    file: Path | None = None

    def missing(self, data: Path | None) -> list[str]:
        """Return the needs that the data root does not meet, alternatives joined by "or"."""
        needs = [(need,) if isinstance(need, str) else need for need in self.needs]
        return [
            " or ".join(need)
            for need in needs
            if data is None or not any(any(data.glob(pattern)) for pattern in need)
        ]


RELEASE = (layout.MNIST_M_LABELS["train"], *layout.MNIST_M_ARCHIVES)  # unpacked files or an archive
LARGE: Mapping[str, Mapping[str, int]] = {"small": {"task_steps": 1000}}  # about an epoch of MNIST

PAIRS: dict[str, Entry] = {
    "fonts-digits": Entry(
        about="printed digits of matplotlib's fonts → UCI handwritten digits, 16×16 grey",
        licence="fonts: Bitstream Vera/DejaVu, STIX and BaKoMa licences; UCI digits: CC BY 4.0",
        load="datasets.pairs.fonts_digits:load",
        extractor="digits-v1",
    ),
    "digits-photos": Entry(
        about="UCI digits on black → other UCI digits on photographs (MNIST-M's recipe), 32×32 RGB",
        licence="UCI digits: CC BY 4.0; scikit-learn's photographs: CC BY",
        load="datasets.pairs.digits_photos:load",
        extractor="digits-v1",
    ),
    "shapes": Entry(
        about="drawn crosses, discs and bars → the same, dark and grainy, 12×12 grey (for tests)",
        licence="drawn by this project",
        load="datasets.pairs.shapes:load",
        extractor="random",
    ),
    "mnist-mnistm": Entry(
        about="MNIST → MNIST-M (digits over photographs), 32×32 RGB",
        licence=f"{MNIST}; {MNIST_M}",
        load="datasets.pairs.published_digits:mnist_mnistm",
        extractor="digits-v1",
        needs=(*layout.MNIST, RELEASE),
        budgets=LARGE,
    ),
    "mnist-mnistm-built": Entry(
        about="MNIST → MNIST-M made anew from MNIST and BSDS500's photographs, 32×32 RGB",
        licence=f"{MNIST}; {BSDS}",
        load="datasets.pairs.published_digits:mnist_mnistm_built",
        extractor="digits-v1",
        needs=(*layout.MNIST, *layout.BSDS500.values()),
        budgets=LARGE,
    ),
    "mnistphotos-mnistm": Entry(
        about="MNIST over photographs → MNIST-M: what the source's background matters, 32×32 RGB",
        licence=f"{MNIST}; {MNIST_M}; {BSDS}",
        load="datasets.pairs.published_digits:mnistphotos_mnistm",
        extractor="digits-v1",
        needs=(*layout.MNIST, RELEASE, layout.BSDS500["train"]),
        budgets=LARGE,
    ),
    "mnist-mnistm-6of10": Entry(
        about="MNIST → MNIST-M, adapted on the digits 0 … 5, tested on all, 32×32 RGB",
        licence=f"{MNIST}; {MNIST_M}",
        load="datasets.pairs.published_digits:mnist_mnistm_6of10",
        extractor="digits-v1",
        needs=(*layout.MNIST, RELEASE),
        budgets=LARGE,
    ),
    "mnist-mnistm-1000": Entry(
        about="MNIST → MNIST-M with 1,000 labelled target images, 32×32 RGB",
        licence=f"{MNIST}; {MNIST_M}",
        load="datasets.pairs.published_digits:mnist_mnistm_1000",
        extractor="digits-v1",
        needs=(*layout.MNIST, RELEASE),
        budgets=LARGE,
    ),
    "mnist-usps": Entry(
        about="MNIST → USPS (digits of envelopes), 28×28 grey",
        licence=f"{MNIST}; {USPS}",
        load="datasets.pairs.published_digits:mnist_usps",
        extractor="digits-v1",
        needs=(*layout.MNIST, *layout.USPS),
        budgets=LARGE,
    ),
    "usps-mnist": Entry(
        about="USPS → MNIST, 28×28 grey",
        licence=f"{USPS}; {MNIST}",
        load="datasets.pairs.published_digits:usps_mnist",
        extractor="digits-v1",
        needs=(*layout.USPS, *layout.MNIST),
        budgets=LARGE,
    ),
    "svhn-mnist": Entry(
        about="SVHN (house numbers) → MNIST, 32×32 RGB",
        licence=f"{SVHN}; {MNIST}",
        load="datasets.pairs.published_digits:svhn_mnist",
        extractor="digits-v1",
        needs=("svhn/train_32x32.mat", *layout.MNIST),
        budgets=LARGE,
    ),
    "linemod": Entry(
        about="rendered objects on black → photographed ones, class and rotation, 64×64 RGB and depth",
        licence="LineMod: none stated for the crops; ask their authors",
        load="datasets.pairs.linemod:load",
        extractor="random",
        needs=tuple(layout.LINEMOD.values()),
    ),
}


def find_entry(name: str) -> Entry:
    """Return the entry of a pair; raises :class:`UserMistake` for an unknown name."""
    if name not in PAIRS:
        raise unknown("pair", name, PAIRS)
    return PAIRS[name]


def check_there(name: str, data: Path | None) -> Entry:
    """Return the entry of a pair; raises :class:`UserMistake` for an unknown name or missing files."""
    entry = find_entry(name)
    if missing := entry.missing(data):
        raise UserMistake(
            f"pair {name!r} needs {', '.join(missing)} under the data root, which is {str(data) if data else 'not set'}; "
            "allowed: a folder that holds them, by --data or BENCH_DATA."
        )
    return entry


def load_pair(name: str, data: Path | None = None) -> "DomainPair":
    """Load a pair by name; ``data`` is the root of the data that is not embedded.

    Raises :class:`UserMistake` for an unknown name and for missing or broken files, and
    :class:`~datasets.sealing.SealBroken` while a method runs.
    """
    check_open(f"pair {name!r}")
    load = check_there(name, data).load
    return (resolve_name(load) if isinstance(load, str) else load)(data)
