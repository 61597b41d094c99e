"""What a TOML file says of a pair that a user's own folders make; all paths in it are relative to it. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datasets.files import reading, toml_form

MIN_SIDE, MAX_SIDE = 8, 4096  # pixels


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A folder of images with a CSV of their labels."""

    images: str
    labels: str


@dataclass(frozen=True, kw_only=True)
class Source(Labelled):
    """The source's folder, perhaps with one of masks: a PNG for each image, of the same relative stem."""

    masks: str | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """The target's folder; with labels, the target-only bound can be had."""

    images: str
    labels: str | None = None


@dataclass(frozen=True, kw_only=True)
class FolderForm:
    """A pair in folders: ``classes`` as they stand in the CSVs, ``size`` as height and width of every image.

    ``resize`` tells what happens to images of another size: they are refused, or resized bilinearly, antialiased.
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
    """Return what the TOML file says; raises :class:`~mistakes.UserMistake` for anything else than a pair's form."""
    form = toml_form.read(path, FolderForm)
    if not len(set(form.classes)) == len(form.classes) > 1:
        raise reading.refused(path, f"has classes = {list(form.classes)}", "two or more, each once")
    if not MIN_SIDE <= min(form.size) <= max(form.size) <= MAX_SIDE:
        raise reading.refused(
            path, f"has size = {list(form.size)}", f"height and width of {MIN_SIDE} … {MAX_SIDE} pixels"
        )
    return form
