"""A folder of a user's images and the CSV that lists them, read with every doubt refused."""

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
DEPTHS = ("1", "L", "LA", "P", "RGB", "RGBA")
LEAST = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a listing: its number, and its cells but the file's name."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How every image of a pair comes to ``height`` × ``width`` and to ``mode`` L or RGB."""

    height: int
    width: int
    mode: str
    resize: bool

    def images(self, paths: Sequence[Path]) -> Tensor:
        """Return images as N × C × H × W uint8.

        Raises :class:`~mistakes.UserMistake` for one that cannot be read, has transparent parts or another size.
        """
        shape = (len(paths), self.height, self.width, len(self.mode))
        pixels = np.empty(shape, np.uint8)
        for index, path in enumerate(paths):
            image = self._sized(path, _opaque(path).convert(self.mode))
            pixels[index] = np.asarray(image).reshape(shape[1:])
        return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()

    def masks(self, paths: Sequence[Path], images: Sequence[Path]) -> Tensor:
        """Return the masks of images as N × 1 × H × W bool, true where a mask is above 127.

        Raises :class:`~mistakes.UserMistake` for one that cannot be read or has another size than its image.
        """
        masks = np.empty((len(paths), 1, self.height, self.width), np.bool_)
        for index, (path, image) in enumerate(zip(paths, images, strict=True)):
            mask, size = _opaque(path).convert("L"), _opaque(image).size
            if mask.size != size:
                raise reading.refused(path, f"is {_words(mask.size)}", f"{_words(size)}, as its image")
            masks[index, 0] = np.asarray(self._sized(path, mask)) > 127
        return torch.from_numpy(masks)

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
    image = reading.decoded(path, reading.contents(path))
    if image.mode not in DEPTHS:
        raise reading.refused(path, f"has pixels of kind {image.mode}", "grey or RGB of 8 bits")
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema() != (255, 255):
        raise reading.refused(path, "has transparent parts", "opaque images")
    return image


def picture_paths(folder: Path, besides: Sequence[Path] = ()) -> list[Path]:
    """Return the images below a folder in the order of names, without hidden files and what lies in ``besides``.

    Raises :class:`~mistakes.UserMistake` for a folder that does not exist, for other files and for too few images.
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
    if odd := [path for path in found if path.suffix.lower() not in ENDINGS]:
        raise reading.refused(odd[0], f"{_more(odd)}is among the images", "PNG and JPEG images alone")
    if len(found) < LEAST:
        raise UserMistake(f"folder {str(folder)!r} holds {len(found)} images; allowed: at least {LEAST}.")
    return found


def listed(listing: Path, columns: Sequence[str], folder: Path, paths: Sequence[Path]) -> list[Row]:
    """Return the line of each of the ``paths`` below ``folder`` in a CSV whose first of these ``columns`` names files.

    Raises :class:`~mistakes.UserMistake` for a listing that is broken, lacks columns or cells, names a file twice or one
    that is not there, and for images that it does not name.
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
    """Return the number of every line of a CSV with its cells in these columns."""
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
