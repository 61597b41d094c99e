"""A pair of a user's own folders: images, labels in CSV files, and a TOML file that describes them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from datasets.catalogue import Entry
from datasets.contract import Classification, ClassificationAndPose, DomainPair, Labelled
from datasets.files import reading
from datasets.own.form import FolderForm
from datasets.own.images import Look, Row, listed, picture_paths
from mistakes import unknown

MODES = {"grey": "L", "rgb": "RGB"}
KINDS: Mapping[str, type[Classification]] = {
    "classification": Classification,
    "classification+pose": ClassificationAndPose,
}
"""Tasks by their name in the TOML file."""


def entry(form: FolderForm, path: Path) -> Entry:
    """Return the catalogue's entry of the pair that the TOML file ``path`` describes; its images are read at once.

    Raises :class:`~mistakes.UserMistake` as :func:`load` does.
    """
    pair = load(form, path)
    return Entry(
        about=form.about,
        licence=form.licence,
        load=lambda data: pair,
        extractor=form.extractor,
        edition=pair.fingerprint,
        file=path.resolve(),
    )


def load(form: FolderForm, path: Path) -> DomainPair:
    """Return the pair that the TOML file ``path`` describes, images in the order of their names.

    Raises :class:`~mistakes.UserMistake` for files that are missing, broken or not listed, for labels that are no class,
    and for a test image that is in source or target too.
    """
    folders, target, test = _Folders(form=form, root=path.parent), form.target, form.test
    source = folders.paths(form.source.images, form.source.labels, form.source.masks)
    learnt_from = {"source": source, "target": folders.paths(target.images, target.labels)}
    _refuse_leak(learnt_from, folders.paths(test.images, test.labels))
    resized = "as they are" if form.resize == "none" else "resized bilinearly"
    return DomainPair(
        name=form.name,
        task=KINDS[form.task](classes=len(form.classes), called=form.classes),
        source=folders.labelled(form.source.images, form.source.labels, form.source.masks),
        oracle=folders.labelled(target.images, target.labels) if target.labels else None,
        unlabelled=None if target.labels else folders.look.images(folders.paths(target.images)),
        test=folders.labelled(test.images, test.labels),
        identity=f"{path.name}, images {resized}",
    )


@dataclass(frozen=True, kw_only=True)
class _Folders:
    """Reads the folders and listings of a form, which are relative to ``root``."""

    form: FolderForm
    root: Path

    @property
    def look(self) -> Look:
        """The common form of the images."""
        height, width = self.form.size
        resize = self.form.resize == "bilinear"
        return Look(height=height, width=width, mode=MODES[self.form.colour], resize=resize)

    def paths(self, images: str, *besides: str | None) -> list[Path]:
        """Return the images of a folder without ``besides``, its listing and masks, which may be in the same folder."""
        return picture_paths(
            self.root / images, strict=True, besides=[self.root / other for other in besides if other]
        )

    def labelled(self, images: str, labels: str, masks: str | None = None) -> Labelled:
        """Return the images of a folder with the labels from their listing, and the masks from the folder ``masks``."""
        paths, folder = self.paths(images, labels, masks), self.root / images
        rows = listed(self.root / labels, ("file", *KINDS[self.form.task].COLUMNS), folder, paths)
        examples = Labelled(images=self.look.images(paths), labels=self._labels(rows, self.root / labels))
        if masks is None:
            return examples
        named = [self.root / masks / path.relative_to(folder).with_suffix(".png") for path in paths]
        return replace(examples, masks=self.look.masks(named, paths))

    def _labels(self, rows: Sequence[Row], listing: Path) -> Tensor:
        """Return the labels of these rows in the form of the task."""
        classes, numbers = [], []
        _, *columns = KINDS[self.form.task].COLUMNS
        for row in rows:
            label, *cells = row.cells
            if label not in self.form.classes:
                raise unknown(f"label in line {row.line} of {str(listing)!r}:", label, self.form.classes)
            classes.append(self.form.classes.index(label))
            try:
                numbers.append([float(cell) for cell in cells])
            except ValueError as error:
                said = f"has {','.join(columns)} = {','.join(cells)} in line {row.line}"
                raise reading.refused(listing, said, "numbers") from error
        kinds = torch.tensor(classes)
        return torch.column_stack([kinds.float(), torch.tensor(numbers)]) if columns else kinds


def _refuse_leak(learnt_from: Mapping[str, Sequence[Path]], test: Sequence[Path]) -> None:
    """Refuse a test image if methods or task models learn from a file with the same bytes."""
    seen = {_digest(path): (split, path) for split, paths in learnt_from.items() for path in paths}
    for path in test:
        if twin := seen.get(_digest(path)):
            words = f"is the {twin[0]}'s {str(twin[1])!r} too"
            raise reading.refused(path, words, "test images that no method sees")


def _digest(path: Path) -> bytes:
    return hashlib.sha256(reading.contents(path)).digest()
