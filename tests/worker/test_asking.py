"""Questions from inside a run, where the worker demands signatures."""

from tests.support.fake_server import TOKEN, FakeServer
from worker import items
from worker.asking import UNSIGNED, Asker
from worker.client import Server
from worker.orders import Decision
from worker.patience import Patience
from worker.reporting import Outbox
from worker.slots import Slots


def test_unsigned_answers_do_not_count_where_signed_ones_are_demanded(fake: FakeServer) -> None:
    """A worker that takes signed answers only says no by itself, and asks nobody in vain."""
    server = Server(fake.url, TOKEN, version="1", proxy=None, ca_file=None)
    outbox = Outbox(server, Slots(1), Patience(), worker_id="wim", session="s")
    question = items.question("l", rule="r", digest="d", policy_hash="p", describe="Bash: rm notes")
    assert Asker(outbox, None).ask(question, is_over=lambda: False) == Decision(allowed=False, why=UNSIGNED)
    assert fake.questions == {}
