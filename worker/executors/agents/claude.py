"""Claude Code: how ``claude -p`` is called, what its stream says, and where its sessions lie.

Facts, with where they come from:

* ``--output-format stream-json`` needs ``--verbose`` with ``-p``; the prompt may come on stdin; flags
  ``--session-id`` (a UUID), ``--resume``, ``--permission-mode``, ``--allowedTools``, ``--disallowedTools``,
  ``--model``, ``--max-budget-usd``, ``--settings`` (code.claude.com/docs/en/cli-reference).
* The last line is ``{"type":"result","subtype","is_error","result","errors","num_turns","duration_ms",
  "total_cost_usd","session_id","permission_denials","api_error_status"}``; tool uses are blocks of
  ``assistant`` messages; those of a subagent carry ``parent_tool_use_id`` (Agent SDK reference, types).
* An API error ends with ``subtype":"success"``, ``is_error`` true and exit code 0
  (anthropics/claude-code issue 79500), and ``result`` may be empty though text was sent (issue 8126).
* A session is ``$CLAUDE_CONFIG_DIR/projects/FOLDER/ID.jsonl``, by default below ``~/.claude``, where FOLDER
  is the folder that it began in with every sign but letters and digits as ``-``. ``--resume`` finds it from
  that folder only (issues 5768, 14252, 27883). Versions around 1.0 went on under a new id (issue 4926).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from worker.executors.agents.stored import Stored, first_objects
from worker.executors.agents.story import (
    MOST_ERROR,
    Event,
    Story,
    clean,
    list_of,
    money,
    object_of,
    text_of,
    whole,
)
from worker.orders import AgentCall

MODES = ("default", "acceptEdits", "plan", "dontAsk", "bypassPermissions")
ENV = ("CLAUDE_CONFIG_DIR",)


def argv(call: AgentCall) -> tuple[str, ...]:
    """Give the words of the command; the prompt goes to its standard input."""
    words = ["claude", "-p", "--output-format", "stream-json", "--verbose"]
    if call.session is not None:
        words += ["--resume" if call.resume else "--session-id", call.session]
    elif call.resume:
        words.append("--continue")
    if call.model is not None:
        words += ["--model", call.model]
    words += ["--permission-mode", call.mode or MODES[0]]
    if call.allowed_tools:
        words += ["--allowedTools", ",".join(call.allowed_tools)]
    if call.disallowed_tools:
        words += ["--disallowedTools", ",".join(call.disallowed_tools)]
    if call.max_cost_usd is not None:
        words += ["--max-budget-usd", f"{call.max_cost_usd:.6f}".rstrip("0").rstrip(".")]
    return tuple(words)


def hear(story: Story, event: Event) -> None:
    """Take one line of the stream into the story."""
    kind = event.get("type")
    if kind == "system" and event.get("subtype") == "init":
        story.session = text_of(event.get("session_id")) or story.session
        story.model = clean(text_of(event.get("model")), 100) or story.model
    elif kind == "assistant":
        _hear_assistant(story, event)
    elif kind == "result":
        _hear_result(story, event)


def _hear_assistant(story: Story, event: Event) -> None:
    message = object_of(event.get("message"))
    blocks = [object_of(block) for block in list_of(message.get("content"))]
    for block in blocks:
        if block.get("type") == "tool_use":
            story.use(block.get("name"), block.get("input"), known_as=block.get("id"))
    texts = [text_of(block.get("text")) for block in blocks if block.get("type") == "text"]
    if texts and not event.get("parent_tool_use_id"):
        story.text = "\n".join(texts)


def _hear_result(story: Story, event: Event) -> None:
    subtype, said = text_of(event.get("subtype")), text_of(event.get("result"))
    story.over = True
    story.failed = event.get("is_error") is True or subtype not in {"", "success"}
    story.session = text_of(event.get("session_id")) or story.session
    story.turns = whole(event.get("num_turns"))
    story.took_ms = whole(event.get("duration_ms"))
    story.cost_usd = money(event.get("total_cost_usd"))
    story.status = whole(event.get("api_error_status"))
    for denial in list_of(event.get("permission_denials")):
        told = object_of(denial)
        story.deny(told.get("tool_name"), told.get("tool_input"))
    if story.failed:
        errors = "; ".join(text_of(error) for error in list_of(event.get("errors")))
        why = errors or said or subtype.replace("_", " ")
        story.error = clean(why if why != "success" else "it says that it failed, not why", MOST_ERROR)
    elif said:
        story.text = said


def stored(env: Mapping[str, str], home: Path, begins: str = "") -> Iterator[Stored]:
    """Give the sessions on this disk whose id begins so; *begins* is an id or the beginning of one."""
    config = Path(env.get("CLAUDE_CONFIG_DIR") or home / ".claude")
    for file in config.glob(f"projects/*/{begins}*.jsonl"):
        if not file.name.startswith("agent-"):  # what a subagent wrote
            yield Stored(file.stem, file)


def about(session: Stored) -> tuple[Path | None, str]:
    """Give the folder that a session began in, and its first words."""
    folder, words = None, ""
    for entry in first_objects(session.file):
        place = text_of(entry.get("cwd"))
        # It may have moved on since: the one that its folder is named after is where it is found again.
        if place and (folder is None or _encoded(place) == session.file.parent.name):
            folder = folder if folder and _encoded(str(folder)) == session.file.parent.name else Path(place)
        if entry.get("type") == "user" and not entry.get("isMeta"):
            words = words or _first_words(object_of(entry.get("message")).get("content"))
    return folder, words


def _first_words(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return next((text_of(one.get("text")) for one in map(object_of, blocks) if one.get("type") == "text"), "")


def _encoded(folder: str) -> str:
    return "".join(one if one.isascii() and one.isalnum() else "-" for one in folder)
