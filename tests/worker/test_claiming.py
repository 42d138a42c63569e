"""How a real worker asks for work: what it offers, when it asks anew, and what a task costs in requests."""

from tests.support.fake_http import Answer, Json
from tests.support.fake_server import FakeServer
from tests.worker.conftest import StartWorker


def test_first_sync_says_who_asks(fake: FakeServer, start_worker: StartWorker) -> None:
    """Name, kinds, labels and slots stand in the first sync, which does not wait: it learns the lease."""
    start_worker("--max-concurrent", "4", "--label", "os=linux", "--label", "gpu=no")
    fake.until(lambda: len(fake.requests) > 1)
    first, second = fake.told("/worker/sync")[:2]
    assert first["workerId"] == first["name"] == "wim"
    assert first["kinds"] == ["command", "file-edit", "file-read", "file-write"]
    assert first["labels"] == ["os=linux", "gpu=no"]
    assert (first["free"], first["leases"], first["inFlight"], first["wait"]) == (4, [], 0, 0)
    assert second["wait"] == 20000
    assert second["session"] == first["session"]


def test_idle_worker_keeps_one_sync_parked(fake: FakeServer, start_worker: StartWorker) -> None:
    """With nothing to do there is one request at a time, and it is held."""
    start_worker()
    fake.until(lambda: len(fake.requests) == 2)
    fake.ended(fake.submit(command="true"))
    fake.until(lambda: len(fake.told("/worker/sync")) == 3)
    assert len(fake.told("/worker/report")) == 2


def test_quick_task_is_two_reports(fake: FakeServer, start_worker: StartWorker) -> None:
    """The start is one report; output and result of a short run go together in the other."""
    start_worker()
    task = fake.submit(command="echo out; echo err >&2; exit 3")
    result = fake.ended(task)
    reports = [[item["type"] for item in body["items"]] for body in fake.told("/worker/report")]
    assert reports == [["start"], ["output", "output", "result"]]
    assert (task.stdout, task.read("stderr")) == (b"out\n", b"err\n")
    assert (result["exitCode"], result["error"], result["reason"]) == (3, None, "exit")
    assert (result["stdoutBytes"], result["stderrBytes"], result["truncated"]) == (4, 4, False)


def test_nothing_runs_before_the_yes(fake: FakeServer, start_worker: StartWorker) -> None:
    """A task whose start is refused, as lost or as cancelled, leaves no trace of having run."""
    start_worker()
    fake.until(lambda: len(fake.requests) == 2)

    def refuse(_path: str, body: Json) -> None:
        # At the very moment that the worker asks: of what it knows before, it does not ask at all.
        asked = {item["lease"] for item in body.get("items", ()) if item["type"] == "start"}
        if lost.lease in asked:
            fake.lose(lost)
        cancelled.cancel = cancelled.cancel or cancelled.lease in asked

    with fake.changed:  # nobody claims meanwhile
        lost = fake.submit(command="echo never")
        cancelled = fake.submit(command="echo never")
        fake.before = refuse
    fake.until(lambda: cancelled.state == "cancelled" and len(fake.items("start")) == 2)
    after = fake.submit(command="true")
    fake.before = lambda _path, _body: None
    fake.ended(after)
    assert not lost.results
    assert not cancelled.results


def test_full_worker_gets_its_next_task_with_the_report(fake: FakeServer, start_worker: StartWorker) -> None:
    """A slot that frees while others wait is filled by the answer to the result, without another sync."""
    tasks = [fake.submit(command="true") for _ in range(40)]
    start_worker("--max-concurrent", "2")
    for task in tasks:
        fake.ended(task)
    fake.until(lambda: fake.told("/worker/sync")[-1]["free"] > 0)
    assert len(fake.told("/worker/sync")) <= 6
    assert sum(body["free"] for body in fake.told("/worker/report")) >= 38


def test_offers_never_exceed_the_slots(fake: FakeServer, start_worker: StartWorker) -> None:
    """Whatever mixture of syncs and reports: held tasks and offers are never more than the slots."""
    start_worker("--max-concurrent", "3")
    for _ in range(10):
        for task in [fake.submit(command="true") for _ in range(7)]:
            fake.ended(task)
    assert fake.most_offered == 3


def test_busy_worker_stays_parked_for_news(fake: FakeServer, start_worker: StartWorker) -> None:
    """With all slots taken a sync that offers none is parked, naming the lease; a freed slot replaces it."""
    start_worker("--max-concurrent", "1")
    task = fake.submit(command="sleep 0.2")
    fake.ended(task)
    fake.until(lambda: fake.told("/worker/sync")[-1]["free"] == 1)
    parked = [body for body in fake.told("/worker/sync") if body["free"] == 0]
    assert parked[0]["leases"] == [task.lease]


def test_report_of_many_is_one_request(fake: FakeServer, start_worker: StartWorker) -> None:
    """What is to be told while a report is under way goes together in the next."""
    start_worker("--max-concurrent", "8")
    fake.until(lambda: len(fake.requests) == 2)
    with fake.changed:  # nothing is answered until this is let go
        tasks = [fake.submit(command="true") for _ in range(8)]
    for task in tasks:
        fake.ended(task)
    assert len(fake.told("/worker/report")) < 16


def test_drained_worker_offers_nothing(fake: FakeServer, start_worker: StartWorker) -> None:
    """Told to drain, a worker offers no slot until it is told otherwise."""
    start_worker()
    fake.until(lambda: len(fake.requests) == 2 and fake.parked)
    with fake.changed:
        fake.drain = True
        fake.changed.notify_all()
    fake.until(lambda: fake.told("/worker/sync")[-1]["free"] == 0 and fake.parked)
    with fake.changed:
        fake.drain = False
        fake.changed.notify_all()
    fake.ended(fake.submit(command="true"))


def test_claim_of_a_lost_answer_is_not_listed(fake: FakeServer, start_worker: StartWorker) -> None:
    """When the answer with a claim is lost, the next sync shows it, so the task can be handed out again."""
    start_worker()
    fake.until(lambda: len(fake.requests) == 2)
    lost: list[str] = []

    def cut_once(path: str, _body: object) -> Answer | None:
        if path != "/worker/sync" or lost:
            return None
        lost.extend(task.lease for task in fake.tasks.values())
        return Answer(cut=True)

    fake.after = cut_once
    task = fake.submit(command="true")
    fake.ended(task)
    assert lost != [task.lease]
