"""The whole worker: its parts put together, started, and brought to an end."""

import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import SimpleQueue

from clawtrail.formats.notes import Verifier
from clawtrail.remembering import Memory
from config import logs
from config.worker import WorkerSettings
from worker import environment, state
from worker.alarms import Alarms
from worker.callbacks import sinks
from worker.callbacks.messenger import Messenger
from worker.client import Server
from worker.courier import Courier
from worker.errors import JournalFailed
from worker.executors import registry
from worker.executors.agents import finding
from worker.executors.agents.planning import Planner
from worker.executors.agents.recent import Recents
from worker.executors.agents.running import Agents
from worker.executors.agents.sessions import Sessions
from worker.executors.command import Commands
from worker.executors.tree import GRACE_S
from worker.journal import Journal
from worker.leases import Held
from worker.patience import Patience
from worker.policy.guarding import Guard
from worker.replies import Replies
from worker.reporting import Outbox
from worker.running import Runner
from worker.sandboxing.sandboxes import Sandboxes
from worker.signatures import timekeeping
from worker.signatures.gate import Demands, Gate
from worker.signatures.keyring import Keyring
from worker.signatures.timekeeping import Timekeeper
from worker.slots import Slots
from worker.syncing import Syncing
from worker.vault import Vault
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

        No sandbox shows the files *hidden*.

        Raises ``StateInUse``, ``JournalFailed``, ``MemoryUnreadable``, ``BadKey``, ``PolicyFaulty``,
        ``KeysFaulty``, ``SecretsFaulty``, ``OSError``.
        """
        environment.seal_descriptors()
        self._lock = state.hold(settings.state)
        self._settings = settings
        self.failed = False
        self._patience = Patience(first=settings.poll_interval / 1000)
        self._journal = Journal(Path(settings.state) / "journal.db")
        self._slots = Slots(settings.max_concurrent, longest_wait=settings.wait / 1000)
        self._sessions = Sessions(Path(settings.state) / "sessions.db")
        env = environment.build(search_path=settings.path)
        self._vault = Vault(
            settings.secrets,
            must_exist="secrets" in settings.model_fields_set,
            hidden={settings.token.get_secret_value(), *settings.callback_secrets()},
        )
        logs.mask_with(lambda line: self._vault.masking().text(line))
        installed = finding.find(settings, search_path=env["PATH"])
        planner = Planner(installed, self._sessions, own=os.environ, home=Path.home())
        self._recents = Recents(planner, self._vault.masking)
        agents = Agents(planner, env=env, after=self._recents.changed)
        own = [settings.state, settings.policy, settings.secrets, settings.trusted_keys]
        sandboxes = Sandboxes(env, [*own, *hidden])
        sandboxes.probe()
        commands = Commands(env=env, shell=settings.shell, sandboxes=sandboxes, reveal=self._vault.reveal)
        executors = registry.load(commands, agents)
        self._guard = Guard(
            settings.policy,
            env=env,
            shell=settings.shell,
            must_exist="policy" in settings.model_fields_set,
            planner=planner,
            sandboxes=sandboxes,
            vault=self._vault,
        )
        self._keyring = Keyring(settings.trusted_keys)
        self._time = Timekeeper(self._journal, wall=wall)
        _warn(settings, self._keyring, self._time)
        server = Server(
            settings.url,
            settings.token.get_secret_value(),
            version=version,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
        )
        session = uuid.uuid4().hex
        outbox = Outbox(server, self._slots, self._patience, worker_id=settings.name, session=session)
        self._messenger = Messenger(sinks.chosen(settings, env=env, own=os.environ), self._journal, outbox)
        self._courier = Courier(outbox, self._journal, self._slots, told=self._messenger.go_on)
        replies = Replies()
        self._runner = Runner(
            executors=executors,
            may_run=Gate(self._guard, self._keyring, self._journal, self._time, _demands(settings)),
            journal=self._journal,
            outbox=outbox,
            slots=self._slots,
            courier=self._courier.queue,
            replies=None if settings.require_signed_approvals else replies,
            masking=self._vault.masking,
            callbacks=self._messenger.of,
        )
        self._witness = Witness(
            server,
            self._slots,
            outbox,
            Memory(Path(settings.state), settings.url),
            Alarms(Path(settings.state)),
            key=None if settings.log_key is None else Verifier.parse(settings.log_key),
            period=settings.witness_period,
            halts=settings.on_alarm == "stop",
        )
        self._claims: SimpleQueue[Held] = SimpleQueue()
        self._syncing = Syncing(
            server,
            self._slots,
            self._patience,
            self._witness,
            self._claims.put,
            sandboxes=lambda: sandboxes.names,
            replies=replies,
            awaiting=self._messenger.awaiting,
            workerId=settings.name,
            session=session,
            name=settings.name,
            kinds=sorted(executors),
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
        _begin("recents", lambda: self._recents.run(self._courier.queue))
        _begin("timekeeper", self._time.run)

    def reload(self) -> None:
        """Read policy and trusted keys anew; a bad one is told in the log.

        A bad policy changes nothing; with bad keys nobody is trusted.
        """
        self._guard.reload()
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
        self._sessions.close()
        self._time.end()
        try:
            self._journal.close()
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
