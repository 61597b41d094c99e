"""Files and folders that appear whole or not at all. Needs no torch.

Each file or folder is made as a draft beside its place and renamed in one step. The name of a draft begins with
``.draft-``; no two writers share a draft, whether threads, processes or machines.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mistakes import UserMistake


def write_atomic(path: Path, content: bytes) -> Path:
    """Write or overwrite a file, make its folder if that is missing, and return its path.

    A reader sees the old content or the new content, whole. Raises :class:`UserMistake` for a place that cannot be written.
    """
    with writable(f"file {str(path)!r}", "a place"):
        if path.is_dir():
            raise IsADirectoryError(0, "Is a directory")
        draft = _draft_beside(path)
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return path


@contextmanager
def directory_atomic(path: Path) -> Iterator[Path]:
    """Yield an empty draft folder, which becomes ``path`` at the end of the block and is removed if the block fails.

    The parents of ``path`` are made. Everybody may read the folder. Raises :class:`OSError` if the place cannot be written,
    or if ``path`` is a file or a non-empty folder when the block ends.
    """
    draft = _draft_beside(path)
    try:
        draft.mkdir()
        yield draft
        draft.chmod(0o755)
        os.rename(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def writable(place: str, allowed: str = "a folder") -> Iterator[None]:
    """Turn the system's refusal to write into the :class:`UserMistake` "PLACE cannot be written"."""
    try:
        yield
    except OSError as error:
        raise UserMistake(
            f"{place} cannot be written ({error.strerror}); allowed: {allowed} you may write to."
        ) from error


def _draft_beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.parent / f".draft-{secrets.token_hex(8)}"
