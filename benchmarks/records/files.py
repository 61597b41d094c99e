"""Files that appear whole or not at all."""

import os
from pathlib import Path

from mistakes import UserMistake


def put(path: Path, content: bytes) -> Path:
    """Write a file in one move, its folder where it is missing, and return its path; a reader never sees half of it.

    Raises :class:`UserMistake` for a place that cannot be written.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "Is a directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".draft-{os.getpid()}-{path.name}")
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UserMistake(
            f"file {str(path)!r} cannot be written ({error.strerror}); allowed: a place you may write to."
        ) from error
    return path
