"""A program that plays ``claude``, ``codex`` or ``gemini``, by the name it is started under.

It reads the prompt from its input, speaks the stream of the real one, keeps sessions where the real one does,
and knows the same options and no others. The first word of the prompt names one of ``ACTS``, which says what
happens; any other prompt is answered with the number of the round.
"""

import argparse
import json
import os
import re
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

NAME = Path(sys.argv[0]).name
MODES = {
    "claude": ["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"],
    "codex": ["read-only", "workspace-write", "danger-full-access"],
    "gemini": ["default", "auto_edit", "plan", "yolo"],
}


def say(**event: object) -> None:
    """Write one event of the stream."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def fail(text: str) -> NoReturn:
    """End as a command line does that cannot do what it was told."""
    sys.stderr.write(f"{text}\n")
    sys.exit(1)


def options() -> argparse.Namespace:
    """Read the options that the real program has, as far as a worker uses them."""
    parser = argparse.ArgumentParser(prog=NAME, allow_abbrev=False)
    parser.add_argument("--model", "-m", default="stand-in-1")
    if NAME == "claude":
        parser.add_argument("-p", action="store_true", required=True)
        parser.add_argument("--output-format", choices=["stream-json"], required=True)
        parser.add_argument("--verbose", action="store_true", required=True)
        parser.add_argument("--session-id", type=uuid.UUID)
        parser.add_argument("--resume", type=uuid.UUID)
        parser.add_argument("--continue", action="store_true", dest="newest")
        parser.add_argument("--permission-mode", choices=MODES[NAME])
        for name in ("--allowedTools", "--disallowedTools", "--max-budget-usd", "--settings"):
            parser.add_argument(name)
        return parser.parse_args()
    if NAME == "codex":
        parser.add_argument("command", choices=["exec"])
        parser.add_argument("--json", action="store_true", required=True)
        parser.add_argument("--skip-git-repo-check", action="store_true")
        parser.add_argument("--sandbox", choices=MODES[NAME])
        parser.add_argument("--last", action="store_true", dest="newest")
        parser.add_argument("rest", nargs="*")
        given = parser.parse_intermixed_args()
        words = [word for word in given.rest if word != "-"]
        given.resume = words[1] if words[:1] == ["resume"] and len(words) > 1 else None
        return given
    parser.add_argument("--output-format", choices=["stream-json"], required=True)
    parser.add_argument("--approval-mode", choices=MODES["gemini"])
    parser.add_argument("--allowed-tools")
    parser.add_argument("--resume")
    return parser.parse_args()


class Session:
    """One session: its file, its id, and the rounds that it has had."""

    def __init__(self, given: argparse.Namespace) -> None:
        """Find or begin the session that the options name."""
        home, encoded = Path(os.environ["HOME"]), re.sub(r"[^A-Za-z0-9]", "-", str(Path.cwd()))
        self.folder, self.form = {
            "claude": (
                Path(os.environ.get("CLAUDE_CONFIG_DIR", home / ".claude")) / "projects" / encoded,
                "{}",
            ),
            "codex": (
                Path(os.environ.get("CODEX_HOME", home / ".codex")) / "sessions/2026/11/28",
                "rollout-2026-11-28T10-00-00-{}",
            ),
            "gemini": (home / ".gemini/tmp" / encoded / "chats", "session-2026-11-28T10-00-{:.8}"),
        }[NAME]
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = getattr(given, "session_id", None)
        wanted = None if given.resume is None else str(given.resume)
        if wanted == "latest" or getattr(given, "newest", False):
            wanted = self._newest()
        self.id = wanted or str(begun or uuid.uuid4())
        self.file = self.folder / f"{self.form.format(self.id)}.jsonl"
        if wanted and not self.file.exists():
            self._not_found()
        if begun and self.file.exists():
            fail(f"Error: Session ID {self.id} is already in use.")
        self.rounds = self.file.read_text().count('"type": "user"') if wanted else 0

    def _newest(self) -> str:
        files = sorted(self.folder.glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
        if not files:
            fail("No sessions to go on with")
        return str(json.loads(files[-1].read_text().split("\n")[0])["sessionId"])

    def _not_found(self) -> NoReturn:
        text = f"No conversation found with session ID: {self.id}"
        if NAME != "claude":
            fail(text)
        result(self, "", is_error=True, subtype="error_during_execution", errors=[text])
        sys.exit(1)

    def keep(self, prompt: str) -> None:
        """Write this round into the file of the session."""
        message = {"role": "user", "content": prompt}
        about = {"sessionId": self.id, "cwd": str(Path.cwd())}
        lines: list[dict[str, object]] = [
            {"type": "session_meta", "payload": {"id": self.id, "cwd": about["cwd"]}, **about},
            {"type": "user", "message": message, "content": prompt, **about},
            {"type": "event_msg", "payload": {"type": "user_message", "message": prompt}},
        ]
        with self.file.open("a") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in lines)
        (self.folder.parent / ".project_root").write_text(about["cwd"])


def begin(session: Session, model: str) -> None:
    """Say which session it is."""
    if NAME == "claude":
        say(type="system", subtype="init", session_id=session.id, model=model, tools=["Bash"])
    elif NAME == "codex":
        say(type="thread.started", thread_id=session.id)
        say(type="turn.started")
    else:
        say(type="init", timestamp="2026-11-28T10:00:00Z", session_id=session.id, model=model)


def text(words: str) -> None:
    """Say something."""
    if NAME == "claude":
        say(type="assistant", message={"content": [{"type": "text", "text": words}]}, parent_tool_use_id=None)
    elif NAME == "codex":
        say(type="item.completed", item={"id": "item_9", "type": "agent_message", "text": words})
    else:
        half = len(words) // 2
        say(type="message", timestamp="t", role="assistant", content=words[:half], delta=True)
        say(type="message", timestamp="t", role="assistant", content=words[half:], delta=True)


def use_tool(number: int, command: str) -> None:
    """Use a tool, and say so as often as the real one does."""
    if NAME == "claude":
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": "Bash", "input": {"command": command}}
        say(type="assistant", message={"content": [block]}, parent_tool_use_id=None)
        answer = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": "done"}
        say(type="user", message={"content": [answer]})
    elif NAME == "codex":
        item = {"id": f"item_{number}", "type": "command_execution", "command": command}
        say(type="item.started", item={**item, "status": "in_progress"})
        say(type="item.completed", item={**item, "status": "completed", "exit_code": 0})
    else:
        parameters = {"command": command}
        say(type="tool_use", tool_name="run_shell_command", tool_id=f"c{number}", parameters=parameters)
        say(type="tool_result", tool_id=f"c{number}", status="success", output="done")


def result(
    session: Session, words: str, *, is_error: bool = False, subtype: str = "success", **more: object
) -> None:
    """Say how it ended."""
    if NAME == "claude":
        about = {"num_turns": 2, "duration_ms": 1234, "total_cost_usd": 0.0125, "session_id": session.id}
        say(type="result", subtype=subtype, is_error=is_error, result=words, **about, **more)
    elif NAME == "codex" and is_error:
        say(type="turn.failed", error={"message": words})
    elif NAME == "codex":
        say(type="turn.completed", usage={"input_tokens": 1, "cached_input_tokens": 0, "output_tokens": 2})
    else:
        error = {"error": {"type": "ApiError", "message": words}} if is_error else {}
        status = "error" if is_error else "success"
        say(type="result", timestamp="t", status=status, stats={"duration_ms": 1234}, **error)


def answer(session: Session, words: str) -> None:
    """Say something, and end well."""
    text(words)
    result(session, words)


def report(session: Session, given: argparse.Namespace, prompt: str) -> None:
    """Answer with what it was started with, as JSON."""
    del given
    about = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": str(Path.cwd()), "prompt": prompt}
    answer(session, json.dumps(about))


def tool(session: Session, *_: Any) -> None:  # noqa: ANN401
    """Use two tools, one with a long input."""
    text("I shall look.")
    use_tool(1, "ls -la")
    use_tool(2, "x" * 2000)
    answer(session, "looked")


def broken(session: Session, *_: Any) -> None:  # noqa: ANN401
    """Write six lines that are no events, and one event between them."""
    sys.stdout.write('Warning: not JSON at all\n{"type":"assist\n[1,2]\n\n\xff\n' + "[" * 5000 + "\n")
    answer(session, "mended")
    sys.stdout.write('{"type":"system","subtype":"half')


def hang(*_: Any) -> None:  # noqa: ANN401
    """Begin to speak, and never end."""
    text("still thinking")
    time.sleep(600)


def crash(*_: Any) -> None:  # noqa: ANN401
    """End in the middle."""
    text("half of an ans")
    os.kill(os.getpid(), 9)


def mute(*_: Any) -> None:  # noqa: ANN401
    """Say nothing, and leave with 0."""
    sys.stderr.write("Segmentation whatever\n")


def unhappy(session: Session, *_: Any) -> None:  # noqa: ANN401
    """Tell of an API error, and leave with 0."""
    said = "API Error: 403 organization has no access"
    text(said)
    result(session, said, is_error=True, api_error_status=403)


def angry(session: Session, *_: Any) -> None:  # noqa: ANN401
    """Leave with 1 after a good result."""
    answer(session, "good, and yet")
    sys.exit(1)


def busy(session: Session, given: argparse.Namespace, prompt: str) -> None:
    """Be overloaded when asked as the model that the prompt names."""
    if given.model == prompt.partition(":")[2]:
        result(session, "API Error: 529 Overloaded", is_error=True, api_error_status=529)
        sys.exit(1)
    answer_round(session, given, prompt)


def tired(session: Session, given: argparse.Namespace, prompt: str) -> None:
    """Be overloaded after a tool was used."""
    use_tool(1, "rm notes")
    busy(session, given, prompt)


def big(session: Session, given: argparse.Namespace, prompt: str) -> None:
    """Answer with as many bytes as the prompt says."""
    del given
    answer(session, "ab" * (int(prompt.partition(":")[2]) // 2 - 1) + "xy")


def hostile(session: Session, *_: Any) -> None:  # noqa: ANN401
    """Say what no text may hold."""
    use_tool(1, "a\0b\ud800c")
    answer(session, "odd: \0 \ud800 end")


def refused(session: Session, *_: Any) -> None:  # noqa: ANN401
    """Tell that a tool was not permitted."""
    denial = {"tool_name": "Bash", "tool_use_id": "toolu_1", "tool_input": {"command": "rm -rf x"}}
    text("I may not.")
    result(session, "I may not.", permission_denials=[denial])


def answer_round(session: Session, given: argparse.Namespace, prompt: str) -> None:
    """Answer with the number of the round."""
    del given
    answer(session, f"round {session.rounds + 1}: {prompt}")


ACTS: dict[str, Callable[[Session, argparse.Namespace, str], None]] = {
    act.__name__: act
    for act in (report, tool, broken, hang, crash, mute, unhappy, angry, busy, tired, big, hostile, refused)
}


def main() -> None:
    """Play the program."""
    given, prompt = options(), sys.stdin.read()
    session = Session(given)
    session.keep(prompt)
    begin(session, given.model)
    ACTS.get(prompt.split()[0].partition(":")[0], answer_round)(session, given, prompt)


if __name__ == "__main__":
    main()
