"""Words for a chat, sent by the server: the one place on its side that makes requests."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import requests

from app.domain.errors import NotDelivered
from app.pauses import aside
from clawtrail.unreachable import reason_of

MOST_CHARACTERS = 2000
"""What Discord takes in one message; the rest is cut off."""

TIMEOUT_S = 10.0
MOST_SAID = 500
_PIECE = 4096


@dataclass(frozen=True, slots=True)
class Sink:
    """Where messages go: the base address of the API, the bot's token, perhaps a proxy."""

    api: str
    token: str
    proxy: str | None = None


def send(sink: Sink, channel: str, text: str) -> None:
    """Post *text* to *channel* as the bot, cut to what a message may hold.

    Raises ``NotDelivered``, whose sentence says why and never holds the token.
    One try, no redirects, ten seconds for the connection and for each piece of the answer. Takes no proxy
    from the environment.
    """
    url = f"{sink.api.rstrip('/')}/channels/{quote(channel, safe='')}/messages"
    with requests.Session() as session:
        session.trust_env = False
        try:
            with (
                aside(),
                session.post(
                    url,
                    json={"content": text[:MOST_CHARACTERS]},
                    headers={"Authorization": f"Bot {sink.token}"},
                    proxies={"http": sink.proxy, "https": sink.proxy} if sink.proxy else None,
                    timeout=TIMEOUT_S,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                if response.status_code // 100 != 2:
                    raise NotDelivered(f"Callback API {response.status_code}: {_said(response, sink.token)}")
        except requests.RequestException as error:
            raise NotDelivered(f"Callback API: {reason_of(error)}") from error


def _said(response: requests.Response, token: str) -> str:
    text = next(response.iter_content(_PIECE), b"").decode("utf-8", "replace")
    return text.replace(token, "***").strip()[:MOST_SAID]
