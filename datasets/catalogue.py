"""Every pair of domains by name. A new pair is one file with a ``load`` function and one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from datasets import digits_photos, fonts_digits, shapes
from datasets.contract import DomainPair
from mistakes import UserMistake, unknown


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A pair that can be asked for: what it is, under which licence, and how it is loaded.

    ``extractor`` names the features that FID and KID use here unless told otherwise. ``needs`` lists the files, relative to the data root, that must be there first; embedded pairs need none.
    """

    about: str
    licence: str
    load: Callable[[Path | None], DomainPair]
    extractor: str
    needs: tuple[str, ...] = ()

    def missing(self, data: Path | None) -> list[str]:
        """Return the needed files that are not under the data root."""
        return [file for file in self.needs if data is None or not (data / file).exists()]


PAIRS: dict[str, Entry] = {
    "fonts-digits": Entry(
        about="printed digits of matplotlib's fonts → UCI handwritten digits, 16×16 grey",
        licence="fonts: Bitstream Vera/DejaVu, STIX and BaKoMa licences; UCI digits: CC BY 4.0",
        load=fonts_digits.load,
        extractor="digits-v1",
    ),
    "digits-photos": Entry(
        about="UCI digits on black → other UCI digits on photographs (MNIST-M's recipe), 32×32 RGB",
        licence="UCI digits: CC BY 4.0; scikit-learn's photographs: CC BY",
        load=digits_photos.load,
        extractor="digits-v1",
    ),
    "shapes": Entry(
        about="drawn crosses, discs and bars → the same, dark and grainy, 12×12 grey (for tests)",
        licence="drawn by this project",
        load=shapes.load,
        extractor="random",
    ),
}


def load_pair(name: str, data: Path | None = None) -> DomainPair:
    """Load a pair by name; ``data`` is the root of data that does not come embedded.

    Raises :class:`UserMistake` for an unknown name or missing files.
    """
    if name not in PAIRS:
        raise unknown("pair", name, PAIRS)
    if missing := PAIRS[name].missing(data):
        raise UserMistake(
            f"pair {name!r} needs {', '.join(missing)} under the data root, which is {str(data) if data else 'not set'}; "
            "allowed: a folder that holds them, by --data or BENCH_DATA."
        )
    return PAIRS[name].load(data)
