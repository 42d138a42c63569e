"""The journal: what is noted survives, and nothing is started twice."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.worker_process import eventually
from worker.errors import JournalFailed, StateInUse
from worker.journal import Journal, Untold
from worker.state import hold

Open = Callable[[], Journal]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is kept."""
    return tmp_path / "journal.db"


@pytest.fixture
def open_journal(path: Path) -> Iterator[Open]:
    """Open the journal, as often as a test likes; all are closed at the end."""
    opened: list[Journal] = []

    def open_it() -> Journal:
        opened.append(Journal(path))
        return opened[-1]

    yield open_it
    for journal in opened:
        with suppress(JournalFailed):  # closed by the test itself
            journal.close()


def test_lease_starts_once(open_journal: Open) -> None:
    """The same lease is never noted again; a claim that came to nothing has another, and may start."""
    journal = open_journal()
    assert journal.starting("lease-1", "t", 1)
    assert not journal.starting("lease-1", "t", 1)
    assert journal.starting("lease-2", "t", 1)


def test_attempt_starts_once(open_journal: Open) -> None:
    """An attempt whose start was confirmed is never started again, whatever its lease; another one is."""
    journal = open_journal()
    journal.starting("lease-1", "t", 1)
    journal.started("t", 1)
    assert not journal.starting("lease-2", "t", 1)
    assert journal.starting("lease-3", "t", 2)


def test_attempt_starts_once_over_lives(open_journal: Open) -> None:
    """A start is remembered after the outcome was delivered and the worker was started anew."""
    journal = open_journal()
    journal.starting("lease-1", "t", 1)
    journal.started("t", 1)
    journal.ended("lease-1", "t", 1, b"{}")
    journal.forget("lease-1")
    journal.close()
    journal = open_journal()
    assert not journal.starting("lease-1", "t", 1)
    assert not journal.starting("lease-2", "t", 1)


def test_refused_lease_is_forgotten(open_journal: Open) -> None:
    """Of a lease that the service said no to nothing is left for the next life to tell."""
    journal = open_journal()
    journal.starting("lease-1", "t", 1)
    journal.forget("lease-1")
    journal.close()
    assert open_journal().untold() == []


def test_untold_ends_are_kept_until_delivered(open_journal: Open) -> None:
    """What a life leaves untold is found by the next, oldest first, and what was delivered is not."""
    journal = open_journal()
    for name in ("a", "b", "c"):
        journal.starting(f"lease-{name}", name, 1)
    journal.ended("lease-b", "b", 1, b'{"type":"result"}')
    journal.ended("lease-c", "c", 1, b"{}")
    journal.forget("lease-c")
    journal.close()
    untold = sorted(open_journal().untold(), key=lambda entry: entry.task_id)
    assert untold == [Untold("lease-a", "a", 1, None), Untold("lease-b", "b", 1, b'{"type":"result"}')]


def test_delivery_is_written_with_the_next_note(open_journal: Open, path: Path) -> None:
    """Forgetting a delivered outcome costs no commit of its own."""
    journal = open_journal()
    journal.ended("lease-a", "a", 1, b"{}")
    journal.forget("lease-a")
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM untold").fetchone() == (1,)
        journal.starting("lease-b", "b", 1)
        assert other.execute("SELECT task_id FROM untold").fetchall() == [("b",)]
    other.close()


def test_notes_of_the_same_moment_share_a_commit(open_journal: Open, path: Path) -> None:
    """While one commit is under way, what all other threads want to note waits for one single commit."""
    journal = open_journal()
    commits: list[str] = []
    journal._conn.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)  # noqa: SLF001 - seen from inside only
    blocker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    threads = [threading.Thread(target=journal.starting, args=(f"l{n}", "t", n)) for n in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: journal._crew.waiting == 5)  # noqa: SLF001
    blocker.execute("COMMIT")
    blocker.close()
    for thread in threads:
        thread.join(5)
    assert commits == ["COMMIT"] * 2


def test_commits_are_synchronous(open_journal: Open) -> None:
    """The journal waits for the disk at each commit, in WAL mode."""
    journal = open_journal()
    assert journal._conn.execute("PRAGMA synchronous").fetchone() == (2,)  # noqa: SLF001
    assert journal._conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)  # noqa: SLF001


def test_failing_journal_says_so(open_journal: Open) -> None:
    """A note that cannot be written raises, and the journal is of use again afterwards."""
    journal = open_journal()
    journal._conn.execute("PRAGMA max_page_count = 1")  # noqa: SLF001
    with pytest.raises(JournalFailed, match="full"):
        journal.ended("lease", "t", 1, b"x" * 100_000)
    journal._conn.execute("PRAGMA max_page_count = 1000")  # noqa: SLF001
    assert journal.starting("lease", "later", 1)


def test_unusable_journal_is_named(path: Path) -> None:
    """A file that is no database is refused with its name."""
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(JournalFailed, match=r"journal\.db"):
        Journal(path)


def test_state_folder_has_one_holder(tmp_path: Path) -> None:
    """A second worker on the same folder is refused; the folder is for its owner alone."""
    folder = tmp_path / "a" / "state"
    hold(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(StateInUse, match="Another worker"):
        hold(folder)
