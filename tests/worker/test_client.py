"""The service over HTTP: every answer is checked, and what is wrong with it decides what is done."""

import ssl
import threading
from pathlib import Path

import pytest

from tests.support.certificates import self_signed
from tests.support.fake_http import Answer
from tests.support.fake_server import TOKEN, FakeServer
from worker import client
from worker.client import Server
from worker.errors import BadAnswer, Busy, Refused, Rejected, ServerTrouble, Unreachable

SYNC = b'{"workerId":"wim","session":"s","kinds":[],"labels":[],"free":0,"leases":[],"inFlight":0,"wait":0}'
HTML = {"Content-Type": "text/html"}
CLAIM = b'{"taskId":"t","attempt":1,"lease":"l","kind":"command","payload":{},"timeout":5%s}'


@pytest.fixture
def server(fake: FakeServer) -> Server:
    """The client's side of *fake*."""
    return Server(fake.url, TOKEN, version="1", proxy=None, ca_file=None)


def test_answer_is_read(fake: FakeServer, server: Server) -> None:
    """What the service says arrives in its shape; fields that are not known are ignored."""
    task = fake.submit(command="true")
    answer = server.sync(SYNC.replace(b'"free":0', b'"free":1'), wait=0)
    assert [claim.task_id for claim in answer.tasks] == [task.id]
    assert answer.lease_ms == 60000


@pytest.mark.parametrize(
    ("answer", "error", "word"),
    [
        (Answer(200, b"<html>Log in to the hotel</html>", HTML), BadAnswer, "200 text/html is not what"),
        (Answer(200, b"[]"), BadAnswer, "the whole: Input should be an object"),
        (Answer(200, b""), BadAnswer, "is not what a Clawtrail service says"),
        (Answer(200, b'{"tasks":[]}'), BadAnswer, "leaseMs: Field required"),
        (Answer(200, b'{"leaseMs":60000,"tasks":null}'), BadAnswer, "tasks: Input should be a valid array"),
        (Answer(200, b'{"leaseMs":0}'), BadAnswer, "leaseMs: Input should be greater than 0"),
        (Answer(200, b'{"leaseMs":1,"tasks":[%s]}' % (CLAIM % b',"attempt":"1"')), BadAnswer, "attempt"),
        (Answer(200, b'{"leaseMs":1,"tasks":[%s]}' % (CLAIM % b',"lease":""')), BadAnswer, "lease"),
        (
            Answer(302, b"", {"Location": "https://elsewhere.example/"}),
            BadAnswer,
            "https://elsewhere.example/",
        ),
        (Answer(404, b"<html>", HTML), BadAnswer, "404 text/html"),
        (Answer(404, b"{}"), BadAnswer, "404"),
        (Answer(400, b'{"error":"no","code":"invalid_request"}'), Rejected, "400 invalid_request: no"),
        (Answer(401, b'{"error":"Unauthorized"}'), Refused, "refuses this worker's token"),
        (Answer(403, b'{"error":"not a worker","code":"forbidden"}'), Refused, "not a worker"),
        (Answer(502, b"<html>", HTML), Busy, "the service answers 502"),
        (Answer(503, b'{"error":"going","code":"shutting_down"}'), Busy, "going"),
        (Answer(cut=True), Unreachable, "no answer from"),
    ],
)
def test_wrong_answers_are_told_apart(
    fake: FakeServer, server: Server, answer: Answer, error: type[Exception], word: str
) -> None:
    """Whatever comes instead of an answer is named in the tree of errors, with a sentence for the log."""
    fake.before = lambda _path, _body: answer
    with pytest.raises(error, match=word):
        server.sync(SYNC, wait=0)
    fake.before = lambda _path, _body: None
    server.sync(SYNC, wait=0)


def test_wished_for_pause_is_passed_on(fake: FakeServer, server: Server) -> None:
    """A Retry-After is heard, within reason, and a strange one is ignored."""
    for value, seconds in (("7", 7.0), ("86400", 60.0), ("tomorrow", None)):
        answer = Answer(429, b"{}", {"Retry-After": value})
        fake.before = lambda _path, _body, answer=answer: answer  # type: ignore[misc]
        with pytest.raises(Busy) as caught:
            server.sync(SYNC, wait=0)
        assert caught.value.retry_after == seconds


def test_oversized_answer_is_not_read_to_its_end(
    fake: FakeServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the most that an answer can be is refused, and the connection is not used again."""
    monkeypatch.setattr(client, "MOST_BYTES", 1000)
    fake.before = lambda _path, _body: Answer(200, b" " * 5000)
    with pytest.raises(BadAnswer, match="more than 1000 bytes"):
        server.sync(SYNC, wait=0)
    fake.before = lambda _path, _body: None
    server.sync(SYNC, wait=0)


def test_nobody_listens(fake: FakeServer, server: Server) -> None:
    """A service that is away is trouble, not a crash; it is found again when it is back."""
    fake.close()
    with pytest.raises(Unreachable):
        server.sync(SYNC, wait=0)
    with FakeServer(port=fake.port):
        server.sync(SYNC, wait=0)


def test_connections_are_kept(fake: FakeServer, server: Server) -> None:
    """One after the other, calls use one connection; proxies of the environment are not asked."""
    for _ in range(5):
        server.sync(SYNC, wait=0)
    assert fake.connections == 1


def test_environment_proxies_are_ignored(
    fake: FakeServer, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy is used if it is configured for the worker, never because the environment has one."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.sync(SYNC, wait=0)
    with pytest.raises(Unreachable):
        Server(fake.url, TOKEN, version="1", proxy="http://127.0.0.1:9", ca_file=None).sync(SYNC, wait=0)


def test_certificate_of_the_service_is_checked(tmp_path: Path) -> None:
    """Over https only a service whose certificate is trusted gets the token."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*self_signed(tmp_path))
    with FakeServer(tls=tls) as fake:
        own_ca = str(tmp_path / "certificate.pem")
        Server(fake.url, TOKEN, version="1", proxy=None, ca_file=own_ca).sync(SYNC, wait=0)
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            Server(fake.url, TOKEN, version="1", proxy=None, ca_file=None).sync(SYNC, wait=0)
        assert len(fake.requests) == 1


def test_threads_do_not_mix_their_answers(fake: FakeServer, server: Server) -> None:
    """Calls of many threads at the same time each get their own answer."""
    body = b'{"workerId":"wim","session":"s","free":0,"items":[%s]}'
    item = b'{"type":"output","lease":"none","stream":"stdout","offset":0,"data":""}'
    counts: list[tuple[int, int]] = []

    def call(number: int) -> None:
        for _ in range(10):
            answer = server.report(body % b",".join([item] * number))
            counts.append((number, len(answer.results)))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(counts) == 60
    assert all(asked == got for asked, got in counts)


def test_errors_are_one_tree() -> None:
    """What is worth another try is one branch; a rejection is not on it."""
    assert all(issubclass(kind, ServerTrouble) for kind in (Unreachable, Busy, BadAnswer, Refused))
    assert not issubclass(Rejected, ServerTrouble)
