"""A service that is away or ill: the worker is patient, says so once, and comes back."""

import time

import pytest

from tests.support.fake_http import Answer
from tests.support.fake_server import FakeServer
from tests.support.worker_process import eventually
from tests.worker.conftest import StartWorker

TROUBLE = "trouble with the service, trying on"
BACK = "the service answers again"
QUICK = {"CLAWTRAIL_WORKER_POLL_INTERVAL": "20"}


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Answer(200, b"<html>Log in to the hotel</html>", {"Content-Type": "text/html"}), "text/html"),
        (Answer(cut=True), "no answer"),
    ],
)
def test_outage_is_waited_out_and_logged_once(
    fake: FakeServer, start_worker: StartWorker, answer: Answer, word: str
) -> None:
    """It is tried again with pauses; the log has one line for the whole outage, and one for its end."""
    fake.before = lambda _path, _body: answer
    worker = start_worker(**QUICK)
    fake.until(lambda: len(fake.requests) >= 3)
    fake.before = lambda _path, _body: None
    fake.ended(fake.submit(command="true"))
    eventually(lambda: BACK in worker.messages())
    assert worker.messages().count(TROUBLE) == worker.messages().count(BACK) == 1
    (trouble,) = [entry for entry in worker.log if entry["msg"] == TROUBLE]
    assert word in trouble["error"]


def test_refused_token_is_said_and_not_hammered(fake: FakeServer, start_worker: StartWorker) -> None:
    """With a token that the service refuses there is one clear line, and a long pause before the next try."""
    fake.token = "another-token"
    worker = start_worker(**QUICK)
    eventually(lambda: TROUBLE in worker.messages())
    with pytest.raises(TimeoutError):
        fake.until(lambda: len(fake.requests) > 1, within=0.7)
    (line,) = [entry for entry in worker.log if entry["msg"] == TROUBLE]
    assert line["error"] == "the service refuses this worker's token (401): Unauthorized"
    assert worker.stop() == 0


def test_service_that_is_away_and_comes_back(start_worker: StartWorker, fake: FakeServer) -> None:
    """A restart of the service on the same address is survived, and work goes on."""
    worker = start_worker(**QUICK)
    fake.ended(fake.submit(command="true"))
    fake.close()
    eventually(lambda: TROUBLE in worker.messages())
    with FakeServer(port=fake.port) as again:
        again.ended(again.submit(command="true"))
        eventually(lambda: BACK in worker.messages())
        assert worker.stop() == 0


def test_one_rejected_report_does_not_stand_in_the_way_of_others(
    fake: FakeServer, start_worker: StartWorker
) -> None:
    """What the service will never take is set aside with an error; other tasks go their way."""
    rejected = Answer(400, b'{"error":"no","code":"invalid_request"}')
    start = start_worker("--max-concurrent", "4", **QUICK)
    fake.until(lambda: len(fake.requests) == 2)
    bad = fake.submit(command="echo bad")

    def reject(path: str, body: dict[str, list[dict[str, object]]]) -> Answer | None:
        tells = path == "/worker/report" and any(
            item["lease"] == bad.lease and item["type"] == "result" for item in body["items"]
        )
        return rejected if tells else None

    fake.before = reject
    for task in [fake.submit(command="true") for _ in range(6)]:
        fake.ended(task)
    eventually(lambda: "the service will not take a report" in start.messages())
    assert not bad.results


def test_early_empty_answers_are_slowed_down(fake: FakeServer, start_worker: StartWorker) -> None:
    """A service without room to park syncs is not asked in a hot loop."""
    fake.before = lambda path, _body: (
        Answer(200, b'{"tasks":[],"cancel":[],"lost":[],"drain":false,"leaseMs":60000}')
        if path == "/worker/sync"
        else None
    )
    start_worker()
    fake.until(lambda: len(fake.requests) >= 2)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        fake.until(lambda: len(fake.requests) > 8, within=1.0)
    assert time.monotonic() - began >= 1.0
