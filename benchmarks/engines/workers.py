"""Worker processes: their shares of the machine, the runs that they do, and the pipes to them.

Importing this loads no torch: a worker sets its environment first.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.engines.contract import Begun, Refused, Result, Stepped
from benchmarks.studies.plugins import Sources
from mistakes import UserMistake

Answer = Stepped | Result | Refused


@dataclass(frozen=True, kw_only=True)
class WorkerShare:
    """A worker's number of threads, its GPU if there is any, the root of the data, and the sources to open."""

    threads: int
    gpu: str | None
    data: Path | None
    sources: Sources


def shares(jobs: int, data: Path | None, sources: Sources) -> Iterator[WorkerShare]:
    """Yield the shares of ``jobs`` workers: equal numbers of this process's threads, and its GPUs in turn."""
    import torch  # imported here: a worker must not load it too early

    named, count = os.environ.get("CUDA_VISIBLE_DEVICES"), torch.cuda.device_count()
    gpus = named.split(",")[:count] if named else [str(number) for number in range(count)]
    threads = max(1, torch.get_num_threads() // jobs)
    for _, gpu in zip(range(jobs), cycle(gpus or [None]), strict=False):
        yield WorkerShare(threads=threads, gpu=gpu, data=data, sources=sources.absolute())


class Worker:
    """A process, the pipe to it, and the pair of its latest run; the process keeps that pair's evaluator."""

    def __init__(self, share: WorkerShare) -> None:
        context = get_context("spawn")  # neither CUDA nor OpenMP survives a fork
        self.pair = ""
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, share), daemon=True)
        self.process.start()
        theirs.close()  # the pipe ends with the process

    def begin(self, run: Begun) -> None:
        """Send a run to the process; :meth:`answer` finds out if the process is dead."""
        self.pair = run.spec.pair
        with suppress(ConnectionError):
            self.pipe.send(run)

    def answer(self) -> Answer | None:
        """Return the next answer of the process, or ``None`` if it is dead."""
        try:
            answer: Answer = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return answer

    def death(self) -> str:
        """Wait for the process to end, and say how it ended."""
        self.process.join()
        code = self.process.exitcode or 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def work(pipe: Connection, share: WorkerShare) -> None:
    """Do the runs that the pipe brings as :class:`Begun`, and send answers, until the other end of the pipe closes."""
    os.environ["OMP_NUM_THREADS"] = str(share.threads)
    if share.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = share.gpu
    import torch  # only now: torch reads the variables above as it loads

    torch.set_num_threads(share.threads)
    try:
        share.sources.open()
        while True:
            pipe.send(result_of(pipe.recv(), share.data, pipe.send))
    except UserMistake as mistake:
        pipe.send(Refused(str(mistake)))
    except (EOFError, ConnectionError):
        return


def result_of(begun: Begun, data: Path | None, tell: Callable[[Stepped], None]) -> Result:
    """Do one run in this process; ``tell`` is called after every timed window."""
    from benchmarks.running.run import run  # imported here: it loads torch

    def watch(step: int, steps: int, terms: Mapping[str, float]) -> None:
        tell(Stepped(begun.index, step, steps, terms))

    return Result(*run(begun.spec, data, watch))
