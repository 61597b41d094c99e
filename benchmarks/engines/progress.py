"""What the terminal shows while runs are under way; it goes to stderr."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:  # lists are printed without pandas and SciPy
    from benchmarks.engines.local import Event, Tell


ERR = Console(stderr=True, highlight=False)


@contextmanager
def live_progress() -> "Iterator[Tell]":
    """Show a bar over all runs, beside it a line with the losses of each that is under way; yields what takes the events."""
    columns = (
        MofNCompleteColumn(), BarColumn(20), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        TextColumn("{task.fields[what]}"),
    )  # fmt: skip
    with Progress(*columns, console=ERR, transient=False) as progress:
        bar = progress.add_task("runs", total=None, what="")
        plain = not ERR.is_terminal
        done: dict[int, float] = {}
        lines: dict[int, str] = {}

        def tell(event: "Event") -> None:
            name = f"{event.spec.pair} {event.spec.row} seed {event.spec.seed}"
            done[event.index] = event.step / event.steps
            lines[event.index] = escape(f"{name} {_terms(event.terms or {})}")
            if event.over:
                del lines[event.index]
            what = "\n".join(lines.values())
            progress.update(bar, total=event.total, completed=sum(done.values()), what=what)
            if plain and not event.step:
                ERR.print(f"run {event.index + 1} of {event.total}: {escape(name)}")

        yield tell
        progress.update(bar, completed=progress.tasks[0].total or 0, what="done")


def _terms(terms: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in terms.items() if name != "step")
