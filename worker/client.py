"""The service as the worker sees it: a few calls over HTTP, every answer checked before it is believed."""

from http import HTTPStatus
from typing import TypeVar, cast

import requests
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from clawtrail.formats.spelling import Misspelled, bytes_of
from clawtrail.formats.witnessing import MAX_NOTE
from worker.answers import ProofAnswer, ReportAnswer, SyncAnswer
from worker.errors import BadAnswer, Busy, Refused, Rejected, ServerTrouble, Unreachable

CONNECT_S = 5.0
REPORT_S = 30.0
SYNC_SPARE_S = 10.0
"""How much longer than the asked wait a sync may take before its connection is given up."""

MOST_BYTES = 64 * 1024 * 1024
"""No answer is larger: 64 claims of at most 1 MiB."""

Answer = TypeVar("Answer", bound=BaseModel)
_JSON_OBJECT = TypeAdapter(dict[str, JsonValue])


class Server:
    """The service behind *url*; any thread may call it, each call takes a kept connection of its own.

    ``requests`` settles once how the service is reached (TLS, proxy, connection pool). Calls then go
    straight to that pool: with cookies, redirects and settings merged anew each time, a call through a
    Session would cost three times as much.
    """

    def __init__(self, url: str, token: str, *, version: str, proxy: str | None, ca_file: str | None) -> None:
        proxies = {"http": proxy, "https": proxy} if proxy else {}
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=8)
        sync = requests.Request("POST", f"{url}/worker/sync").prepare()
        report = requests.Request("POST", f"{url}/worker/report").prepare()
        pool = adapter.get_connection_with_tls_context(sync, ca_file or True, proxies=proxies)
        self._pool = cast("HTTPConnectionPool", pool)
        adapter.cert_verify(self._pool, url, ca_file or True, cert=None)  # type: ignore[no-untyped-call]
        self._sync_target = adapter.request_url(sync, proxies)
        self._report_target = adapter.request_url(report, proxies)
        log = requests.Request("GET", f"{url}/log").prepare()
        self._log_target = adapter.request_url(log, proxies)
        self._url = url
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"clawtrail-worker/{version}",
        }

    def sync(self, body: bytes, *, wait: float) -> SyncAnswer:
        """Ask for work; the service holds the call for up to *wait* seconds.

        Raises ``ServerTrouble`` when it is worth asking again, ``Rejected`` when it is not.
        """
        return self._call(self._sync_target, body, SyncAnswer, timeout=wait + SYNC_SPARE_S)

    def report(self, body: bytes) -> ReportAnswer:
        """Tell the service what happened. Raises like ``sync``."""
        return self._call(self._report_target, body, ReportAnswer, timeout=REPORT_S)

    def checkpoint(self) -> str:
        """Return the newest checkpoint of the record, a signed note. Raises like ``sync``."""
        return self._text("checkpoint")

    def log_key(self) -> str:
        """Return the verifier key of the record. Raises like ``sync``."""
        return self._text("key").strip()

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the hashes that show that the record of *new* events begins with that of *old* ones.

        Raises like ``sync``.
        """
        target = f"{self._log_target}/proof/consistency?from={old}&to={new}"
        _, content = self._exchange("GET", target, None, timeout=REPORT_S)
        try:
            return [bytes_of(text, length=32) for text in ProofAnswer.model_validate_json(content).hashes]
        except (ValidationError, Misspelled) as error:
            why = _first(error) if isinstance(error, ValidationError) else error
            raise BadAnswer(f"this is not a proof: {why}") from None

    def _text(self, name: str) -> str:
        response, content = self._exchange("GET", f"{self._log_target}/{name}", None, timeout=REPORT_S)
        if not response.headers.get("Content-Type", "").startswith("text/plain") or len(content) > MAX_NOTE:
            raise BadAnswer(f"{_told(response)} is not what a Clawtrail service says")
        return content.decode(errors="replace")

    def _call(self, target: str, body: bytes, shape: type[Answer], *, timeout: float) -> Answer:
        response, content = self._exchange("POST", target, body, timeout=timeout)
        try:
            return shape.model_validate_json(content)
        except ValidationError as error:
            raise BadAnswer(
                f"{_told(response)} is not what a Clawtrail service says: {_first(error)}"
            ) from None

    def _exchange(
        self, method: str, target: str, body: bytes | None, *, timeout: float
    ) -> tuple[BaseHTTPResponse, bytes]:
        """Return an answer with status 200 and its content. Raises like ``sync``."""
        try:
            response = self._pool.urlopen(
                method,
                target,
                body=body,
                headers=self._headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=CONNECT_S, read=timeout),
                preload_content=False,
            )
            content = response.read(MOST_BYTES + 1)
        except (HTTPError, OSError) as error:
            raise Unreachable(f"no answer from {self._url}: {error}") from error
        if len(content) > MOST_BYTES:
            response.close()
            raise BadAnswer(f"an answer of more than {MOST_BYTES} bytes")
        if response.status != HTTPStatus.OK:
            raise _trouble(response, content)
        return response, content


def _trouble(response: BaseHTTPResponse, content: bytes) -> ServerTrouble | Rejected:
    """Name what an answer other than 200 means."""
    status = response.status
    try:
        said = _JSON_OBJECT.validate_json(content)
    except ValidationError:
        said = {}
    sentence = str(said.get("error", _told(response)))
    if status in {401, 403}:
        return Refused(f"the service refuses this worker's token ({status}): {sentence}")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Busy(f"the service answers {status}: {sentence}", _retry_after(response))
    if status >= HTTPStatus.BAD_REQUEST and "code" in said:
        return Rejected(f"{status} {said['code']}: {sentence}", str(said["code"]))
    if status in range(300, 400):
        return BadAnswer(
            f"{status}, a redirect to {response.headers.get('Location')}; give the final address as URL"
        )
    return BadAnswer(f"{_told(response)} is not what a Clawtrail service says")


def _retry_after(response: BaseHTTPResponse) -> float | None:
    value = response.headers.get("Retry-After", "")
    return min(float(value), 60.0) if value.isdecimal() else None


def _told(response: BaseHTTPResponse) -> str:
    return f"{response.status} {response.headers.get('Content-Type', 'without a type')}"


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
