"""A user's images: finding their files below a folder, decoding them, and reading the CSV file that lists them.

Every reader of a user's folder finds images with :func:`picture_paths` and decodes them with :func:`decode`. A pair
brings them to one size and colour with :class:`Look`, which refuses doubtful images.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from datasets.files import reading
from mistakes import UserMistake

ENDINGS = (".png", ".jpg", ".jpeg")
READABLE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
MIN_IMAGES = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a listing: its number, and its cells except the file's name."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Look:
    """The common form of a pair's images: ``height`` × ``width`` pixels, and Pillow's ``mode`` L or RGB.

    Images of another size are resized if ``resize``, or else refused.
    """

    height: int
    width: int
    mode: str
    resize: bool

    def images(self, paths: Sequence[Path]) -> Tensor:
        """Return images as N × C × H × W uint8.

        Raises :class:`~mistakes.UserMistake` for an image that cannot be read, has transparent parts or has another size.
        """
        images = torch.empty((len(paths), len(self.mode), self.height, self.width), dtype=torch.uint8)
        for index, path in enumerate(paths):
            images[index] = pixels(self._sized(path, _opaque(path).convert(self.mode)))
        return images

    def masks(self, paths: Sequence[Path], images: Sequence[Path]) -> Tensor:
        """Return the masks of images as N × 1 × H × W bool, true where a mask's value is above 127.

        Raises :class:`~mistakes.UserMistake` for a mask that cannot be read or has another size than its image.
        """
        masks = torch.empty((len(paths), 1, self.height, self.width), dtype=torch.bool)
        for index, (path, image) in enumerate(zip(paths, images, strict=True)):
            mask, size = _opaque(path).convert("L"), _opaque(image).size
            if mask.size != size:
                raise reading.refused(path, f"is {_words(mask.size)}", f"{_words(size)}, as its image")
            masks[index] = pixels(self._sized(path, mask)) > 127
        return masks

    def _sized(self, path: Path, image: Image.Image) -> Image.Image:
        size = self.width, self.height
        if image.size == size:
            return image
        if not self.resize:
            wanted = f'{_words(size)}, or any size with resize = "bilinear"'
            raise reading.refused(path, f"is {_words(image.size)}", wanted)
        return image.resize(size, Image.Resampling.BILINEAR)


def _words(size: tuple[int, int]) -> str:
    return f"{size[1]} high and {size[0]} wide"


def _opaque(path: Path) -> Image.Image:
    image = decode(path)
    if image.mode not in READABLE_MODES:
        raise reading.refused(path, f"has pixels of kind {image.mode}", "grey or RGB of 8 bits")
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema() != (255, 255):
        raise reading.refused(path, "has transparent parts", "opaque images")
    return image


def decode(path: Path) -> Image.Image:
    """Return the image of a PNG or JPEG file in any size and mode, with the texts of a PNG in its ``info``.

    Raises :class:`~mistakes.UserMistake` for a file that cannot be read or decoded.
    """
    return reading.decoded(path, reading.contents(path))


def pixels(image: Image.Image) -> Tensor:
    """Return an image of mode L or RGB as C × H × W uint8."""
    return torch.from_numpy(np.array(image)).view(image.height, image.width, -1).permute(2, 0, 1)


def picture_paths(folder: Path, *, strict: bool, besides: Sequence[Path] = ()) -> list[Path]:
    """Return the PNG and JPEG files below a folder in the order of names, without hidden files and folders.

    Files in ``besides`` are left out. Files of other kinds are skipped, or refused if ``strict``. Raises
    :class:`~mistakes.UserMistake` for a folder that does not exist and, if ``strict``, for files of other kinds and for
    fewer than ``MIN_IMAGES`` images.
    """
    if not folder.is_dir():
        raise UserMistake(f"folder {str(folder)!r} does not exist; allowed: a folder of PNG or JPEG images.")
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not any(path.is_relative_to(other) for other in besides if other != folder)
    ]
    images = [path for path in found if path.suffix.lower() in ENDINGS]
    if strict and (odd := sorted(set(found).difference(images))):
        raise reading.refused(odd[0], f"{_more(odd)}is among the images", "PNG and JPEG images alone")
    if strict and len(images) < MIN_IMAGES:
        raise UserMistake(
            f"folder {str(folder)!r} holds {len(images)} images; allowed: at least {MIN_IMAGES}."
        )
    return images


def listed(listing: Path, columns: Sequence[str], folder: Path, paths: Sequence[Path]) -> list[Row]:
    """Return the line of each of the ``paths`` in a CSV file; its first column of ``columns`` names files in ``folder``.

    Raises :class:`~mistakes.UserMistake` if the listing is broken, lacks columns or cells, names a file twice, names a
    missing file, or does not name one of the images.
    """
    rows: dict[Path, Row] = {}
    known = frozenset(paths)
    for line, (name, *cells) in _lines(listing, columns):
        path = folder / name
        if path in rows:
            where = f"in line {rows[path].line} and in line {line}"
            raise reading.refused(listing, f"names {name!r} {where}", "each file once")
        if path not in known:
            raise reading.refused(
                listing, f"names {name!r} in line {line}, which is not there", f"images in {str(folder)!r}"
            )
        rows[path] = Row(line=line, cells=tuple(cells))
    if rest := [path for path in paths if path not in rows]:
        raise reading.refused(
            rest[0], f"{_more(rest)}has no label in {str(listing)!r}", "a line for every image"
        )
    return [rows[path] for path in paths]


def _lines(listing: Path, columns: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Return the number of every line of a CSV file, and its cells in these columns."""
    wanted = f"the columns {','.join(columns)}"
    try:
        text = reading.contents(listing).decode("utf-8-sig")  # spreadsheets begin it with a mark
        reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
        lines, long = [], []
        for row in reader:
            lines.append((reader.line_num, [(row.get(name) or "").strip() for name in columns]))
            long += [reader.line_num] * (None in row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise reading.refused(listing, f"cannot be read ({error})", f"a CSV with {wanted}") from error
    head = reader.fieldnames or ()
    if not set(columns) <= set(head) or len(set(head)) < len(head):
        raise reading.refused(listing, f"begins with {','.join(head)[:80]!r}", f"{wanted}, each once")
    if long:
        raise reading.refused(listing, f"has more cells in line {long[0]} than columns", wanted)
    for line, cells in lines:
        if "" in cells:
            raise reading.refused(
                listing, f"has no {columns[cells.index('')]} in line {line}", f"all of {wanted}"
            )
    return lines


def _more(paths: Sequence[Path]) -> str:
    return f"(and {len(paths) - 1} more) " if len(paths) > 1 else ""
