"""The items of a report, each encoded once: as bytes they are counted, sent and kept in the journal."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from clawtrail.formats.witnessing import Alarm

_REASON = 2000
_NOTE = 4000
"""More characters the service does not take."""


@dataclass(frozen=True)
class Ending:
    """How a run ended: what the executor says of it.

    ``reason`` is one of exit, timeout, cancelled, policy, failed, interrupted.
    """

    exit_code: int
    error: str | None = None
    reason: str = "exit"
    metadata: Mapping[str, JsonValue] | None = None


def start(lease: str, *, rule: str, digest: str, policy_hash: str) -> bytes:
    """The item that asks leave to start, and tells by which rule what exactly would run.

    Nothing is executed before its answer.
    """
    item: dict[str, JsonValue] = {"type": "start", "lease": lease, "rule": rule}
    return _encoded(item | {"digest": digest, "policyHash": policy_hash})


def verdict(
    lease: str,
    answer: str,
    *,
    rule: str,
    digest: str,
    policy_hash: str,
    describe: str | None = None,
    error: str | None = None,
) -> bytes:
    """The item that tells that the policy said no, or ask: what it allows tells its ``start``.

    *describe* goes with ask alone: what exactly would run, for whoever decides. *error* goes with deny alone:
    the sentence for whoever submitted, where it is not that of the rule.
    """
    item: dict[str, JsonValue] = {"type": "verdict", "lease": lease, "verdict": answer, "rule": rule}
    item |= {"digest": digest, "policyHash": policy_hash}
    item |= {} if describe is None else {"describe": describe}
    return _encoded(item if error is None else item | {"error": error})


def output(lease: str, stream: str, offset: int, data: bytes) -> bytes:
    """The item for *data*, the bytes of *stream* from *offset* on."""
    text = base64.b64encode(data).decode("ascii")
    return _encoded({"type": "output", "lease": lease, "stream": stream, "offset": offset, "data": text})


def tool_used(lease: str, number: int, tool: str, said: str, verdict: str | None = None) -> bytes:
    """The item that tells that the agent of this run uses *tool*, and *said*, in short, for what.

    *number* counts the uses of a run from 1: one that is told twice is known by it. *verdict* is what was
    decided on it, where the policy asks about tools.
    """
    item: dict[str, JsonValue] = {"type": "tool_used", "lease": lease, "number": number, "tool": tool}
    item["input"] = said
    return _encoded(item if verdict is None else item | {"verdict": verdict})


def question(lease: str, *, rule: str, digest: str, policy_hash: str, describe: str) -> bytes:
    """The item that asks people whether this run may do what *describe* tells and *digest* is of."""
    item: dict[str, JsonValue] = {"type": "question", "lease": lease, "rule": rule, "digest": digest}
    return _encoded(item | {"policyHash": policy_hash, "describe": describe})


def recent(cli: str, sessions: list[dict[str, JsonValue]]) -> bytes:
    """The item that tells which sessions of an agent this machine has, the newest first."""
    return _encoded({"type": "recent", "cli": cli, "sessions": list(sessions)})


def callback(task_id: str, *, sent: bool, sink: str, tries: int, error: str | None) -> bytes:
    """The item that tells what came of a callback."""
    item: dict[str, JsonValue] = {
        "type": "callback",
        "taskId": task_id,
        "outcome": "sent" if sent else "failed",
    }
    item |= {"sink": sink, "tries": tries}
    return _encoded(item if error is None else item | {"error": error})


def is_newer(item: bytes) -> bool:
    """Tell whether a service older than this worker may not know an item, and can do without."""
    return item.startswith((b'{"type":"tool_used"', b'{"type":"recent"', b'{"type":"callback"'))


def result(
    lease: str, ending: Ending, *, duration_ms: int, sizes: tuple[int, int] = (0, 0), truncated: bool = False
) -> bytes:
    """The item that ends a run; *sizes* are the real lengths of stdout and stderr in bytes."""
    return _encoded(
        {
            "type": "result",
            "lease": lease,
            "exitCode": ending.exit_code,
            "error": ending.error,
            "durationMs": duration_ms,
            "metadata": dict(ending.metadata) if ending.metadata else None,
            "stdoutBytes": sizes[0],
            "stderrBytes": sizes[1],
            "truncated": truncated,
            "reason": ending.reason,
        }
    )


def alarm(heard: Alarm) -> bytes:
    """The item that tells the service that its record is not the one that was seen before."""
    before = heard.remembered
    return _encoded(
        {
            "type": "alarm",
            "fault": heard.fault,
            "reason": str(heard)[:_REASON],
            "remembered": None if before is None else before.note[:_NOTE],
            "shown": heard.shown.replace("\0", "")[:_NOTE],
        }
    )


def _encoded(item: dict[str, JsonValue]) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode("ascii")
