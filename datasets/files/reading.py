"""Published files: checked against a checksum and read from gzip, IDX, tar, zip and pictures; nothing is written.

Any fault of a file raises a :class:`~mistakes.UserMistake` of one line that names the file. A checksum is written
``algorithm:hexadecimal``, as in ``md5:f68b…``; an empty one is not checked. No file is read while a method runs: see
:mod:`datasets.files.closing`.
"""

import gzip
import hashlib
import io
import math
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from datasets.files.closing import check_open
from mistakes import UserMistake

if TYPE_CHECKING:  # TOML files are read without these
    import numpy as np
    from PIL import Image

Reader = Callable[[str], bytes]
"""Returns the bytes of a file in a folder or an archive by its relative name."""


def refused(file: str | Path, found: str, allowed: str) -> UserMistake:
    """Return the mistake "file FILE FOUND; allowed: ALLOWED."."""
    return UserMistake(f"file {str(file)!r} {found}; allowed: {allowed}.")


def under(data: Path | None, name: str) -> Path:
    """Return the path of a file below the data root; raises :class:`UserMistake` when there is no root."""
    if data is None:
        raise refused(name, "is wanted, but no data root is set", "a data root, by --data or BENCH_DATA")
    return data / name


def contents(path: Path, checksum: str = "") -> bytes:
    """Return the bytes of a file; raises :class:`UserMistake` if it cannot be read or has another checksum."""
    check_open(f"file {str(path)!r}")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise refused(path, f"cannot be read ({error.strerror})", "a file that exists") from error
    algorithm, _, expected = checksum.partition(":")
    if checksum and (actual := hashlib.new(algorithm, raw, usedforsecurity=False).hexdigest()) != expected:
        raise refused(path, f"has {algorithm} {actual}", f"{expected}, as published")
    return raw


def idx(path: Path, shape: tuple[int, ...], checksum: str = "") -> "np.ndarray":
    """Return the uint8 array of ``shape`` in a gzipped IDX file.

    Raises :class:`UserMistake` for a broken gzip file, another magic number, other sizes, or too few or too many bytes.
    """
    try:
        raw = gzip.decompress(contents(path, checksum))
    except (EOFError, OSError, zlib.error) as error:
        raise refused(path, f"cannot be unpacked ({error})", "a complete gzip file") from error
    import numpy as np

    magic, header = bytes((0, 0, 8, len(shape))), 4 + 4 * len(shape)
    if raw[:4] != magic:
        raise refused(
            path, f"begins with {raw[:4].hex()!r}", f"{magic.hex()!r}, IDX bytes in {len(shape)} axes"
        )
    sizes = tuple(int.from_bytes(raw[at : at + 4]) for at in range(4, header, 4))
    if sizes != shape:
        raise refused(path, f"holds an array of shape {sizes}", f"{shape}")
    if len(raw) - header != math.prod(shape):
        raise refused(path, f"has {len(raw) - header:,} bytes after its header", f"{math.prod(shape):,}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape).copy()


def expect(
    path: Path, what: str, array: "np.ndarray", shape: tuple[int, ...], span: tuple[float, float]
) -> None:
    """Raise :class:`UserMistake` unless the numbers that ``what`` names in a file have this shape and lie in ``span``."""
    if array.shape != shape or array.dtype.kind not in "uif":
        raise refused(
            path, f"holds {what} of {array.dtype} and shape {array.shape}", f"numbers of shape {shape}"
        )
    if not span[0] <= array.min() <= array.max() <= span[1]:  # a NaN is outside too
        raise refused(path, f"holds {what} in {array.min()} … {array.max()}", f"{span[0]} … {span[1]}")


def folder(path: Path) -> Reader:
    """Return a reader of the files below ``path``; it raises :class:`UserMistake` for names that lead out of the folder."""

    def read(name: str) -> bytes:
        _stays_inside(path, name)
        return contents(path / name)

    return read


def archive(path: Path, checksum: str = "") -> Reader:
    """Return a reader of the members of a tar.gz or zip archive, which is held in memory.

    Raises :class:`UserMistake` before any member is read if a member is a link or device or has a name that leads out of
    the archive, and for archives that are broken or cut short. The reader raises it for missing names.
    """
    raw = contents(path, checksum)
    unpack = _unzipped if raw.startswith(b"PK") else _untarred
    try:
        members = unpack(path, io.BytesIO(raw))
    except (EOFError, OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise refused(path, f"cannot be unpacked ({error})", "a complete tar.gz or zip archive") from error

    def read(name: str) -> bytes:
        if name not in members:
            raise refused(
                path, f"has no member {name!r}", "an archive with all files that its label files name"
            )
        return members[name]

    return read


def picture(name: str | Path, raw: bytes, mode: str, size: tuple[int, int] | None = None) -> "np.ndarray":
    """Decode a picture to uint8, H × W for mode L, H × W × 3 for RGB; ``size`` is (width, height).

    Raises :class:`UserMistake` if it cannot be decoded or has another mode or size.
    """
    import numpy as np

    image = decoded(name, raw)
    if image.mode != mode or size not in (None, image.size):
        sizes = "any size" if size is None else f"{size[0]}×{size[1]}"
        raise refused(name, f"is {image.mode}, {image.width}×{image.height}", f"{mode}, {sizes}")
    return np.asarray(image)


def decoded(name: str | Path, raw: bytes) -> "Image.Image":
    """Decode a picture of any mode and size; raises :class:`UserMistake` unless it is a complete PNG or JPEG."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(raw), formats=("PNG", "JPEG"))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        unknown = isinstance(error, UnidentifiedImageError)  # its text holds an address in memory
        why = "it begins as neither" if unknown else error
        raise refused(name, f"cannot be decoded ({why})", "a PNG or JPEG picture") from error
    return image


def _untarred(path: Path, packed: io.BytesIO) -> dict[str, bytes]:
    with tarfile.open(fileobj=packed, mode="r:gz") as tar:
        members = tar.getmembers()
        for member in members:
            _stays_inside(path, member.name, plain=member.isfile() or member.isdir())
        return {m.name.removeprefix("./"): _bytes(tar, m) for m in members if m.isfile()}


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = tar.extractfile(member)
    assert opened is not None  # only links and devices have no contents
    return opened.read()


def _unzipped(path: Path, packed: io.BytesIO) -> dict[str, bytes]:
    with zipfile.ZipFile(packed) as archived:
        for member in archived.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 unless the archive comes from Unix
            _stays_inside(path, member.filename, plain=kind in (0, stat.S_IFREG, stat.S_IFDIR))
        return {name: archived.read(name) for name in archived.namelist() if not name.endswith("/")}


def _stays_inside(path: Path, name: str, plain: bool = True) -> None:
    parts = PureWindowsPath(name)  # knows both kinds of slashes, and drives
    if parts.anchor or ".." in parts.parts or not plain:
        kind = "a name that leads outside" if plain else "a link or device"
        raise refused(
            path, f"has the member {name!r}, {kind}", "plain files with relative names, without '..'"
        )
