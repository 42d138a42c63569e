"""Whether a claim is what a trusted key signed, for this worker and for now."""

from dataclasses import dataclass

from clawtrail.formats import dsse, statements
from clawtrail.formats.dsse import EnvelopeRejected
from clawtrail.formats.statements import ApprovalStatement, StatementRejected, TaskStatement, Validity
from clawtrail.formats.trusted_keys import TrustedKey, TrustedKeys
from worker.answers import Approval, Claim
from worker.policy.digesting import of_text
from worker.verdicts import Verdict


class SignatureRefused(Exception):
    """The signature is no reason to run this; the message says why, to whoever submitted it."""


@dataclass(frozen=True)
class Place:
    """Where and when a signature is looked at: which worker, what time (epoch ms), how exact clocks are."""

    worker: str
    labels: frozenset[str]
    now: int
    tolerance_ms: int


@dataclass(frozen=True)
class SignedTask:
    """A task whose signature is good. *claim* holds what was signed; *nonce* may be used *starts* times."""

    claim: Claim
    signer: str
    nonce: str
    starts: int


def check_task(claim: Claim, keys: TrustedKeys, place: Place) -> SignedTask:
    """Give the task that was signed, if it is the one in *claim*. Raises ``SignatureRefused``."""
    try:
        key, signed = _opened(claim.signature or "", statements.TASK_TYPE, "task", keys, place)
        statement = statements.read_task(signed)
    except (EnvelopeRejected, StatementRejected) as error:
        raise SignatureRefused(str(error)) from error
    if key.kinds and statement.kind not in key.kinds:
        raise SignatureRefused(f"the key {key.name} counts for no task of kind {statement.kind} here")
    _check_validity(statement.validity, place)
    if statement.not_before is not None and statement.not_before > place.now + place.tolerance_ms:
        raise SignatureRefused("it is not to start yet, by the clock of this worker")
    if missing := sorted(set(statement.labels) - place.labels):
        raise SignatureRefused(f"it was signed for a worker with {', '.join(missing)}")
    _check_same(claim, statement)
    meant = {"kind": statement.kind, "payload": statement.payload, "timeout": statement.timeout_ms}
    return SignedTask(claim.model_copy(update=meant), key.name, statement.validity.nonce, statement.starts)


def check_approval(
    approval: Approval, claim: Claim, verdict: Verdict, keys: TrustedKeys, place: Place
) -> ApprovalStatement:
    """Give the yes that was signed, if it is to what *verdict* asked. Raises ``SignatureRefused``."""
    try:
        _, signed = _opened(approval.signature or "", statements.APPROVAL_TYPE, "approval", keys, place)
        yes = statements.read_approval(signed)
    except (EnvelopeRejected, StatementRejected) as error:
        raise SignatureRefused(str(error)) from error
    _check_validity(yes.validity, place)
    if yes.decision != "approve":
        raise SignatureRefused("what was signed is a no")
    if (yes.approval, yes.task) != (approval.id, claim.task_id):
        raise SignatureRefused("it was signed for another question")
    if yes.digest != verdict.digest or yes.describe_sha256 != of_text(verdict.describe or ""):
        raise SignatureRefused("it was signed for other content, or under another description of it")
    return yes


def _opened(
    text: str, payload_type: str, purpose: str, keys: TrustedKeys, place: Place
) -> tuple[TrustedKey, bytes]:
    """Give the key that signed, and the bytes that it signed."""
    envelope = dsse.parse(text)
    key = keys.find(envelope.key_id)
    if key is None:
        raise SignatureRefused(f"it names the key {envelope.key_id[:16]!a}, which is not trusted here")
    if key.revoked_at is not None:
        raise SignatureRefused(f"the key {key.name} was revoked here")
    if key.purpose != purpose:
        raise SignatureRefused(f"the key {key.name} is trusted for {key.purpose}s here, not for {purpose}s")
    if key.workers and place.worker not in key.workers:
        raise SignatureRefused(f"the key {key.name} does not count for the worker {place.worker}")
    return key, dsse.opened(envelope, payload_type, key.verifier)


def _check_validity(validity: Validity, place: Place) -> None:
    if place.worker not in validity.audience:
        audience = ", ".join(validity.audience)[:200]
        raise SignatureRefused(f"it was signed for {audience}, not for {place.worker}")
    if validity.issued_at >= validity.expires_at:
        raise SignatureRefused("it expires before it was issued")
    ahead = validity.issued_at - place.tolerance_ms - place.now
    if ahead > 0:
        raise SignatureRefused(f"it is not valid yet, {_beyond(ahead, place)}")
    late = place.now - validity.expires_at - place.tolerance_ms
    if late > 0:
        raise SignatureRefused(f"it has expired, {_beyond(late, place)}; submit it anew")


def _beyond(ms: int, place: Place) -> str:
    tolerated = place.tolerance_ms / 1000
    return f"by {ms / 1000:.3f} s more than the {tolerated:g} s that clocks may differ"


def _check_same(claim: Claim, statement: TaskStatement) -> None:
    """Refuse a claim that says anything else than what was signed: somebody altered it."""
    session = None if statement.session is None else f"{statement.kind}:{statement.session}"
    said = {
        "kind": (claim.kind, statement.kind),
        "payload": (claim.payload, statement.payload),
        "timeout": (claim.timeout, statement.timeout_ms),
        "session": (claim.session_key, session),
    }
    for name, (came, signed) in said.items():
        try:
            alike = statements.same_json(came, signed)
        except ValueError:  # a number that is none in JSON
            alike = False
        if not alike:
            raise SignatureRefused(f"its {name} is not the one that was signed")
