"""What the gate lets through: what a trusted key signed, for this worker, for now, and once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.rogue import claims, envelopes
from benchmarks.rogue.forging import Cast, Forger, Forgery
from clawtrail.errors import NotConfigured
from clawtrail.formats.notes import Signer
from clawtrail.formats.trusted_keys import TrustedKey
from clawtrail.signing import Signing
from tests.signatures.conftest import ADA, ANN, MAL, NOON, Desk, claim_of, wanting
from worker.answers import Claim
from worker.cli import worker

MINUTE = 60_000
HOUR = 60 * MINUTE


def test_a_signed_task_runs_as_it_was_signed(desk: Desk) -> None:
    """The verdict is the policy's, which knows the signer; what runs is what stands in the signed bytes."""
    claim = desk.signed({"argv": ["true"], "timeout": 5000})
    verdict = desk.ask(claim)
    assert (verdict.answer, desk.signers) == ("allow", ["ada"])
    assert verdict.signed is not None
    assert (verdict.signed.kind, verdict.signed.payload, verdict.signed.timeout) == (
        "command",
        {"argv": ["true"]},
        5000,
    )


def test_an_unsigned_task_is_refused_where_signatures_are_wanted(desk: Desk) -> None:
    """It is a refusal with a rule's name and a sentence; the policy is not even asked."""
    verdict = desk.ask(desk.signed().model_copy(update={"signature": None}))
    assert (verdict.answer, verdict.rule, desk.signers) == ("deny", "signature", [])
    assert verdict.refusal == (
        "Refused: its signature is not good: this worker runs signed tasks only, and there is none"
    )


def test_where_none_is_wanted_a_bad_one_is_refused_all_the_same(desk: Desk) -> None:
    """Without the demand an unsigned task goes to the policy, without a signer; a forged one does not."""
    wanting(desk, tasks=False)
    assert desk.ask(desk.signed().model_copy(update={"signature": None})).answer == "allow"
    assert desk.signers == [None]
    assert desk.ask(desk.signed(by=MAL)).rule == "signature"


@pytest.mark.parametrize(("name", "forge"), [*claims.FORGERIES, *envelopes.FORGERIES])
def test_no_forgery_passes(desk: Desk, name: str, forge: Forgery) -> None:
    """Eight of each kind of forgery are refused, and the policy is asked about none."""
    chance = random.Random(name)
    cast = Cast.of(chance)
    desk.trust(
        TrustedKey("ada", cast.ada.verifier, "task", NOON),
        TrustedKey("ann", cast.ann.verifier, "approval", NOON),
        TrustedKey("ben", cast.ben.verifier, "task", NOON, kinds=("file-read",)),
        TrustedKey("rex", cast.rex.verifier, "task", NOON, revoked_at=NOON),
    )
    forger = Forger(chance, cast, lambda: desk.at)
    about = {"taskId": "t", "attempt": 1, "lease": "l"}
    assert desk.ask(Claim.model_validate(about | forger.claim(Path("good")))).answer == "allow"
    for _ in range(8):
        verdict = desk.ask(Claim.model_validate(about | forge(forger, Path("canary"))))
        assert (verdict.answer, verdict.rule) == ("deny", "signature")
    assert desk.signers == ["ada"]


def test_files_and_other_kinds_are_signed_as_the_service_hands_them_out(desk: Desk) -> None:
    """What a client signs of a file task is what its worker gets, under the worker's names."""
    hand = Signing(ADA, ("wim",), now=lambda: desk.at)
    edit = {"path": "a", "old_string": "x", "new_string": "y", "replace_all": False}
    made = {"path": "a", "oldString": "x", "newString": "y", "replaceAll": False}
    assert desk.ask(claim_of(made, hand.task("/files/edit", edit), "file-edit")).answer == "allow"
    read = {"path": "a", "encoding": "base64", "limit": 3}
    assert desk.ask(claim_of(read, hand.task("/files/read", read), "file-read")).answer == "allow"
    wrote = {"path": "a", "content": "", "encoding": "utf8"}
    assert desk.ask(claim_of(wrote, hand.task("/files/write", wrote), "file-write")).answer == "allow"
    greet = {"kind": "greet", "payload": {"n": 1.5}}
    assert desk.ask(claim_of({"n": 1.5}, hand.task("/tasks", greet), "greet")).answer == "allow"
    with pytest.raises(NotConfigured, match="cannot be signed"):
        hand.task("/unheard/of", {})


def test_what_was_signed_runs_once(desk: Desk) -> None:
    """The same envelope again is refused: at once, after a restart, and with the clock set back."""
    claim = desk.signed()
    assert desk.ask(claim).answer == "allow"
    for ahead in (0, 0, -HOUR, 30_000):
        desk.restart()
        desk.at = NOON + ahead
        again = desk.ask(claim)
        assert (again.answer, again.rule) == ("deny", "signature")
        assert "run before" in str(again.refusal)


def test_what_is_harmless_to_repeat_runs_as_often_as_was_signed(desk: Desk) -> None:
    """A lost read is run again under the same signature, up to its number of attempts and no more."""
    claim = desk.signed({"argv": ["true"], "effect": "read", "maxAttempts": 2})
    assert [desk.ask(claim).answer for _ in range(3)] == ["allow", "allow", "deny"]


def test_what_did_not_run_after_all_can_run_later(desk: Desk) -> None:
    """A claim that came to nothing gives back what it used up, so the same task may come again."""
    claim = desk.signed()
    assert desk.ask(claim).answer == "allow"
    desk.journal.give_back("lease-1")
    assert [desk.ask(claim).answer for _ in range(2)] == ["allow", "deny"]


@pytest.mark.parametrize(("ahead", "answer"), [(-60_000, "allow"), (-60_001, "deny"), (60_000, "allow")])
def test_clocks_may_differ_by_the_tolerance(desk: Desk, ahead: int, answer: str) -> None:
    """A worker whose clock is behind takes what is issued in its future by as much as is tolerated."""
    claim = desk.signed()
    desk.at += ahead
    verdict = desk.ask(claim)
    assert verdict.answer == answer
    assert answer == "allow" or "not valid yet, by 0.001 s more than the 60 s" in str(verdict.refusal)


def test_a_time_to_live_is_part_of_what_is_signed(desk: Desk) -> None:
    """With a ttl the signature expires when it is over, give or take the tolerance."""
    claim = desk.signed({"argv": ["true"], "ttl": 1000})
    desk.at += 61_001
    assert "it has expired" in desk.refused(claim)


def test_the_clock_of_signatures_never_goes_back(desk: Desk) -> None:
    """What has expired once stays so, with the clock set back, and after a restart; the refusal says so."""
    claim = desk.signed({"argv": ["true"], "ttl": 1000})
    desk.at += HOUR
    assert "has expired" in desk.refused(claim)
    desk.at = NOON
    said = desk.refused(claim)
    assert "has expired" in said
    assert "the worker's clock is 3600 s behind a time that it showed before" in said
    desk.restart()
    assert "has expired" in desk.refused(claim)


def test_a_clock_that_was_wrong_can_be_believed_again(desk: Desk) -> None:
    """After its owner said so, the time is the clock's again; what was used up stays so."""
    desk.at += HOUR
    used = desk.signed()
    assert desk.ask(used).answer == "allow"
    desk.at = NOON
    desk.journal.close()
    settings = ["--state", str(desk.folder), "--accept-clock"]
    told = CliRunner().invoke(worker, settings, env={"CLAWTRAIL_WORKER_TOKEN": "token"})
    assert (told.exit_code, "clock is believed" in told.output) == (0, True)
    desk.begin()
    assert 0 <= desk.time.now() - NOON < MINUTE
    desk.at += HOUR
    assert "run before" in desk.refused(used)


def test_an_idle_worker_notes_the_time_too(desk: Desk) -> None:
    """Nobody has to ask for the time to be kept: after it was noted, a restart knows it."""
    desk.at += HOUR
    desk.time.now()
    desk.journal.sync()
    desk.at = NOON
    desk.restart()
    assert 0 <= desk.time.now() - (NOON + HOUR) < MINUTE


def test_looks_in_quick_succession_lose_no_time(desk: Desk) -> None:
    """Under a clock that stands still, time goes on however often it is looked at."""
    before, began = desk.time.now(), time.monotonic()
    while (passed_ms := (time.monotonic() - began) * 1000) < 50:
        desk.time.now()
    assert desk.time.now() - before >= passed_ms - 2


def test_revoking_counts_at_once(desk: Desk) -> None:
    """A running worker sees the file change; what waits already is refused with the key's name."""
    claim = desk.signed()
    desk.trust(TrustedKey("ada", ADA.verifier, "task", NOON, revoked_at=NOON))
    assert "the key ada was revoked here" in desk.refused(claim)


def test_a_broken_file_of_keys_trusts_nobody(desk: Desk) -> None:
    """While the file cannot be read no signature counts; mended, it counts again."""
    good = desk.file.read_text()
    desk.file.write_text("{")
    assert "not trusted here" in desk.refused(desk.signed())
    desk.file.write_text(good)
    assert desk.ask(desk.signed()).answer == "allow"
    desk.file.chmod(0o666)
    assert "not trusted here" in desk.refused(desk.signed())


def test_a_key_counts_where_and_for_what_it_is_trusted(desk: Desk) -> None:
    """Narrowed to a worker or to kinds, a key counts for nothing else; one for approvals signs no task."""
    desk.trust(
        TrustedKey("ada", ADA.verifier, "task", NOON, kinds=("file-read",)),
        TrustedKey("mal", MAL.verifier, "task", NOON, workers=("wes",)),
        TrustedKey("ann", ANN.verifier, "approval", NOON),
    )
    assert "no task of kind command" in desk.refused(desk.signed())
    assert "does not count for the worker wim" in desk.refused(desk.signed(by=MAL))
    assert "trusted for approvals here, not for tasks" in desk.refused(desk.signed(by=ANN))


def test_a_journal_that_cannot_be_written_runs_nothing(desk: Desk) -> None:
    """What cannot be noted as used up is not run."""
    desk.journal._conn.execute("PRAGMA query_only = ON")  # noqa: SLF001 - as a full disk would be
    verdict = desk.ask(desk.signed())
    desk.journal._conn.execute("PRAGMA query_only = OFF")  # noqa: SLF001
    assert (verdict.answer, "not run: The journal cannot be written" in str(verdict.refusal)) == (
        "deny",
        True,
    )
    assert desk.ask(desk.signed()).answer == "allow"


def test_what_the_policy_denies_uses_nothing_up(desk: Desk) -> None:
    """The policy's no is the policy's: its rule, and the signature stays good."""
    allowed, claim = desk.policy, desk.signed()
    desk.policy = type(allowed)("deny", "never", "d" * 64, "p" * 64)
    assert desk.ask(claim).rule == "never"
    desk.policy = allowed
    assert desk.ask(claim).answer == "allow"


def test_keys_of_one_name_are_told_apart_by_what_they_are(desk: Desk) -> None:
    """The id in an envelope is made of the key alone: another key called ada is a stranger."""
    assert "not trusted here" in desk.refused(desk.signed(by=Signer("ada", b"x" * 32)))
