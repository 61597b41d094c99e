"""The engine of this machine: one run after the other in this process, or several at a time in worker processes.

Importing this loads no torch.
"""

import signal
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing.connection import wait
from pathlib import Path

from benchmarks.engines.contract import Begun, Ended, Refused, Result, Stepped, Tell
from benchmarks.engines.workers import Worker, result_of, shares
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Local:
    """Does ``jobs`` runs at a time on this machine; see :class:`~benchmarks.engines.contract.Engine`.

    If ``jobs`` is above 1, workers do the runs and share threads and GPUs; ``host`` in the records holds ``jobs``. Shares
    stay the same when fewer runs than ``jobs`` are left, so that an interrupted matrix continues under equal conditions.
    """

    jobs: int = 1
    data: Path | None = None

    def place(self, specs: Sequence[RunSpec], sources: Sources, tell: Tell) -> Generator[Result, None, None]:
        """Yield the result of every run; workers end when the generator ends, even by an error."""
        return self._side_by_side(specs, sources, tell) if self.jobs > 1 else self._in_turn(specs, tell)

    def _in_turn(self, specs: Sequence[RunSpec], tell: Tell) -> Generator[Result, None, None]:
        for index, spec in enumerate(specs):
            begun = Begun(index, len(specs), spec)
            tell(begun)
            yield result_of(begun, self.data, tell)
            tell(Ended(index))

    def _side_by_side(
        self, specs: Sequence[RunSpec], sources: Sources, tell: Tell
    ) -> Generator[Result, None, None]:
        left, workers = list(specs), list[Worker]()
        running: dict[Worker, Begun] = {}

        def begin(worker: Worker) -> None:
            spec = _next(left, worker.pair, {begun.spec.pair for begun in running.values()})
            running[worker] = Begun(len(specs) - len(left), len(specs), spec)
            left.remove(spec)
            tell(running[worker])
            worker.begin(running[worker])

        try:
            with _interrupts_ignored():
                for share in islice(shares(self.jobs, self.data, sources), len(specs)):
                    workers.append(Worker(share))
            for worker in workers:
                begin(worker)
            for worker, answer in _answers(running):
                if isinstance(answer, Stepped):
                    tell(answer)
                    continue
                host = {**answer.record.host, "jobs": self.jobs}
                yield replace(answer, record=replace(answer.record, host=host))
                tell(Ended(running.pop(worker).index))
                if left:
                    begin(worker)
        finally:
            for worker in workers:
                worker.process.kill()
            for worker in workers:
                worker.process.join()


def _next(left: Sequence[RunSpec], pair: str, others: set[str]) -> RunSpec:
    """Return a worker's next run: on the pair of its latest run, else on a pair without another worker, else any."""
    return min(left, key=lambda spec: (spec.pair != pair, spec.pair in others))


def _answers(running: Mapping[Worker, Begun]) -> Iterator[tuple[Worker, Stepped | Result]]:
    """Yield the answers of workers as they arrive, while any run is under way."""
    while running:
        ready = wait([worker.pipe for worker in running])
        for worker in [one for one in running if one.pipe in ready]:
            match worker.answer():
                case Refused(text):
                    raise UserMistake(text)
                case None:
                    raise _dead(worker, running)
                case answer:
                    yield worker, answer


def _dead(worker: Worker, running: Mapping[Worker, Begun]) -> UserMistake:
    others = [begun.spec.id for one, begun in running.items() if one is not worker]
    return UserMistake(
        f"the process of run {running[worker].spec.id!r} {worker.death()}, runs stopped with it: "
        f"{', '.join(others) or 'none'}; allowed: fewer --jobs where memory is short. Finished runs are kept."
    )


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in the block. A process started there ignores it for ever; the process that started it ends it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
