"""What stands in for a worker in tests of those who wait for it. Loads no torch: it starts in a blink."""

import os
import signal
import time
from multiprocessing.connection import Connection

from benchmarks.engines.local import Event, Seat
from tests.small.records import record_for


def work(pipe: Connection, seat: Seat) -> None:
    """Answer a run by what its row is called; the record's ``host`` holds the process and its threads."""
    while True:
        begun: Event = pipe.recv()
        match begun.spec.row:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "mistaken":
                pipe.send("paint 'blue'; allowed: red.")
            case "endless":
                time.sleep(1000)
        host = {"process": os.getpid(), "threads": seat.threads}
        pipe.send((record_for(begun.spec, host=host), {}))
