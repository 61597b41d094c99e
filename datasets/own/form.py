"""The form of the TOML file that describes a user's own pair; its paths are relative to the file. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datasets.files import reading, toml_form

MIN_SIDE, MAX_SIDE = 8, 4096  # pixels


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A folder of images, and the CSV file of their labels."""

    images: str
    labels: str


@dataclass(frozen=True, kw_only=True)
class Source(Labelled):
    """The source's folder, and perhaps a folder of masks: a PNG for each image, with the same relative stem."""

    masks: str | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """The target's folder; the target-only bound needs its labels."""

    images: str
    labels: str | None = None


@dataclass(frozen=True, kw_only=True)
class FolderForm:
    """A pair in folders: ``classes`` are named as in the CSV files, and ``size`` is height and width of every image.

    Images of another size are refused if ``resize`` is "none", or else resized bilinearly with antialiasing.
    """

    name: str
    about: str
    task: Literal["classification", "classification+pose"]
    classes: tuple[str, ...]
    size: tuple[int, int]
    colour: Literal["rgb", "grey"]
    source: Source
    target: Target
    test: Labelled
    licence: str = "its owner's"
    resize: Literal["none", "bilinear"] = "none"
    extractor: str = "inception"


def read(path: Path) -> FolderForm:
    """Return the content of the TOML file; raises :class:`~mistakes.UserMistake` unless it describes a pair."""
    form = toml_form.read(path, FolderForm)
    if not len(set(form.classes)) == len(form.classes) > 1:
        raise reading.refused(path, f"has classes = {list(form.classes)}", "two or more, each once")
    if not MIN_SIDE <= min(form.size) <= max(form.size) <= MAX_SIDE:
        raise reading.refused(
            path, f"has size = {list(form.size)}", f"height and width of {MIN_SIDE} … {MAX_SIDE} pixels"
        )
    return form
