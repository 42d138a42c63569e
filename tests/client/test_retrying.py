"""What the client does when an answer does not come, comes late, or is none."""

from __future__ import annotations

import json
import time

import pytest

import clawtrail
from benchmarks.processes import free_port
from clawtrail import BadAnswer, Busy, Client, Conflict, Refused, ServerFailed, Unreachable
from clawtrail.transport import LARGEST_ANSWER, Retrying
from tests.client.conftest import QUICKLY, TOKEN
from tests.support.scripted_server import DROP, Reply, ScriptedServer, page, reply

STATS = {"queue": {"total": 1, "byStatus": {"pending": 1}}}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_troubles_are_tried_again(server: ScriptedServer, ada: Client, status: int) -> None:
    """A status that passes by itself costs a retry, not an error."""
    server.on("GET", "/tasks/stats", page(status, "<h1>later</h1>"), reply(200, STATS))
    assert ada.stats().total == 1
    assert len(server.asked_for("/tasks/stats")) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 500])
def test_what_stays_wrong_is_not_tried_again(server: ScriptedServer, ada: Client, status: int) -> None:
    """A refusal that a retry cannot change is raised after one request."""
    server.on("GET", "/tasks/stats", reply(status, {"error": "no", "code": "some_code"}))
    with pytest.raises(Refused) as caught:
        ada.stats()
    assert (caught.value.status, caught.value.code, str(caught.value)) == (status, "some_code", "no")
    assert len(server.asked) == 1


def test_a_broken_connection_is_tried_again(server: ScriptedServer, ada: Client) -> None:
    """A server that hangs up without an answer is asked again."""
    server.on("GET", "/tasks/stats", DROP, DROP, reply(200, STATS))
    assert ada.stats().total == 1


def test_the_number_of_tries_ends(server: ScriptedServer, ada: Client) -> None:
    """After the last try the trouble is raised, as what it is."""
    server.on("GET", "/tasks/stats", reply(503, {"error": "shutting down", "code": "shutting_down"}))
    with pytest.raises(ServerFailed, match="shutting down"):
        ada.stats()
    assert len(server.asked) == QUICKLY.tries


def test_nobody_listening_is_said_in_words() -> None:
    """A refused connection is `Unreachable` with the address and the reason, without the token."""
    url = f"http://127.0.0.1:{free_port()}"
    with Client(url, TOKEN, retrying=QUICKLY) as client, pytest.raises(Unreachable) as caught:
        client.stats()
    assert str(caught.value) == f"No answer from {url}: connection refused."


def test_retry_after_is_kept_to(server: ScriptedServer, ada: Client) -> None:
    """A server that names the pause gets that pause."""
    server.on("GET", "/tasks/stats", reply(429, {"error": "slow"}, Retry_After="1"), reply(200, STATS))
    begun = time.monotonic()
    ada.stats()
    assert time.monotonic() - begun >= 1


def test_a_pause_beyond_the_deadline_is_not_begun(server: ScriptedServer, ada: Client) -> None:
    """When the server wants more time than there is, the error comes at once and says how much."""
    server.on(
        "GET", "/tasks/stats", reply(429, {"error": "slow", "code": "rate_limited"}, Retry_After="3600")
    )
    with pytest.raises(Busy) as caught:
        ada.stats()
    assert caught.value.retry_after == 3600
    assert len(server.asked) == 1


def test_an_unreadable_retry_after_is_passed_over(server: ScriptedServer, ada: Client) -> None:
    """A Retry-After that is neither seconds nor a date changes nothing."""
    server.on("GET", "/tasks/stats", reply(503, {}, Retry_After="soon"), reply(200, STATS))
    assert ada.stats().total == 1


def test_the_deadline_holds_for_an_answer_that_trickles(server: ScriptedServer) -> None:
    """A peer that sends a byte now and then does not hold the caller beyond the deadline."""
    body = json.dumps(STATS).encode()
    server.on("GET", "/tasks/stats", Reply(200, body, trickle=0.1))
    with Client(server.url, TOKEN, timeout=0.5) as client, pytest.raises(Unreachable, match="in time"):
        client.stats()


def test_a_silent_server_is_left_at_the_deadline(server: ScriptedServer) -> None:
    """An answer that does not come ends the call after its timeout, all tries together."""
    server.on("GET", "/tasks/stats", Reply(delay=20.0))
    begun = time.monotonic()
    with Client(server.url, TOKEN, timeout=0.3) as client, pytest.raises(Unreachable, match="in time"):
        client.stats()
    assert time.monotonic() - begun < 10


def test_redirects_are_not_followed(server: ScriptedServer, ada: Client) -> None:
    """A redirect is an error that names the target; the token does not travel there."""
    server.on("GET", "/tasks/stats", reply(301, {}, Location=f"{server.url}/elsewhere"))
    with pytest.raises(BadAnswer, match="/elsewhere"):
        ada.stats()
    assert not server.asked_for("/elsewhere")


@pytest.mark.parametrize(
    "answer",
    [page(200, "<html>"), reply(200, []), reply(200, None), page(404, "<html>"), Reply(body=b"[" * 9999)],
)
def test_what_is_not_clawtrail_is_said_to_be_something_else(
    server: ScriptedServer, ada: Client, answer: Reply
) -> None:
    """Pages of proxies and other JSON are `BadAnswer`, with a hint at the address."""
    server.on("GET", "/tasks/stats", answer)
    with pytest.raises(BadAnswer, match="is the address right"):
        ada.stats()


def test_a_wrong_shape_names_the_member(server: ScriptedServer, ada: Client) -> None:
    """An answer whose members have other types is refused by name, not passed on."""
    server.on("GET", "/tasks/stats", reply(200, {"queue": {"total": "many"}}))
    with pytest.raises(BadAnswer, match="'total' is not an integer"):
        ada.stats()


def test_an_endless_answer_is_cut_off(server: ScriptedServer, ada: Client) -> None:
    """An answer beyond the limit of size is dropped and raised."""
    server.on("GET", "/tasks/stats", Reply(body=b" " * (LARGEST_ANSWER + 1)))
    with pytest.raises(BadAnswer, match="larger than"):
        ada.stats()


def test_connections_are_kept(server: ScriptedServer, ada: Client) -> None:
    """Calls one after the other use one connection, after refusals too."""
    server.on("GET", "/tasks/stats", reply(200, STATS), reply(409, {"error": "no"}), reply(200, STATS))
    ada.stats()
    with pytest.raises(Conflict):
        ada.stats()
    ada.stats()
    assert {asked.connection for asked in server.asked} == {1}


def test_the_environment_sends_nothing_elsewhere(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment is not used unless it was configured for Clawtrail."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")
    server.on("GET", "/tasks/stats", reply(200, STATS))
    with Client(server.url, TOKEN, retrying=QUICKLY) as client:
        assert client.stats().total == 1


def test_a_configured_proxy_is_used(server: ScriptedServer) -> None:
    """With a proxy, the request goes to it."""
    server.on("GET", "http://127.0.0.1:9/tasks/stats", reply(200, STATS))
    server.on("GET", "/tasks/stats", reply(200, STATS))
    with Client("http://127.0.0.1:9", TOKEN, proxy=server.url, retrying=QUICKLY) as client:
        assert client.stats().total == 1


def test_the_token_goes_in_its_header_and_into_no_error(server: ScriptedServer, ada: Client) -> None:
    """Requests carry the token as a bearer; errors of every sort do not repeat it."""
    server.on("GET", "/tasks/stats", reply(401, {"error": "Unauthorized", "code": "unauthorized"}))
    with pytest.raises(clawtrail.Unauthorized) as caught:
        ada.stats()
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr(caught.value) + str(caught.value.__dict__)


def test_pauses_are_random_and_bounded() -> None:
    """Full jitter: every pause lies between nothing and the doubled bound, never above the longest."""
    retrying = Retrying(first=1.0, longest=6.0)
    for failures, bound in [(1, 2.0), (2, 4.0), (3, 6.0), (50, 6.0)]:
        pauses = [retrying.pause(failures) for _ in range(200)]
        assert 0 <= min(pauses) < bound / 4
        assert bound * 3 / 4 < max(pauses) <= bound


def test_a_request_id_of_the_server_is_kept(server: ScriptedServer, ada: Client) -> None:
    """The request id of a refusal is there to be told to whoever reads the server's log."""
    server.on(
        "GET", "/tasks/stats", reply(500, {"error": "oops", "code": "internal_error"}, X_Request_Id="r-7")
    )
    with pytest.raises(ServerFailed) as caught:
        ada.stats()
    assert caught.value.request_id == "r-7"
