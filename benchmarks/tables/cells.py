"""Cells as they are shown, and columns as machines read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Columns = Mapping[str, Sequence[Any]]
"""A table for machines: columns of equal length by their names."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells as they are shown.

    ``bold`` holds the (row, column) of every bold cell: settings that differ from the baseline's, scores that stand apart.
    """

    heading: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]] = frozenset()

    def without_blank_columns(self) -> "Grid":
        """Return the grid without its blank columns and without bold cells."""
        kept = [place for place in range(len(self.columns)) if any(cells[place] for cells in self.cells)]
        return Grid(
            heading=self.heading,
            columns=tuple(self.columns[place] for place in kept),
            cells=tuple(tuple(cells[place] for place in kept) for cells in self.cells),
        )
