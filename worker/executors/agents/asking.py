"""Where an agent asks before it uses a tool: a private socket, one for each run, that fails closed."""

import hashlib
import hmac
import json
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from queue import SimpleQueue
from secrets import token_hex
from socketserver import StreamRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Any

from pydantic import JsonValue

from worker import hook
from worker.describing import as_text
from worker.executors.agents.story import in_short
from worker.orders import AgentCall, Decision

RULE = "agents.claude: ask_tools"
_MOST_EVENT = 16 * 1024 * 1024
_POLL_S = 0.05

Ask = Callable[[str, str, str], Decision]


def is_asked(tool: str, patterns: Sequence[str]) -> bool:
    """Tell whether people are asked about *tool*; a pattern may have alternatives (``A|B``)."""
    return any(fnmatchcase(tool, part) for pattern in patterns for part in pattern.split("|"))


class ToolDesk:
    """Answers the hook of one run; each question has a thread of its own. ``_lock`` guards the times.

    ``answered`` holds what was decided (tool, what for, verdict), for the thread of the run.
    """

    def __init__(
        self,
        call: AgentCall,
        cwd: Path,
        ask: Ask,
        hide: Callable[[JsonValue], JsonValue] = lambda given: given,
    ) -> None:
        """Open the socket, and write the settings for Claude Code that name the hook. Raises ``OSError``.

        *hide* masks secrets in what a tool is given, before that is cut to a length.
        """
        self._hide = hide
        self.answered: SimpleQueue[tuple[str, str, str]] = SimpleQueue()
        self._call = call
        self._cwd = cwd
        self._ask = ask
        self._secret = token_hex(32)
        self._lock = threading.Lock()
        self._open = 0
        self._since = 0.0
        self._waited = 0.0
        self.folder = Path(tempfile.mkdtemp(prefix="clawtrail-"))  # only this user can enter it
        (self.folder / "secret").write_text(self._secret, encoding="ascii")
        self.settings = self.folder / "settings.json"
        self.settings.write_text(json.dumps(_settings(self.folder)), encoding="ascii")
        self._server = _Server(str(self.folder / "worker.sock"), _Handler)
        self._server.desk = self
        threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more; who waits is refused."""
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def waited(self) -> float:
        """Give the seconds in which this run waited for people."""
        with self._lock:
            return self._waited + (time.monotonic() - self._since if self._open else 0.0)

    def decide(self, said: Any) -> Decision | None:  # noqa: ANN401 - it is what came through the socket
        """Decide on what a hook said; None where nobody has to be asked. What it raises is a refusal."""
        if not hmac.compare_digest(str(said["secret"]), self._secret):
            raise PermissionError("this is not the hook of this run")
        event = said["event"]
        tool, given = str(event["tool_name"]), event["tool_input"]
        if not is_asked(tool, self._call.ask_tools):
            return None
        content = {"tool": tool, "input": given, "use": event.get("tool_use_id"), "cwd": str(self._cwd)}
        data = json.dumps({**content, "session": self._call.session}, sort_keys=True).encode("ascii")
        self._begin_waiting()
        try:
            shown = self._hide(given)
            decision = self._ask(RULE, hashlib.sha256(data).hexdigest(), self._describe(tool, shown))
        finally:
            self._end_waiting()
        self.answered.put((tool, in_short(shown), "allow" if decision.allowed else "deny"))
        return decision

    def _describe(self, tool: str, given: Any) -> str:  # noqa: ANN401 - the input of any tool
        inputs = given.items() if isinstance(given, dict) else [("input", given)]
        return as_text(
            [
                f"Claude Code asks in its run whether it may use {tool}",
                *(f"{name}: {one if isinstance(one, str) else json.dumps(one)}" for name, one in inputs),
                f"folder  {self._cwd}",
                f"session {self._call.session}",
                f"why     {RULE}",
            ]
        )

    def _begin_waiting(self) -> None:
        with self._lock:
            self._since = self._since if self._open else time.monotonic()
            self._open += 1

    def _end_waiting(self) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                self._waited += time.monotonic() - self._since


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    desk: ToolDesk


class _Handler(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Answer one question; without an answer, whatever the reason, the hook refuses."""
        try:
            decision = self.server.desk.decide(json.loads(self.rfile.readline(_MOST_EVENT)))
            answer = {"decision": None, "why": ""}
            if decision is not None:
                answer = {"decision": "allow" if decision.allowed else "deny", "why": decision.why}
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            answer = {"decision": "deny", "why": f"It could not be asked about: {error}"}
        with suppress(OSError):  # the hook has gone, and the tool is not used
            self.wfile.write(json.dumps(answer).encode("ascii") + b"\n")


def _settings(folder: Path) -> dict[str, object]:
    """Give the settings that have Claude Code run the hook before each tool; it leaves with 0 or 2 alone."""
    words = shlex.join([sys.executable, "-IS", str(Path(hook.__file__)), str(folder)])
    command = {"type": "command", "command": f"{words} || exit 2", "timeout": hook.LONGEST_S + 60}
    # What the project says of hooks must not switch ours off.
    return {"disableAllHooks": False, "hooks": {"PreToolUse": [{"matcher": "*", "hooks": [command]}]}}
