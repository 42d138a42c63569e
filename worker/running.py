"""One task from its lease to its outcome."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue

from pydantic import ValidationError

from worker import items
from worker.answers import Claim
from worker.asking import Asker
from worker.callbacks.callback import Callback, no_callback
from worker.errors import JournalFailed
from worker.items import Ending
from worker.journal import Journal
from worker.leases import Held
from worker.live import LiveRun
from worker.masking.streams import SHAPES_ALONE, Masking
from worker.orders import Executor, Order
from worker.output import Capture, Chunk
from worker.replies import Replies
from worker.reporting import Outbox, Parcel
from worker.slots import Slots
from worker.verdicts import MayRun, Verdict

log = logging.getLogger(__name__)

NOT_CONFIRMED = Ending(-1, "Not run: the service did not confirm the start in time", "failed")
STARTED_BEFORE = Ending(-1, "Not run: this worker has started this attempt before", "interrupted")

_NONE = "0" * 64


class _NotOurs(Exception):
    """This attempt is not, or no longer, ours to run."""


class Runner:
    """Takes held claims through. Any number of threads call ``run``, each with a claim of its own."""

    def __init__(
        self,
        *,
        executors: Mapping[str, Executor],
        may_run: MayRun,
        journal: Journal,
        outbox: Outbox,
        slots: Slots,
        courier: "SimpleQueue[Chunk | None]",
        replies: Replies | None,
        masking: Callable[[], Masking] = lambda: SHAPES_ALONE,
        callbacks: Callable[[Claim, str | None], Callback] = no_callback,
    ) -> None:
        self._executors = executors
        self._may_run = may_run
        self._journal = journal
        self._outbox = outbox
        self._slots = slots
        self._courier = courier
        self._asker = Asker(outbox, replies)
        self._masking = masking
        self._callbacks = callbacks
        self._closed = False
        self._killed = False

    def close(self) -> None:
        """Start nothing any more."""
        self._closed = True

    def kill(self) -> None:
        """Stop every run that goes on, and every later one."""
        self._killed = True

    def run(self, held: Held) -> Held | None:
        """Take one claim to its end and tell it. Gives the claim that came with the service's answer, if any.

        Nothing is executed before the journal has the lease and the service has said yes to its start.
        """
        capture = Capture(held.claim.lease, self._courier, self._masking)
        verdict = self._decide(held.claim)
        capture.keep(verdict.output_bytes)
        callback = self._callback(held.claim, verdict)
        live = LiveRun(
            held,
            capture,
            masking=self._masking,
            killed=lambda: self._killed,
            asker=self._asker,
            policy_hash=verdict.policy_hash,
            callback=callback,
        )
        if verdict.answer == "deny":
            why = verdict.refusal or f"Refused by policy: {verdict.rule}"
            refused = Ending(126, why, "policy", {"rule": verdict.rule})
            return self._conclude(held, refused, capture, callback, first=_item(held.claim, verdict))
        if not verdict.holds_under(held.claim):
            self._ask(held, verdict, callback)
            return None
        try:
            ending = self._start(held, verdict, callback)
        except _NotOurs as reason:
            fields = {"task": held.claim.task_id, "attempt": held.claim.attempt, "why": str(reason)}
            log.warning("task not started", extra={"fields": fields})
            self._journal.give_back(held.claim.lease)
            self._slots.drop(held.claim.lease)
            return None
        began = time.monotonic()
        ending = ending or live.pulse() or self._execute(verdict.signed or held.claim, live, verdict)
        live.over = True
        took_ms = round((time.monotonic() - began) * 1000)
        return self._conclude(held, ending, capture, callback, took_ms=took_ms)

    def _callback(self, claim: Claim, verdict: Verdict) -> Callback:
        """Begin the callback that the client asked for; of a signed task, what he signed counts."""
        token = claim.callback_token
        return self._callbacks(verdict.signed or claim, token.get_secret_value() if token else None)

    def _decide(self, claim: Claim) -> Verdict:
        try:
            verdict = self._may_run(claim)
        except Exception:
            log.exception("policy failed", extra={"fields": {"task": claim.task_id, "kind": claim.kind}})
            return Verdict("deny", "the policy failed on this task", _NONE, _NONE)
        if verdict.describe is None:
            return verdict
        return replace(verdict, describe=self._masking().text(verdict.describe))

    def _ask(self, held: Held, verdict: Verdict, callback: Callback) -> None:
        """Put the question to people, and let go of the task: with their yes it comes again."""
        claim = held.claim
        with suppress(JournalFailed):  # it costs the callback of a task that people refuse, at most
            self._journal.asking(claim.task_id, claim.attempt, callbacks=callback.asked())
        parcel = self._outbox.tell(
            Parcel([_item(claim, verdict)], give_up=lambda: self._closed or held.gone())
        )
        taken = parcel.told and parcel.answers[0].ok
        if taken:
            callback.wait()
        else:
            self._journal.no_callbacks(claim.task_id, claim.attempt)
        fields = {"task": claim.task_id, "attempt": claim.attempt, "rule": verdict.rule}
        log.info("people are asked" if taken else "question not taken", extra={"fields": fields})
        self._slots.drop(claim.lease)

    def _start(self, held: Held, verdict: Verdict, callback: Callback) -> Ending | None:
        """Return None when the claim may be executed now, or how it ended without. Raises ``_NotOurs``.

        First the journal, then the service's yes: whenever the worker is killed, the next life knows of
        every lease that may be running on the record, and says at once what became of it. The note
        is of the lease, because a claim without a yes comes back under the same number of attempt.
        """
        claim = held.claim
        if self._closed:
            raise _NotOurs("the worker is about to end")
        try:
            fresh = self._journal.starting(
                claim.lease, claim.task_id, claim.attempt, callbacks=callback.begun()
            )
        except JournalFailed as error:
            return Ending(-1, f"Not run: {error}", "failed")
        parcel = self._outbox.tell(
            Parcel(_asking_leave(claim, verdict), give_up=lambda: self._closed or held.gone())
        )
        refused = [answer.code for answer in parcel.answers if not answer.ok] if parcel.told else []
        if refused:
            if fresh:
                self._journal.forget(claim.lease)
                self._journal.no_callbacks(claim.task_id, claim.attempt)
            raise _NotOurs(f"the service says no to the start: {refused[0]}")
        if not parcel.told and self._closed:
            raise _NotOurs("the worker ends without an answer to the start")
        if not parcel.told or held.gone():
            return NOT_CONFIRMED
        self._journal.started(claim.task_id, claim.attempt)
        return None if fresh else STARTED_BEFORE

    def _execute(self, claim: Claim, live: LiveRun, verdict: Verdict) -> Ending:
        executor = self._executors.get(claim.kind)
        if executor is None:
            return Ending(-1, f"This worker runs no tasks of kind {claim.kind}", "failed")
        try:
            timeout = min(claim.timeout, verdict.timeout_ms or claim.timeout)
            return executor(Order(claim.task_id, claim.payload, timeout, verdict.plan, verdict.beneath), live)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            return Ending(-1, f"Payload, {'.'.join(map(str, fault['loc']))}: {fault['msg']}", "failed")
        except Exception as error:
            log.exception("executor failed", extra={"fields": {"task": claim.task_id, "kind": claim.kind}})
            return Ending(-1, f"The worker failed on this task: {type(error).__name__}: {error}", "failed")

    def _conclude(
        self,
        held: Held,
        ending: Ending,
        capture: Capture,
        callback: Callback,
        *,
        took_ms: int = 0,
        first: bytes | None = None,
    ) -> Held | None:
        claim = held.claim
        parts = capture.finish()
        ending = _shown(ending, self._masking(), capture.masked)
        parts = parts if first is None else [first, *parts]
        parts.append(
            items.result(
                claim.lease, ending, duration_ms=took_ms, sizes=capture.sizes, truncated=capture.truncated
            )
        )
        notes = callback.over(ending, took_ms=took_ms, mask=self._masking().text)
        try:
            self._journal.ended(claim.lease, claim.task_id, claim.attempt, b"\n".join(parts), callbacks=notes)
        except JournalFailed:  # it is told all the same; only a crash before that would lose it
            log.exception("outcome not noted", extra={"fields": {"task": claim.task_id}})
        self._slots.is_over(held)
        parcel = self._outbox.tell(Parcel(parts, ends=claim.lease))
        if parcel.told:
            self._journal.forget(claim.lease)
            callback.tell()
        else:
            self._slots.drop(claim.lease)
        fields = {"task": claim.task_id, "kind": claim.kind, "exit": ending.exit_code, "ms": took_ms}
        log.info("task ended" if parcel.told else "task ended, outcome kept", extra={"fields": fields})
        return parcel.brought


def _shown(ending: Ending, masking: Masking, masked: int) -> Ending:
    """Give the ending as it may be told; its metadata says how many secrets are masked, output included."""
    error, in_error = masking.json(ending.error)
    metadata, in_metadata = masking.json(dict(ending.metadata or {}))
    masked += in_error + in_metadata
    if not masked:
        return ending
    assert isinstance(error, str | None)  # noqa: S101 - for the type checker
    assert isinstance(metadata, dict)  # noqa: S101 - as above
    return replace(ending, error=error, metadata=metadata | {"masked": masked})


def _asking_leave(claim: Claim, verdict: Verdict) -> list[bytes]:
    """The items of a start; after ask the question first: without a yes the service refuses the start."""
    start = items.start(
        claim.lease, rule=verdict.rule, digest=verdict.digest, policy_hash=verdict.policy_hash
    )
    return [_item(claim, verdict), start] if verdict.answer == "ask" else [start]


def _item(claim: Claim, verdict: Verdict) -> bytes:
    """The item that puts *verdict* on the record by itself: no, or the question."""
    return items.verdict(
        claim.lease,
        verdict.answer,
        rule=verdict.rule,
        digest=verdict.digest,
        policy_hash=verdict.policy_hash,
        describe=verdict.describe,
        error=verdict.refusal,
    )
