"""A real worker whose wall clock is ahead by the milliseconds that stand in the file named as argument."""

import signal
import sys
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from config import logs
from config.worker import load
from worker.program import Worker
from worker.signatures import timekeeping


def main() -> None:
    """Run until SIGTERM, with the settings of the environment."""
    file = Path(sys.argv[1])
    settings = load()
    logs.set_up("json", "WARNING")
    signals: SimpleQueue[int] = SimpleQueue()
    signal.signal(signal.SIGTERM, lambda number, _frame: signals.put(number))
    worker = Worker(settings, version="1", wall=lambda: timekeeping.wall() + int(file.read_text()))
    worker.start()
    while signals.empty():
        with suppress(Empty):
            signals.get(timeout=0.1)
            break
    worker.stop(signals)


if __name__ == "__main__":
    main()
