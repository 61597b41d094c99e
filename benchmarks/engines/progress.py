"""The progress of runs, shown on stderr while they are under way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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

from benchmarks.engines.contract import Begun, Ended, Message, Stepped, Tell

ERR = Console(stderr=True, highlight=False)


@contextmanager
def live_progress() -> Iterator[Tell]:
    """Show a bar over all runs, and beside it a line for each run under way, with its losses.

    Yields a function that takes a message and updates the display.
    """
    columns = (
        MofNCompleteColumn(), BarColumn(20), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        TextColumn("{task.fields[what]}"),
    )  # fmt: skip
    with Progress(*columns, console=ERR, transient=False) as progress:
        bar = progress.add_task("runs", total=None, what="")
        names: dict[int, str] = {}
        done: dict[int, float] = {}
        lines: dict[int, str] = {}

        def tell(message: Message) -> None:
            match message:
                case Begun(index, total, spec):
                    names[index] = escape(f"{spec.pair} {spec.row} seed {spec.seed}")
                    done[index], lines[index] = 0, f"{names[index]} "
                    progress.update(bar, total=total)
                    if not ERR.is_terminal:
                        ERR.print(f"run {index + 1} of {total}: {names[index]}")
                case Stepped(index, step, steps, terms):
                    done[index], lines[index] = step / steps, f"{names[index]} {escape(_terms(terms))}"
                case Ended(index):
                    done[index] = 1
                    del lines[index]
            progress.update(bar, completed=sum(done.values()), what="\n".join(lines.values()))

        yield tell
        progress.update(bar, completed=progress.tasks[0].total or 0, what="done")


def _terms(terms: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in terms.items() if name != "step")
