"""The service as the worker sees it: two calls over HTTP, every answer checked before it is believed."""

from typing import TypeVar

import requests
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from worker.answers import ReportAnswer, SyncAnswer
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

    Requests go straight to the adapter of ``requests``: the body is already bytes, there are no
    cookies, redirects, netrc files or proxies of the environment to look after, and that
    is more than half of what a call through a Session costs.
    """

    def __init__(self, url: str, token: str, *, version: str, proxy: str | None, ca_file: str | None) -> None:
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=8)
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._verify: bool | str = ca_file or True
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"clawtrail-worker/{version}",
        }
        self._sync = requests.Request("POST", f"{url}/worker/sync", headers=headers).prepare()
        self._report = requests.Request("POST", f"{url}/worker/report", headers=headers).prepare()

    def sync(self, body: bytes, *, wait: float) -> SyncAnswer:
        """Ask for work; the service holds the call for up to *wait* seconds.

        Raises ``ServerTrouble`` when it is worth asking again, ``Rejected`` when it is not.
        """
        return self._call(self._sync, body, SyncAnswer, timeout=wait + SYNC_SPARE_S)

    def report(self, body: bytes) -> ReportAnswer:
        """Tell the service what happened. Raises like ``sync``."""
        return self._call(self._report, body, ReportAnswer, timeout=REPORT_S)

    def _call(
        self, template: requests.PreparedRequest, body: bytes, shape: type[Answer], *, timeout: float
    ) -> Answer:
        request = requests.PreparedRequest()
        request.method, request.url, request.hooks = template.method, template.url, template.hooks
        request.headers = CaseInsensitiveDict(template.headers)
        request.headers["Content-Length"] = str(len(body))
        request.body = body
        try:
            response = self._adapter.send(
                request, stream=True, timeout=(CONNECT_S, timeout), verify=self._verify, proxies=self._proxies
            )
            content: bytes = response.raw.read(MOST_BYTES + 1, decode_content=True)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Unreachable(f"no answer from {template.url}: {error}") from error
        if len(content) > MOST_BYTES:
            response.close()
            raise BadAnswer(f"an answer of more than {MOST_BYTES} bytes")
        if response.status_code != requests.codes.ok:
            raise _trouble(response, content)
        try:
            return shape.model_validate_json(content)
        except ValidationError as error:
            raise BadAnswer(
                f"{_told(response)} is not what a Clawtrail service says: {_first(error)}"
            ) from None


def _trouble(response: requests.Response, content: bytes) -> ServerTrouble | Rejected:
    """Name what an answer other than 200 means."""
    status = response.status_code
    try:
        said = _JSON_OBJECT.validate_json(content)
    except ValidationError:
        said = {}
    sentence = str(said.get("error", _told(response)))
    if status in {401, 403}:
        return Refused(f"the service refuses this worker's token ({status}): {sentence}")
    if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
        return Busy(f"the service answers {status}: {sentence}", _retry_after(response))
    if status >= requests.codes.bad_request and "code" in said:
        return Rejected(f"{status} {said['code']}: {sentence}")
    if status in range(300, 400):
        return BadAnswer(
            f"{status}, a redirect to {response.headers.get('Location')}; give the final address as URL"
        )
    return BadAnswer(f"{_told(response)} is not what a Clawtrail service says")


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return min(float(value), 60.0) if value.isdecimal() else None


def _told(response: requests.Response) -> str:
    return f"{response.status_code} {response.headers.get('Content-Type', 'without a type')}"


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
