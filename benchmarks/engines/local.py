"""Two ways to do runs: one after the other in this process, or several at a time in processes of their own.

Importing this loads no torch: a worker sets its environment first.
"""

import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

from benchmarks.records.record import RunRecord
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Event:
    """What the matrix is at: run ``index`` of ``total``, step ``step`` of ``steps``, the latest loss terms.

    ``over`` is told once a run, when its record is written.
    """

    spec: RunSpec
    index: int
    total: int
    step: int = 0
    steps: int = 1
    terms: Mapping[str, float] | None = None
    over: bool = False

    def ended(self) -> "Event":
        """Return the last event of a run."""
        return replace(self, step=self.steps, over=True)


Tell = Callable[[Event], None]
Finished = tuple[RunRecord, dict[str, bytes]]


@dataclass(frozen=True, kw_only=True)
class Seat:
    """What a worker is given: its share of threads and GPUs, the root of the data, and the sources to open."""

    threads: int
    gpu: str | None
    data: Path | None
    sources: Sources


def in_turn(todo: Sequence[RunSpec], data: Path | None, tell: Tell) -> Generator[Finished, None, None]:
    """Yield the record and the files of every run, one after the other."""
    from benchmarks.running.run import run  # imported here: it loads torch

    for index, spec in enumerate(todo):
        begun = Event(spec=spec, index=index, total=len(todo))
        tell(begun)
        yield run(spec, data, partial(_tell_step, tell, begun))
        tell(begun.ended())


def side_by_side(
    todo: Sequence[RunSpec], data: Path | None, sources: Sources, tell: Tell, jobs: int
) -> Generator[Finished, None, None]:
    """Yield the record and the files of every run as it ends, ``jobs`` at a time; ``host`` of a record says how many.

    Workers end with this generator, however it ends.
    Raises :class:`UserMistake` for one in a run, and where a worker dies.
    """
    left, workers = list(todo), list[_Worker]()
    running: dict[_Worker, Event] = {}

    def begin(worker: _Worker) -> None:
        others = {run.spec.pair for run in running.values()}
        # Of the pair whose evaluator the worker has, else of one that no other is at.
        spec = min(left, key=lambda one: (one.pair != worker.pair, one.pair in others))
        running[worker] = Event(spec=spec, index=len(todo) - len(left), total=len(todo))
        left.remove(spec)
        tell(running[worker])
        worker.begin(running[worker])

    try:
        with _interrupts_ignored():
            for seat in islice(seats(data, sources, jobs), len(todo)):
                workers.append(_Worker(seat))
        for worker in workers:
            begin(worker)
        for worker, answer in _answers(running):
            if isinstance(answer, Event):
                tell(answer)
                continue
            record, files = answer
            yield replace(record, host={**record.host, "jobs": jobs}), files
            tell(running.pop(worker).ended())
            if left:
                begin(worker)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()


class _Worker:
    """A process, the pipe to it, and the pair that it was at last."""

    def __init__(self, seat: Seat) -> None:
        context = get_context("spawn")  # neither CUDA nor OpenMP survives a fork
        self.pair = ""
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, seat), daemon=True)
        self.process.start()
        theirs.close()  # the pipe ends with the process

    def begin(self, run: Event) -> None:
        """Send a run."""
        self.pair = run.spec.pair
        with suppress(ConnectionError):  # that it is dead shows where its answer is read
            self.pipe.send(run)

    def death(self) -> str:
        """Say how the process ended."""
        self.process.join()
        code = self.process.exitcode or 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _answers(running: Mapping[_Worker, Event]) -> Iterator[tuple[_Worker, Event | Finished]]:
    """Yield what workers say, as it comes, while any run is under way."""
    while running:
        ready = wait([worker.pipe for worker in running])
        for worker in [one for one in running if one.pipe in ready]:
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                ids = [one.spec.id for one in running.values() if one is not running[worker]]
                raise UserMistake(
                    f"the process of run {running[worker].spec.id!r} {worker.death()}, runs stopped with it: "
                    f"{', '.join(ids) or 'none'}; allowed: fewer --jobs where memory is short. Finished runs are kept."
                ) from None
            if isinstance(answer, str):
                raise UserMistake(answer)
            yield worker, answer


def work(pipe: Connection, seat: Seat) -> None:
    """Do the runs that come through the pipe until it ends; events go back, then record and files, or a mistake's text."""
    os.environ["OMP_NUM_THREADS"] = str(seat.threads)
    if seat.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = seat.gpu
    import torch  # only now: what is set above is read as it loads

    from benchmarks.running.run import run

    torch.set_num_threads(seat.threads)
    try:
        seat.sources.open()
        while True:
            begun: Event = pipe.recv()
            pipe.send(run(begun.spec, seat.data, partial(_tell_step, pipe.send, begun)))
    except UserMistake as mistake:
        pipe.send(str(mistake))
    except (EOFError, ConnectionError):
        return  # nobody is left to work for


def seats(data: Path | None, sources: Sources, jobs: int) -> Iterator[Seat]:
    """Yield what each of ``jobs`` workers is given: equal shares of this process's threads, its GPUs in turn.

    Where fewer runs are left than ``jobs`` the shares stay, so that a matrix that was interrupted goes on as it began.
    """
    import torch  # imported here: a worker must not load it too early

    named, count = os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count()
    gpus = named.split(",")[:count] if named else [str(number) for number in range(count)]
    for _, gpu in zip(range(jobs), cycle(gpus or [None]), strict=False):
        yield Seat(
            threads=max(1, torch.get_num_threads() // jobs),
            gpu=gpu,
            data=data,
            sources=sources.absolute(),
        )


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C; a process that starts meanwhile does so for good, and leaves its end to this one."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell_step(tell: Tell, begun: Event, step: int, steps: int, terms: Mapping[str, float]) -> None:
    tell(replace(begun, step=step, steps=steps, terms=terms))
