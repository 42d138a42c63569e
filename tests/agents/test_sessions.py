"""Sessions of agents: begun, gone on with, found by a part of their id, and bound to their folder."""

import json
import threading
import uuid
from pathlib import Path

import psutil
import pytest

from tests.support.agents import NAMES, Home
from worker.errors import JournalFailed
from worker.executors.agents.cli import BY_KIND
from worker.executors.agents.payload import AgentTrouble
from worker.executors.agents.recent import list_recent
from worker.executors.agents.sessions import Sessions

every_agent = pytest.mark.parametrize("kind", [f"{name}-cli" for name in NAMES])


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("claude-cli", "discord:1234 5678/ü"),
        ("claude-cli", "x" * 200),
        ("codex-cli", "--resume"),
        ("gemini-cli", "../../etc"),
    ],
)
def test_any_text_can_name_a_session(home: Home, kind: str, asked: str) -> None:
    """What a chat calls its session stands for one session of the agent, round after round."""
    first = home.ask(kind, "hello", sessionId=asked)
    second = home.ask(kind, "hello", sessionId=asked)
    assert (first.stdout, second.stdout) == (b"round 1: hello", b"round 2: hello"), second
    assert first.about["sessionId"] == second.about["sessionId"]
    assert str(uuid.UUID(first.about["sessionId"])) == first.about["sessionId"]
    assert (first.about["resumed"], second.about["resumed"]) == (False, True)


@every_agent
def test_sessions_outlive_the_worker(home: Home, kind: str) -> None:
    """A worker that starts anew knows the sessions of the one before, and their folders."""
    work = home.folder / "work"
    work.mkdir(exist_ok=True)
    home.ask(kind, "hello", sessionId="lasting", cwd=str(work))
    later = Home(home.folder)
    told = later.ask(kind, "hello", sessionId="lasting")
    later.sessions.close()
    assert told.stdout == b"round 2: hello"
    assert told.about["cwd"] == str(work)


@every_agent
def test_real_id_goes_on_too(home: Home, kind: str) -> None:
    """The id that the metadata says can be used instead of the one that was asked for."""
    first = home.ask(kind, "hello", sessionId=f"by-name-{kind}")
    second = home.ask(kind, "hello", sessionId=first.about["sessionId"])
    assert second.stdout == b"round 2: hello"
    assert "askedSessionId" not in second.about


def test_uuid_is_the_id_of_a_new_claude_session(home: Home) -> None:
    """A UUID that is on no disk begins a session of that id."""
    name = str(uuid.uuid4())
    assert home.ask("claude-cli", "hello", sessionId=name).about["sessionId"] == name
    assert name in home.stored("claude-cli")


@every_agent
def test_session_that_somebody_began_by_hand_goes_on(home: Home, kind: str) -> None:
    """A session that the worker has never seen is found by its file, and its folder with it."""
    by_hand, work = Home(home.folder / f"hand-{kind}"), home.folder / f"hand-{kind}" / "work"
    work.mkdir(parents=True)
    first = by_hand.ask(kind, "hello", cwd=str(work))
    by_hand.sessions.close()
    (by_hand.folder / "sessions.db").unlink()
    later = Home(by_hand.folder)
    told = later.ask(kind, "hello", sessionId=first.about["sessionId"])
    later.sessions.close()
    assert (told.stdout, told.about["cwd"]) == (b"round 2: hello", str(work))


@every_agent
def test_unique_beginning_of_an_id_is_enough(home: Home, kind: str) -> None:
    """At least eight characters name the one session that begins so; fewer are a name like any other."""
    first = home.ask(kind, "hello", sessionId=f"prefixed-{kind}")
    real = first.about["sessionId"]
    assert home.ask(kind, "hello", sessionId=real[:8]).about["sessionId"] == real
    assert home.ask(kind, "hello", sessionId=real[:7]).about["sessionId"] != real


def test_ambiguous_beginning_is_refused_with_candidates(home: Home) -> None:
    """Where two sessions begin so, both are told and nothing runs; one made for the task is none of them."""
    ids = [f"abcdef01-0000-4000-8000-00000000000{number}" for number in (1, 2)]
    for name in ids:
        home.ask("claude-cli", "hello", sessionId=name)
    with pytest.raises(AgentTrouble, match="give more of the id") as refused:
        home.ask("claude-cli", "hello", sessionId="abcdef01")
    assert all(name in str(refused.value) for name in ids)
    assert home.ask("claude-cli", "hello", sessionId="abcdef01", isNew=True).stdout == b"round 1: hello"


@every_agent
def test_session_is_bound_to_its_folder(home: Home, kind: str) -> None:
    """Another folder than the one it began in is refused, and its own may be named."""
    work = home.folder / "bound"
    work.mkdir(exist_ok=True)
    home.ask(kind, "hello", sessionId="bound", cwd=str(work))
    with pytest.raises(AgentTrouble, match="belongs to"):
        home.ask(kind, "hello", sessionId="bound", cwd=str(home.folder))
    assert home.ask(kind, "hello", sessionId="bound", cwd=str(work)).stdout == b"round 2: hello"


def test_session_whose_file_is_gone_begins_anew(home: Home) -> None:
    """The file decides: without it, a session begins again under its id."""
    told = home.ask("claude-cli", "hello", sessionId="vanishing")
    [file] = (home.folder / ".claude").glob(f"projects/*/{told.about['sessionId']}.jsonl")
    file.unlink()
    again = home.ask("claude-cli", "hello", sessionId="vanishing")
    assert (again.stdout, again.about["resumed"]) == (b"round 1: hello", False)
    assert again.about["sessionId"] == told.about["sessionId"]


@every_agent
def test_newest_session_goes_on(home: Home, kind: str) -> None:
    """Without an id, resumeLatest goes on with the newest session of the folder."""
    work = home.folder / f"latest-{kind}"
    work.mkdir()
    first = home.ask(kind, "hello", cwd=str(work), sessionId=f"latest-{kind}")
    told = home.ask(kind, "hello", cwd=str(work), resumeLatest=True)
    assert told.stdout == b"round 2: hello"
    assert told.about["sessionId"] == first.about["sessionId"]


def test_config_folder_of_the_worker_counts(home: Home, tmp_path: Path) -> None:
    """CLAUDE_CONFIG_DIR of the worker is where sessions are looked for, and given to the agent."""
    home.own["CLAUDE_CONFIG_DIR"] = str(tmp_path / "config")
    try:
        home.ask("claude-cli", "hello", sessionId="elsewhere")
        assert home.ask("claude-cli", "hello", sessionId="elsewhere").stdout == b"round 2: hello"
        assert len(list((tmp_path / "config").rglob("*.jsonl"))) == 1
    finally:
        home.own.clear()


def test_one_session_has_one_run_at_a_time(home: Home) -> None:
    """Tasks that name a session differently do not run in it at the same time."""
    first = home.ask("claude-cli", "hello", sessionId="shared-session")
    names = ["shared-session", first.about["sessionId"], first.about["sessionId"][:9]]
    told: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda name=name: told.append(home.ask("claude-cli", "go", sessionId=name).stdout)
        )
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == [b"round 2: go", b"round 3: go", b"round 4: go"]


@every_agent
def test_recent_sessions_are_listed(home: Home, kind: str) -> None:
    """The newest sessions come first, with folder, time, size and first words; at most 20."""
    own, work = Home(home.folder / f"recent-{kind}"), home.folder / f"recent-{kind}" / "work"
    work.mkdir()
    for number in range(22):
        own.ask(kind, f"topic {number}\nmore", cwd=str(work), sessionId=f"s{number}") if number > 19 else None
    listed = list_recent(BY_KIND[kind], own.planner.disk)
    own.sessions.close()
    assert [one["topic"] for one in listed] == ["topic 21 more", "topic 20 more"]
    assert listed[0]["project"] == str(work)
    assert listed[0]["sessionId"] in own.stored(kind)
    assert set(listed[0]) == {"sessionId", "project", "lastModified", "sizeKB", "topic"}
    json.dumps(listed)


@every_agent
def test_damaged_files_of_sessions_do_no_harm(home: Home, kind: str) -> None:
    """What is no session, no text or not readable is listed with what is known of it, or not at all."""
    own = Home(home.folder / f"damaged-{kind}")
    first = own.ask(kind, "hello")
    [file] = [one.file for one in BY_KIND[kind].stored({}, own.folder, first.about["sessionId"])]
    file.write_bytes(b"\xff\x00{" * 1000 + b"\n[1]\nnull\n" + b"[" * 100000)
    file.with_name(f"{file.name}.d.jsonl").mkdir()
    listed = list_recent(BY_KIND[kind], own.planner.disk)
    own.sessions.close()
    assert len(listed) <= 2


def test_unusable_notes_are_named_and_not_kept_open(tmp_path: Path) -> None:
    """A file that is no database is refused with its name, and no connection to it stays open."""
    path = tmp_path / "sessions.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(JournalFailed, match=r"sessions\.db"):
        Sessions(path)
    assert str(path) not in {file.path for file in psutil.Process().open_files()}
