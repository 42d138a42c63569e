"""One process with its pipes: started, listened to, and stopped with everything it started."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from worker.executors import tree
from worker.items import Ending
from worker.orders import Listener
from worker.output import StreamName
from worker.sandboxing.handing import handed

LINGER_S = 1.0
"""How long output is read on after the process has ended, when something it left running holds its pipes."""

_READ = 64 * 1024
_TICK_MS = 200
_STOPPING_TICK_MS = 20
_POLLED_TICK_MS = 10
"""Where no descriptor tells of the end of a process (macOS), the end is looked for so often."""


class Child:
    """A started process, in a session of its own. Used by one thread, which calls ``watch`` once."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        program: Path | None = None,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes,
        null: int,
        task_id: str,
        options: bytes = b"",
    ) -> None:
        """Start *argv*: the file *program*, else what is found on the PATH of *env*.

        Raises ``OSError`` or ``ValueError``.

        *null* is an open descriptor of the null device, which stands in for an empty *stdin*. All
        descriptors are expected to be closed on exec (``environment.seal_descriptors``). With *options*,
        *program* is bubblewrap and gets these; it ends by itself when what runs inside is stopped.
        """
        self._task_id = task_id
        self._wrapped = bool(options)
        self._input = memoryview(stdin)
        self._input_end = -1
        self._outputs: dict[int, StreamName] = {}
        self._stopping: tree.Stopping | None = None
        self._ended_at: float | None = None
        out, err, feed = os.pipe(), os.pipe(), os.pipe() if stdin else (null, -1)
        try:
            with handed(argv, options) as (words, descriptors):
                self._process = subprocess.Popen(
                    words,
                    executable=program,
                    stdin=feed[0],
                    stdout=out[1],
                    stderr=err[1],
                    cwd=cwd,
                    env={**env, tree.MARK: task_id},
                    close_fds=bool(descriptors),
                    pass_fds=descriptors,
                    start_new_session=True,
                )
        except BaseException:
            _close(out[0], err[0], feed[1])
            raise
        finally:
            _close(out[1], err[1], feed[0] if stdin else -1)
        self._outputs = {out[0]: "stdout", err[0]: "stderr"}
        self._input_end = feed[1]
        self._pidfd = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else -1
        self._poll = self._listening()

    def watch(self, run: Listener, *, timeout_ms: int, paused: Callable[[], float] = lambda: 0.0) -> Ending:
        """Listen until the process has ended, or had to be stopped, and say how it ended.

        Stopping is TERM to everything the process started, and KILL to what is left of it 5 seconds later.
        The seconds that *paused* gives do not count as its time.
        What a process leaves running of its own accord when it ends is let live; its output is read no more.
        """
        deadline = time.monotonic() + timeout_ms / 1000
        imposed: Ending | None = None
        try:
            while not self._is_over():
                self._listen(run)
                wanted = run.pulse()
                if self._stopping is not None:
                    self._stopping.go_on()
                elif self._ended_at is None:
                    if wanted is None and time.monotonic() >= deadline + paused():
                        wanted = Ending(124, f"Timeout after {timeout_ms} ms", "timeout")
                    if wanted is not None:
                        imposed = wanted
                        self._stopping = tree.Stopping(self._process.pid, self._task_id, spare=self._wrapped)
            return imposed or self._own_ending()
        finally:
            self._close()

    def _listening(self) -> select.poll:
        poll = select.poll()
        for descriptor in (*self._outputs, self._pidfd):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        if self._input_end >= 0:
            os.set_blocking(self._input_end, False)
            poll.register(self._input_end, select.POLLOUT)
        return poll

    def _is_over(self) -> bool:
        if self._ended_at is None:
            return False
        if self._stopping is not None and not self._stopping.is_over():
            return False
        return not self._outputs or time.monotonic() - self._ended_at > LINGER_S

    def _listen(self, run: Listener) -> None:
        tick = _TICK_MS if self._stopping is None else _STOPPING_TICK_MS
        for descriptor, _ in self._poll.poll(tick if self._pidfd >= 0 else _POLLED_TICK_MS):
            if descriptor == self._pidfd:
                self._ended_at = time.monotonic()
                self._poll.unregister(descriptor)
            elif descriptor == self._input_end:
                self._feed()
            elif data := os.read(descriptor, _READ):
                run.write(self._outputs[descriptor], data)
            else:
                del self._outputs[descriptor]
                self._drop(descriptor)
        if self._pidfd < 0 and self._ended_at is None and self._process.poll() is not None:
            self._ended_at = time.monotonic()

    def _feed(self) -> None:
        try:
            self._input = self._input[os.write(self._input_end, self._input[:_READ]) :]
        except BlockingIOError:
            return
        except OSError:  # it reads no further, which is its good right
            self._input = self._input[:0]
        if not self._input:
            self._drop(self._input_end)
            self._input_end = -1

    def _drop(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        os.close(descriptor)

    def _own_ending(self) -> Ending:
        code = self._process.wait()
        metadata = {"leftRunning": True} if self._outputs else None
        if code >= 0:
            return Ending(code, metadata=metadata)
        return Ending(128 - code, f"Killed by {_name(-code)}", metadata=metadata)

    def _close(self) -> None:
        if self._ended_at is None:  # only when the worker itself is at fault
            tree.kill_group(self._process.pid)
        self._process.wait()
        _close(*self._outputs, self._input_end, self._pidfd)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)


def _name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
