"""``clawtrail verify``: what a receipt proves, in plain words, without server and database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from clawtrail.commands.options import json_option
from clawtrail.commands.printing import compact, duration, print_json, print_pairs, print_tabs
from clawtrail.exits import REFUSED
from clawtrail.formats import receipts
from clawtrail.formats.events import Event
from clawtrail.formats.notes import Verifier
from clawtrail.formats.outcomes import Outcome
from clawtrail.formats.receipts import Proven, ReceiptRejected, Told
from clawtrail.formats.spelling import base64_of
from clawtrail.manual import ManualCommand
from clawtrail.terminal import one_line
from clawtrail.verifier_keys import verifier_key

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_OUTPUT = 200
_MISSING = "not in this receipt"
_LIMITS = (
    "A receipt proves what is in it. It cannot prove that the record holds nothing else about this task,\n"
    "nor that what a worker reported is what happened on its computer."
)


@click.command(cls=ManualCommand)
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--key",
    required=True,
    metavar="KEY",
    type=verifier_key,
    help="The record's verifier key, or a file with it.",
)
@json_option
def verify(*, file: str, key: Verifier, as_json: bool) -> int:
    """Check a receipt offline, and say what it proves.

    FILE is a receipt of a task; - reads it from standard input. No server is asked. KEY is the verifier
    key of the record, such as example.net/log+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k. Take it
    from whom you trust and not from the receipt's sender: all of the proof hangs on it.

    The exit status is 0 when everything in the receipt is proven, 1 when anything is not (the line and the
    reason are said), and 2 for wrong usage. Times are in UTC.

    Examples:
      clawtrail verify receipt.txt --key log.key
      clawtrail verify - --key "$KEY" < receipt.txt
      clawtrail verify receipt.txt --key log.key --json | jq -r .state

    """
    try:
        with click.open_file(file, "rb") as receipt:
            proven = receipts.verify(receipt.read(receipts.MAX_BYTES + 1), key)
    except ReceiptRejected as error:
        if as_json:
            print_json({"proven": False, "reason": str(error)})
        click.echo(f"clawtrail: Not proven: {one_line(str(error))}.", err=True)
        return REFUSED
    if as_json:
        print_json(_content(proven))
    else:
        _print(proven)
    return 0


def _print(proven: Proven) -> None:
    click.echo(f"Proven under the key {one_line(proven.checkpoint.origin)}:\n")
    print_pairs(_pairs(proven))
    click.echo(f"\nThe {len(proven.events)} proven events (seq, time, event, actor, attempt, detail):\n")
    print_tabs(_row(event) for event in proven.events)
    click.echo(f"\n{_LIMITS}")


def _pairs(proven: Proven) -> Iterator[tuple[str, str | None]]:
    yield "task", proven.task_id
    yield from _asked(proven)
    yield from _ran(proven)
    yield from _ended(proven)
    yield "record", proven.checkpoint.origin
    yield "at its size", f"{proven.checkpoint.size} events"
    yield "and root", base64_of(proven.checkpoint.root)


def _asked(proven: Proven) -> Iterator[tuple[str, str | None]]:
    submitted = proven.find(receipts.SUBMITTED)
    if submitted is None:
        yield "asked by", _MISSING
        return
    detail = submitted.event.detail
    yield "asked by", submitted.event.actor
    yield "on behalf of", _text(detail.get("on_behalf_of"))
    yield "asked at", _utc(submitted.event.at)
    yield "asked for", _text(detail.get("kind"))
    if proven.payload is None:
        yield "  content", _gone(proven)
        return
    for name, value in json.loads(proven.payload).items():
        yield f"  {name}", compact(value)


def _ran(proven: Proven) -> Iterator[tuple[str, str | None]]:
    started = proven.find(receipts.STARTED)
    if started is None:
        yield "started", _MISSING
        return
    yield "run by", started.event.actor
    yield "attempt", _text(started.event.attempt)
    yield "started at", _utc(started.event.at)


def _ended(proven: Proven) -> Iterator[tuple[str, str | None]]:
    end = proven.find(*receipts.ENDS)
    if end is None:
        yield "ended", _MISSING
        return
    detail = end.event.detail
    yield "ended as", proven.state
    yield "because", _text(detail.get("reason"))
    yield "ended at", _utc(end.event.at)
    yield "told by", end.event.actor
    yield "exit code", _text(detail.get("exit_code"))
    if proven.outcome is not None:
        yield from _left(proven.outcome, _gone(proven))
    elif "outcome" in detail:
        yield "outcome", _gone(proven)


def _left(outcome: Outcome, gone: str) -> Iterator[tuple[str, str | None]]:
    yield "ran for", duration(outcome.duration_ms)
    yield "error", outcome.error
    yield "metadata", outcome.metadata
    yield "stdout", _stream(outcome.stdout_bytes, outcome.stdout, gone)
    yield "stderr", _stream(outcome.stderr_bytes, outcome.stderr, gone)
    yield "output", "not all of it was kept" if outcome.truncated else None


def _stream(size: int, data: bytes | None, gone: str) -> str | None:
    if size == 0:
        return None
    if data is None:
        return f"{size} bytes, {gone}"
    more = "..." if len(data) > _LONGEST_OUTPUT else ""
    return f"{size} bytes: {data[:_LONGEST_OUTPUT].decode(errors='replace')}{more}"


def _gone(proven: Proven) -> str:
    redacted = proven.find(receipts.REDACTED)
    if redacted is None:
        return _MISSING
    reason = _text(redacted.event.detail.get("reason"))
    why = f": {reason}" if reason else ""
    return f"{_MISSING}; redacted at {_utc(redacted.event.at)} by {redacted.event.actor}{why}"


def _row(event: Event) -> tuple[str, ...]:
    attempt = "" if event.attempt is None else str(event.attempt)
    detail = ", ".join(f"{name}={compact(value)}" for name, value in event.detail.items())
    return (str(event.seq), _utc(event.at), event.type, event.actor, attempt, detail)


def _text(value: object) -> str | None:
    return None if value is None else compact(value)


def _utc(at: int) -> str:
    """Return epoch milliseconds in ISO 8601; as they are where the calendar ends."""
    try:
        return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        return str(at)


def _content(proven: Proven) -> dict[str, Any]:
    """Return what is proven for programs: names and times as the server's JSON has them."""
    checkpoint = proven.checkpoint
    return {
        "proven": True,
        "taskId": proven.task_id,
        "state": proven.state,
        "payload": None if proven.payload is None else json.loads(proven.payload),
        "outcome": _outcome(proven.outcome),
        "redacted": proven.find(receipts.REDACTED) is not None,
        "events": [_event(told) for told in proven.told],
        "checkpoint": {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": base64_of(checkpoint.root),
        },
    }


def _event(told: Told) -> dict[str, Any]:
    event = told.event
    return {
        "seq": event.seq,
        "at": event.at,
        "type": event.type,
        "actor": event.actor,
        "attempt": event.attempt,
        "detail": event.detail,
    }


def _outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "exitCode": outcome.exit_code,
        "reason": outcome.reason,
        "error": outcome.error,
        "durationMs": outcome.duration_ms,
        "metadata": None if outcome.metadata is None else json.loads(outcome.metadata),
        "stdoutBytes": outcome.stdout_bytes,
        "stderrBytes": outcome.stderr_bytes,
        "truncated": outcome.truncated,
        "stdout": None if outcome.stdout is None else base64_of(outcome.stdout),
        "stderr": None if outcome.stderr is None else base64_of(outcome.stderr),
    }
