"""Gemini CLI: how ``gemini`` is called without a terminal, what its stream says, where its sessions lie.

Facts, with where they come from (google-gemini/gemini-cli):

* Without a terminal and without ``-p`` the prompt is read from stdin; ``--output-format stream-json``;
  ``--resume`` takes ``latest`` or the id of a session, found from the project's folder only;
  ``--approval-mode`` (docs/cli/headless.md, docs/cli/session-management.md).
* Events: ``init`` with ``session_id`` and ``model``, ``message`` with ``role``, ``content`` and ``delta``,
  ``tool_use`` with ``tool_name`` and ``parameters``, ``error`` (also warnings), and at last ``result`` with
  ``status``, ``error`` and ``stats.duration_ms`` (packages/core/src/output/types.ts). It tells no costs and
  takes no limit of them.
* Exit codes: 1 an error, 42 a prompt or an argument that is none, 53 too many turns (docs/cli/headless.md).
* It chooses the id of a session. A session is ``~/.gemini/tmp/PROJECT/chats/session-TIME-ID.json``
  (``.jsonl`` in newer versions), where ID is the first part of ``sessionId`` in it; ``.project_root`` in
  PROJECT names the folder.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from worker.executors.agents.stored import Stored, beginning, find_text
from worker.executors.agents.story import MOST_ERROR, Event, Story, clean, object_of, text_of, whole
from worker.orders import AgentCall

MODES = ("default", "auto_edit", "plan", "yolo")
ENV: tuple[str, ...] = ()


def argv(call: AgentCall) -> tuple[str, ...]:
    """Give the words of the command; the prompt goes to its standard input."""
    words = ["gemini", "--output-format", "stream-json", "--approval-mode", call.mode or MODES[0]]
    if call.model is not None:
        words += ["--model", call.model]
    if call.resume:
        words += ["--resume", call.session or "latest"]
    if call.allowed_tools:
        words += ["--allowed-tools", ",".join(call.allowed_tools)]
    return tuple(words)


def hear(story: Story, event: Event) -> None:
    """Take one line of the stream into the story."""
    kind = text_of(event.get("type"))
    if kind == "init":
        story.session = text_of(event.get("session_id")) or story.session
        story.model = clean(text_of(event.get("model")), 100) or story.model
    elif kind == "message" and event.get("role") == "assistant":
        said = text_of(event.get("content"))
        story.text = story.text + said if event.get("delta") is True and not story.fresh_turn else said
        story.fresh_turn = False
    elif kind == "tool_use":
        story.use(event.get("tool_name"), event.get("parameters"), known_as=event.get("tool_id"))
        story.fresh_turn = True
    elif kind == "error":
        story.error = clean(text_of(event.get("message")), MOST_ERROR)
    elif kind == "result":
        story.over, story.failed = True, event.get("status") != "success"
        story.took_ms = whole(object_of(event.get("stats")).get("duration_ms"))
        why = text_of(object_of(event.get("error")).get("message"))
        story.error = clean(why, MOST_ERROR) or story.error


def stored(_env: Mapping[str, str], home: Path, begins: str = "") -> Iterator[Stored]:
    """Give the sessions on this disk whose id begins so; *begins* is an id or the beginning of one."""
    for file in (home / ".gemini" / "tmp").glob(f"*/chats/session-*-{begins[:8]}*.json*"):
        name = find_text(beginning(file), "sessionId")
        if name is not None and name.startswith(begins):
            yield Stored(name, file)


def about(session: Stored) -> tuple[Path | None, str]:
    """Give the folder that a session began in, and its first words."""
    folder = None
    with suppress(OSError, ValueError):
        folder = Path((session.file.parents[1] / ".project_root").read_text(encoding="utf-8").strip())
    return folder, find_text(beginning(session.file), "content") or ""
