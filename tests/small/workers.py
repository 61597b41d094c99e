"""What stands in for a worker in tests of those who wait for it. Loads no torch: it starts in a blink."""

import os
import signal
import time
from multiprocessing.connection import Connection

from benchmarks.engines.contract import Begun, Refused, Result
from benchmarks.engines.workers import WorkerShare
from tests.small.records import record_for


def work(pipe: Connection, share: WorkerShare) -> None:
    """Answer a run by what its row is called; the record's ``host`` holds the process and its threads."""
    while True:
        begun: Begun = pipe.recv()
        match begun.spec.row:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "mistaken":
                pipe.send(Refused("paint 'blue'; allowed: red."))
            case "endless":
                time.sleep(1000)
        host = {"process": os.getpid(), "threads": share.threads}
        pipe.send(Result(record_for(begun.spec, host=host), {}))
