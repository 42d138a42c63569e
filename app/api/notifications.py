"""Words for a chat over HTTP: the server says them with its own bot, and puts on record that it did."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from app.api import answers
from app.api.agent_models import Notify
from app.api.routing import CLIENT, Call, Nothing, Routes
from app.domain.errors import NoBotToken, NotDelivered
from app.domain.event_types import EventType
from app.services import record

routes = Routes("notifications")


@routes("POST", "/notify", roles=CLIENT, body=Notify, answers=answers.Notified, limited=True)
def notify(call: Call[Notify, Nothing]) -> dict[str, Any]:
    """Post a message to a channel of the chat as the server's bot, and say whether it was taken."""
    from app import notifying  # noqa: PLC0415 - seldom called, and what makes requests takes 5 MB

    settings, asked = call.service.settings, call.body
    channel, message = asked.channel or "", asked.message or ""
    if settings.notify_token is None:
        raise NoBotToken
    sink = notifying.Sink(settings.notify_api, settings.notify_token, settings.notify_proxy)
    try:
        notifying.send(sink, channel, message)
    except NotDelivered as error:
        _tell(call, EventType.NOTIFICATION_FAILED, channel, message, error=str(error))
        raise
    _tell(call, EventType.NOTIFICATION_SENT, channel, message)
    return {"ok": True}


def _tell(
    call: Call[Any, Any], type_: EventType, channel: str, message: str, *, error: str | None = None
) -> None:
    """Put on the record that a message left the house, or did not: to where, and the digest of its text."""
    digest = b64encode(sha256(message.encode("utf-8")).digest()).decode()
    call.service.write(
        lambda conn: record.append(
            conn, type_, at=call.now, actor=call.actor, channel=channel, digest=digest, error=error
        )
    )
