"""Requests and answers: kept-alive connections, tries with full jitter, a deadline, and a limit on size."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from math import inf
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from clawtrail import __version__
from clawtrail.errors import BadAnswer, ClawtrailError, Refused, Unreachable, refusal_for
from clawtrail.fields import Json
from clawtrail.profile import Profile
from clawtrail.unreachable import reason_of

CONNECT_SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024 * 1024
_PIECE = 64 * 1024
_CONNECTIONS_KEPT = 32
_WORTH_ANOTHER_TRY = frozenset({429, 502, 503, 504})

_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often a call is tried; the pause after n failures is random, up to ``first * 2**n``."""

    tries: float = 5
    first: float = 0.2
    longest: float = 5.0

    def pause(self, failures: int) -> float:
        """Return how many seconds to wait after so many failures (full jitter)."""
        return random.uniform(0, min(self.longest, self.first * 2**failures))  # noqa: S311 - jitter is no secret


@dataclass(frozen=True, slots=True)
class Question:
    """One request; ``wait`` is how many seconds the server may hold it, told to it as ``?wait=``.

    One for *plain* text is answered with that instead of JSON.
    """

    method: str
    path: str
    query: Mapping[str, object] = field(default_factory=dict)
    body: Json | None = None
    idempotency_key: str | None = None
    wait: float = 0.0
    patient: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: a JSON object, and after how many seconds to ask again where it named them.

    The answer to a question for plain text is ``text``, and its ``content`` is empty.
    """

    content: Json
    retry_after: float | None
    text: str = ""


class Transport:
    """Carries questions to one server and brings answers back; threads may share it.

    Connections are kept and shared by all threads; nothing of a call outlives it. Neither redirects
    nor the environment's proxies are followed, so the token goes to the configured address and nowhere else.
    """

    def __init__(self, profile: Profile, *, timeout: float, retrying: Retrying) -> None:
        self.url = profile.url
        self._timeout = timeout
        self._retrying = retrying
        self._proxies = {"http": profile.proxy, "https": profile.proxy} if profile.proxy else {}
        self._verify = profile.ca_file or True
        self._adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS_KEPT)
        self._headers = {
            "Authorization": f"Bearer {profile.token}",
            "User-Agent": f"clawtrail/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }

    def close(self) -> None:
        """Close the kept connections; the transport may be used again and then opens new ones."""
        self._adapter.close()

    def ask(self, question: Question) -> Answer:
        """Return the answer to *question*, tried again while that can help and the time allows it.

        The time is the ``wait`` asked for plus this transport's timeout, all tries together; a *patient*
        question is tried as often as fits. A question that changes something must carry an idempotency key,
        or be harmless when asked twice. Raises ``Unreachable``, ``BadAnswer`` or the ``Refused`` that the
        server's status stands for.
        """
        start = time.monotonic()
        deadline = start + question.wait + self._timeout
        tries = inf if question.patient else self._retrying.tries
        failures = 0
        while True:
            try:
                return self._try(question, deadline, wait=max(0.0, start + question.wait - time.monotonic()))
            except (Unreachable, Refused) as error:
                failures += 1
                pause = self._pause_after(error, failures)
                if pause is None or failures >= tries or time.monotonic() + pause >= deadline:
                    raise
                time.sleep(pause)

    def _pause_after(self, error: ClawtrailError, failures: int) -> float | None:
        if not isinstance(error, Refused):
            return self._retrying.pause(failures)
        if error.status not in _WORTH_ANOTHER_TRY:
            return None
        return max(self._retrying.pause(failures), error.retry_after or 0.0)

    def _try(self, question: Question, deadline: float, wait: float) -> Answer:
        left = max(0.001, deadline - time.monotonic())
        try:
            response = self._adapter.send(
                self._prepare(question, wait),
                stream=True,
                timeout=(min(CONNECT_SECONDS, left), left),
                verify=self._verify,
                proxies=self._proxies,
            )
            try:
                content = _read(response, deadline)
            finally:
                response.close()
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Unreachable(f"No answer from {self.url}: {reason_of(error)}.") from None
        text = _plain_text(response, content) if question.plain else None
        return self._judge(response, content) if text is None else Answer({}, None, text)

    def _prepare(self, question: Question, wait: float) -> requests.PreparedRequest:
        # Put together by hand: `Session.request` spends most of its millisecond on what never changes here.
        request = requests.PreparedRequest()
        request.method = question.method
        query = dict(question.query)
        if wait >= 0.001:
            query["wait"] = int(wait * 1000)
        request.url = f"{self.url}{question.path}{'?' + urlencode(query, doseq=True) if query else ''}"
        request.headers = CaseInsensitiveDict(self._headers)
        if question.body is not None:
            request.body = _encode(question.body).encode("ascii")
            request.headers["Content-Type"] = "application/json"
            request.headers["Content-Length"] = str(len(request.body))
        elif question.method != "GET":
            request.headers["Content-Length"] = "0"
        if question.idempotency_key is not None:
            request.headers["Idempotency-Key"] = question.idempotency_key
        return request

    def _judge(self, response: requests.Response, content: bytes) -> Answer:
        answer = _parse(content)
        status, headers = response.status_code, response.headers
        retry_after = _seconds(headers.get("Retry-After"))
        if status == requests.codes.ok and answer is not None:
            return Answer(answer, retry_after)
        said = None if answer is None else answer.get("error")
        if status in (401, 403) or status in _WORTH_ANOTHER_TRY or (status >= 400 and isinstance(said, str)):
            code = None if answer is None else answer.get("code")
            raise refusal_for(status)(
                said
                if isinstance(said, str)
                else f"{self.url} answers with HTTP {status} {response.reason}.",
                status=status,
                code=code if isinstance(code, str) else f"http_{status}",
                request_id=headers.get("X-Request-Id"),
                retry_after=retry_after,
            )
        if 300 <= status < 400:
            raise BadAnswer(
                f"{self.url} redirects to {headers.get('Location')!r}, which is not followed: "
                "set the server's address to where it really is."
            )
        kind = headers.get("Content-Type", "without a content type")
        raise BadAnswer(
            f"{self.url} does not answer as Clawtrail does (HTTP {status}, {kind}): is the address right?"
        )


def _read(response: requests.Response, deadline: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    # `read1` gives what has come; `read` would let a peer that trickles hold us beyond the deadline.
    # Nothing is unpacked: we asked for no compression, and a small answer must not become a huge one.
    while piece := response.raw.read1(_PIECE, decode_content=False):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise BadAnswer(f"The answer is larger than {LARGEST_ANSWER >> 20} MiB.")
        if time.monotonic() > deadline:
            raise requests.ReadTimeout
    return b"".join(pieces)


def _plain_text(response: requests.Response, content: bytes) -> str | None:
    """Return the text of a good answer that is said to be plain text; None for any other answer."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if response.status_code != requests.codes.ok or kind != "text/plain":
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _parse(content: bytes) -> Json | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _seconds(header: str | None) -> float | None:
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
