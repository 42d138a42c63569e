"""The whole worker: its parts put together, started, and brought to an end."""

import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from queue import SimpleQueue

from clawtrail.formats.notes import Verifier
from clawtrail.remembering import Memory
from config.worker import WorkerSettings
from worker import environment, machine, state
from worker.alarms import Alarms
from worker.callbacks import sinks
from worker.callbacks.messenger import Messenger
from worker.client import Server
from worker.courier import Courier
from worker.errors import JournalFailed
from worker.executors.agents.sessions import Sessions
from worker.executors.tree import GRACE_S
from worker.journal import Journal
from worker.leases import Held
from worker.patience import Patience
from worker.replies import Replies
from worker.reporting import Outbox
from worker.running import Runner
from worker.signatures import timekeeping
from worker.signatures.gate import Demands, Gate
from worker.signatures.keyring import Keyring
from worker.signatures.timekeeping import Timekeeper
from worker.slots import Slots
from worker.syncing import Syncing
from worker.witnessing import Witness

log = logging.getLogger(__name__)

DELIVERY_S = 2.0
"""How long the last outcomes may take to be delivered at the end; what is left stays in the journal."""

KILL_S = GRACE_S + 3.0
"""How long a run may take to be over when it is stopped."""

_LOOK_S = 0.1
_LETTING_GO_S = 1.0


class Worker:
    """One worker process. ``start``, then ``stop``, each once and by the main thread."""

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        version: str,
        hidden: Iterable[Path] = (),
        wall: Callable[[], int] = timekeeping.wall,
    ) -> None:
        """Take hold of the state folder and put the parts together; *wall* is the machine's clock.

        No sandbox shows the files *hidden*. Where a part cannot be made, no database is left open.

        Raises ``StateInUse``, ``JournalFailed``, ``MemoryUnreadable``, ``BadKey``, ``PolicyFaulty``,
        ``KeysFaulty``, ``SecretsFaulty``, ``OSError``.
        """
        environment.seal_descriptors()
        self._lock = state.hold(settings.state)
        self._settings = settings
        self.failed = False
        with ExitStack() as opened:
            self._journal = opened.enter_context(closing(Journal(Path(settings.state) / "journal.db")))
            sessions = opened.enter_context(closing(Sessions(Path(settings.state) / "sessions.db")))
            self._machine = machine.prepare(settings, sessions, hidden=hidden)
            self._time = Timekeeper(self._journal, wall=wall)
            self._put_together(settings, version)
            self._databases = opened.pop_all()

    def _put_together(self, settings: WorkerSettings, version: str) -> None:
        self._patience = Patience(first=settings.poll_interval / 1000)
        self._slots = Slots(settings.max_concurrent, longest_wait=settings.wait / 1000)
        self._keyring = Keyring(settings.trusted_keys)
        _warn(settings, self._keyring, self._time)
        server = _server(settings, version)
        session = uuid.uuid4().hex
        outbox = Outbox(server, self._slots, self._patience, worker_id=settings.name, session=session)
        chosen = sinks.chosen(settings, env=self._machine.env, own=os.environ)
        self._messenger = Messenger(chosen, self._journal, outbox)
        self._courier = Courier(outbox, self._journal, self._slots, told=self._messenger.go_on)
        replies = Replies()
        guard = self._machine.guard
        self._runner = Runner(
            executors=self._machine.executors,
            may_run=Gate(guard, self._keyring, self._journal, self._time, _demands(settings)),
            journal=self._journal,
            outbox=outbox,
            slots=self._slots,
            courier=self._courier.queue,
            replies=None if settings.require_signed_approvals else replies,
            masking=self._machine.vault.masking,
            callbacks=self._messenger.of,
        )
        self._witness = _witness(settings, server, self._slots, outbox)
        self._claims: SimpleQueue[Held] = SimpleQueue()
        self._syncing = Syncing(
            server,
            self._slots,
            self._patience,
            self._witness,
            self._claims.put,
            sandboxes=lambda: self._machine.sandboxes.names,
            replies=replies,
            awaiting=self._messenger.awaiting,
            workerId=settings.name,
            session=session,
            name=settings.name,
            kinds=sorted(self._machine.executors),
            labels=settings.labels,
            version=version,
        )

    def start(self) -> None:
        """Start all threads: two that sync, the courier, the witness, and one for each slot.

        One that fails, which none should, ends the whole worker; ``failed`` then says so.
        """
        threading.excepthook = self._give_up
        backlog = self._journal.untold()
        for entry in backlog:
            # One without an outcome is not held on to: the first sync gives it back if it was never started,
            # and if it was, the end of its lease says the same as the courier is about to.
            if entry.outcome is not None:
                self._slots.keep(entry.lease)
        self._messenger.take_up(self._journal.callbacks(), untold=backlog)
        for name, run in self._messenger.threads().items():
            _begin(name, run)
        _begin("courier", lambda: self._courier.run(backlog))
        for number in range(self._settings.max_concurrent):
            _begin(f"slot-{number + 1}", self._work)
        for number in (1, 2):
            _begin(f"sync-{number}", self._syncing.run)
        _begin("witness", self._witness.run)
        _begin("recents", lambda: self._machine.recents.run(self._courier.queue))
        _begin("timekeeper", self._time.run)

    def reload(self) -> None:
        """Read policy and trusted keys anew; a bad one is told in the log.

        A bad policy changes nothing; with bad keys nobody is trusted.
        """
        self._machine.guard.reload()
        self._keyring.reload()

    def stop(self, signals: "SimpleQueue[int]") -> None:
        """Claim nothing more, let what runs end within the drain time, deliver, and close the journal.

        Another signal, or the end of the drain time, stops what runs.
        """
        self._runner.close()
        self._slots.close()
        self._patience.nudge()
        drain_until = time.monotonic() + self._settings.drain
        while not self._slots.wait_idle(_LOOK_S):
            if not signals.empty() or time.monotonic() >= drain_until:
                log.warning("stopping what still runs")
                self._runner.kill()
                self._slots.wait_idle(KILL_S)
                break
        if not self._slots.wait_empty(DELIVERY_S):
            log.warning("some outcomes are not delivered yet; they are kept in the journal")
        self._slots.wait_unoffered(_LETTING_GO_S)
        if not self._messenger.wait_tried(DELIVERY_S):
            log.warning("some callbacks are not sent yet; they are kept in the journal")
        self._messenger.close()
        self._patience.end()
        self._slots.end()
        self._courier.queue.put(None)
        self._time.end()
        try:
            self._databases.close()
        except JournalFailed:
            log.exception("journal not closed")

    def _give_up(self, fault: threading.ExceptHookArgs) -> None:
        log.critical("a thread of the worker failed", exc_info=fault.exc_value)
        self.failed = True
        signal.raise_signal(signal.SIGTERM)

    def _work(self) -> None:
        while True:
            held: Held | None = self._claims.get()
            while held is not None:
                held = self._runner.run(held)


def _server(settings: WorkerSettings, version: str) -> Server:
    token = settings.token.get_secret_value()
    return Server(settings.url, token, version=version, proxy=settings.proxy, ca_file=settings.ca_file)


def _witness(settings: WorkerSettings, server: Server, slots: Slots, outbox: Outbox) -> Witness:
    folder = Path(settings.state)
    return Witness(
        server,
        slots,
        outbox,
        Memory(folder, settings.url),
        Alarms(folder),
        key=None if settings.log_key is None else Verifier.parse(settings.log_key),
        period=settings.witness_period,
        halts=settings.on_alarm == "stop",
    )


def _warn(settings: WorkerSettings, keyring: Keyring, time: Timekeeper) -> None:
    """Say at the start what would else be learned from the first refusal."""
    trusted = {key.purpose for key in keyring.keys().keys if key.revoked_at is None}
    file = {"fields": {"file": str(settings.trusted_keys)}}
    if settings.require_signature and "task" not in trusted:
        log.warning("only signed tasks run here, and no key is trusted to sign any", extra=file)
    if settings.require_signed_approvals and "approval" not in trusted:
        log.warning("only signed approvals count here, and no key is trusted to sign any", extra=file)
    behind = time.behind_ms()
    if behind > settings.clock_tolerance * 1000:
        log.warning(
            "the clock is behind a time that it showed before; if that one was wrong, see --accept-clock",
            extra={"fields": {"seconds": behind // 1000}},
        )


def _demands(settings: WorkerSettings) -> Demands:
    return Demands(
        settings.name,
        settings.labels,
        round(settings.clock_tolerance * 1000),
        tasks=settings.require_signature,
        approvals=settings.require_signed_approvals,
    )


def _begin(name: str, target: Callable[[], None]) -> None:
    # Daemons: at the end nobody waits for a thread that is parked at the service.
    threading.Thread(target=target, name=name, daemon=True).start()
