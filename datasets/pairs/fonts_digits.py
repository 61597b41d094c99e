"""``fonts-digits``: printed digits → handwritten digits, 16 × 16 grey.

Source: the digits of the text fonts that matplotlib ships (DejaVu, STIX, Computer Modern), turned, slanted and thickened
a little, then prepared as the UCI digits were (see :mod:`datasets.sets.uci_digits`). Target: the UCI handwritten digits;
the first two thirds are for training, the last third for the test.

A font and its slanted version are one group, for a variant is slanted too, by up to 11°.
"""

import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torch import Tensor

from datasets.contract import Classification, DomainPair, Labelled
from datasets.sets import uci_digits

SIZE = 16  # pixels
VARIANTS_PER_GLYPH = 8
# fmt: off
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-BoldOblique", "DejaVuSans-Oblique",
    "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-BoldOblique", "DejaVuSansMono-Oblique",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-BoldItalic", "DejaVuSerif-Italic",
    "STIXGeneral", "STIXGeneralBol", "STIXGeneralBolIta", "STIXGeneralItalic",
    "cmb10", "cmmi10", "cmr10", "cmss10", "cmti10", "cmtt10",
)
# fmt: on


def load(data: Path | None = None) -> DomainPair:
    """Return the pair; ``data`` is not needed, since installed packages hold all images."""
    blocks, labels = uci_digits.handwritten()
    real = Labelled(images=uci_digits.enlarge(blocks, SIZE), labels=labels)
    train, test = slice(0, 2 * uci_digits.THIRD), uci_digits.third(2)
    return DomainPair(
        name="fonts-digits",
        task=Classification(classes=10),
        source=printed(),
        oracle=Labelled(images=real.images[train], labels=real.labels[train]),
        test=Labelled(images=real.images[test], labels=real.labels[test]),
    )


def printed() -> Labelled:
    """Return every digit of every font in ``VARIANTS_PER_GLYPH`` variants, the same ones at every call."""
    import matplotlib  # imported late: only for the path of its fonts

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    random = np.random.default_rng(0)
    bitmaps, labels, groups = [], [], []
    families = [re.sub(r"-?(Oblique|Italic|Ita)$", "", name) for name in FONTS]
    for name, family in zip(FONTS, families, strict=True):
        font = ImageFont.truetype(folder / f"{name}.ttf", 64)
        for digit in range(10):
            glyph = _draw(str(digit), font)
            bitmaps += [_bitmap(glyph, random) for _ in range(VARIANTS_PER_GLYPH)]
            labels += [digit] * VARIANTS_PER_GLYPH
            groups += [families.index(family)] * VARIANTS_PER_GLYPH
    images = uci_digits.enlarge(uci_digits.ink_counts(torch.stack(bitmaps)), SIZE)
    return Labelled(
        images=images, labels=torch.tensor(labels), masks=uci_digits.ink(images), groups=torch.tensor(groups)
    )


def _draw(text: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    canvas = Image.new("L", (128, 128))
    ImageDraw.Draw(canvas).text((64, 64), text, fill=255, font=font, anchor="mm")
    return canvas


def _bitmap(glyph: Image.Image, random: np.random.Generator) -> Tensor:
    """Turn, slant and thicken a glyph a little, then fit it to 32 × 32 as the UCI preparation does."""
    turn, slant = random.uniform(-8, 8), random.uniform(-0.2, 0.2)
    thick = int(random.integers(0, 2))
    slanted = glyph.transform(
        glyph.size, Image.Transform.AFFINE, (1, slant, -64 * slant, 0, 1, 0), Image.Resampling.BILINEAR
    )
    turned = slanted.rotate(turn, Image.Resampling.BILINEAR).filter(ImageFilter.MaxFilter(2 * thick + 1))
    fitted = turned.crop(turned.point(lambda ink: 255 * (ink > 127)).getbbox())
    scale = 32 / max(fitted.size)
    width, height = (max(1, round(side * scale)) for side in fitted.size)
    page = Image.new("L", (32, 32))
    page.paste(fitted.resize((width, height), Image.Resampling.BOX), ((32 - width) // 2, (32 - height) // 2))
    return torch.from_numpy(np.asarray(page) > 127)[None]
