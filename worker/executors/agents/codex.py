"""Codex: how ``codex exec`` is called, what its stream says, and where its sessions lie.

Facts, with where they come from (openai/codex):

* ``codex exec --json [-m MODEL] [--sandbox MODE] [resume ID] -`` reads the prompt from stdin because of the
  ``-``; ``--sandbox`` has to stand before ``resume``; outside of a git repository it runs only with
  ``--skip-git-repo-check`` (codex-rs/exec/src/cli.rs).
* Events: ``thread.started`` with ``thread_id``, ``item.started`` and ``item.completed`` with an ``item`` of
  type ``agent_message``, ``command_execution``, ``file_change``, ``mcp_tool_call``, ``web_search`` ..., then
  ``turn.completed`` with ``usage`` or ``turn.failed`` with ``error.message``. ``error`` events come also
  while it connects anew, so they are no end by themselves (codex-rs/exec/src/exec_events.rs).
* It chooses the id of a session. It tells no costs and takes no limit of them.
* A session is ``$CODEX_HOME/sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl``, by default below ``~/.codex``; its
  first line is ``session_meta`` with ``id`` and ``cwd`` (codex-rs/rollout).
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from worker.executors.agents.stored import Stored, first_objects
from worker.executors.agents.story import MOST_ERROR, Event, Story, clean, object_of, text_of
from worker.orders import AgentCall

MODES = ("read-only", "workspace-write", "danger-full-access")
ENV = ("CODEX_HOME",)

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def argv(call: AgentCall) -> tuple[str, ...]:
    """Give the words of the command; the prompt goes to its standard input."""
    words = ["codex", "exec", "--json", "--skip-git-repo-check", "--sandbox", call.mode or MODES[0]]
    if call.model is not None:
        words += ["-m", call.model]
    if call.resume:
        words += ["resume", "--last" if call.session is None else call.session]
    return (*words, *(() if call.resume and call.session is None else ("-",)))


def hear(story: Story, event: Event) -> None:
    """Take one line of the stream into the story."""
    kind = text_of(event.get("type"))
    if kind == "thread.started":
        story.session = text_of(event.get("thread_id")) or story.session
    elif kind in {"item.started", "item.completed"}:
        _hear_item(story, object_of(event.get("item")))
    elif kind == "turn.completed":
        story.over, story.turns = True, (story.turns or 0) + 1
    elif kind == "turn.failed":
        story.over = story.failed = True
        story.error = clean(text_of(object_of(event.get("error")).get("message")), MOST_ERROR) or story.error
    elif kind == "error":
        story.error = clean(text_of(event.get("message")), MOST_ERROR)


def _hear_item(story: Story, item: Event) -> None:
    kind, known_as = text_of(item.get("type")), item.get("id")
    if kind == "agent_message":
        story.text = text_of(item.get("text")) or story.text
    elif kind == "command_execution":
        story.use("shell", item.get("command"), known_as=known_as)
    elif kind == "mcp_tool_call":
        name = f"{text_of(item.get('server'))}.{text_of(item.get('tool'))}"
        story.use(name, item.get("arguments"), known_as=known_as)
    elif kind in {"file_change", "web_search", "collab_tool_call"}:
        given = item.get("changes") or item.get("query") or item.get("prompt")
        story.use(kind, given, known_as=known_as)
    if kind == "command_execution" and item.get("status") == "declined":
        story.deny("shell", item.get("command"))


def stored(env: Mapping[str, str], home: Path, begins: str = "") -> Iterator[Stored]:
    """Give the sessions on this disk whose id begins so; *begins* is an id or the beginning of one."""
    folder = Path(env.get("CODEX_HOME") or home / ".codex") / "sessions"
    for file in folder.glob("*/*/*/rollout-*.jsonl"):
        found = _ID.search(file.stem)
        if found is not None and found.group().startswith(begins):
            yield Stored(found.group(), file)


def about(session: Stored) -> tuple[Path | None, str]:
    """Give the folder that a session began in, and its first words."""
    folder, words = None, ""
    for entry in first_objects(session.file):
        told = object_of(entry.get("payload"))
        if entry.get("type") == "session_meta" and text_of(told.get("cwd")):
            folder = folder or Path(text_of(told.get("cwd")))
        if told.get("type") == "user_message":
            words = words or text_of(told.get("message"))
    return folder, words
