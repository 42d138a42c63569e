"""One request of a sink: bounded in time and size, no redirects, failures in words without secrets."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import JsonValue, TypeAdapter, ValidationError
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from clawtrail.unreachable import reason_of
from worker.callbacks.sink import NotSent

TIMEOUT_S = 10.0
MOST_ANSWER = 256 * 1024
_PIECE = 16 * 1024
_MOST_SAID = 200
_JSON_OBJECT = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class Answer:
    """What the other side said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, JsonValue]:
        """The body as a JSON object, empty when it is none."""
        try:
            return _JSON_OBJECT.validate_json(self.body)
        except ValidationError:
            return {}

    def said(self, *secrets: str) -> str:
        """Give the beginning of the body for people, without *secrets*."""
        text = self.body.decode(errors="replace")
        for secret in secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())[:_MOST_SAID]


def post(
    url: str,
    *,
    headers: Mapping[str, str],
    json: Mapping[str, Any] | None = None,
    fields: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
    proxy: str | None = None,
) -> Answer:
    """Post, and give the answer, whatever it is. Raises ``NotSent`` where there is none.

    A redirect is an answer as it is. No proxy is taken from the environment.
    """
    until = time.monotonic() + TIMEOUT_S
    with requests.Session() as session:
        session.trust_env = False
        try:
            with session.post(
                url,
                headers=dict(headers),
                json=json,
                data=fields,
                files=files,
                proxies={"http": proxy, "https": proxy} if proxy else None,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, read(response.raw, until))
        except (requests.RequestException, HTTPError, OSError) as error:
            raise NotSent(f"no answer: {reason_of(error)}") from None


def judge(answer: Answer, *secrets: str, pause: float | None = None) -> None:
    """Take 2xx for a yes. Raises ``NotSent`` for everything else, with *pause* as what the answer asks for.

    What 4xx says stays so however often it is asked, but for 408 and 429.
    """
    if answer.status // 100 == 2:
        return
    said = f": {text}" if (text := answer.said(*secrets)) else ""
    again = answer.status in {408, 429} or answer.status >= 500
    pause = retry_after(answer) if pause is None else pause
    raise NotSent(f"it answered {answer.status}{said}", again=again, pause=pause)


def retry_after(answer: Answer) -> float:
    """Give the seconds that the header ``Retry-After`` asks for; 0 without one, or for a date."""
    value = answer.headers.get("Retry-After", "")
    try:
        seconds = float(value)
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0


def read(response: BaseHTTPResponse, until: float) -> bytes:
    """Read at most so much of the answer, in at most that time, even when it comes byte by byte."""
    body = bytearray()
    while len(body) < MOST_ANSWER and time.monotonic() < until:
        piece = response.read1(_PIECE, decode_content=True)
        if not piece:
            break
        body += piece
    return bytes(body)
