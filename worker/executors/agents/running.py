"""A task for an agent, run: its program started, its stream read, its end judged."""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from worker.errors import JournalFailed
from worker.executors.agents.asking import ToolDesk, is_asked
from worker.executors.agents.cli import BY_KIND, Cli
from worker.executors.agents.lines import Lines
from worker.executors.agents.payload import AgentTrouble, Payload
from worker.executors.agents.planning import Planner, Terms
from worker.executors.agents.sessions import Known
from worker.executors.agents.story import MOST_ERROR, Story, clean, in_short
from worker.executors.child import Child
from worker.executors.command import NOT_EXECUTABLE, NOT_FOUND
from worker.executors.paths import FileTrouble
from worker.items import Ending
from worker.orders import AgentCall, Decision, Order, Plan, Run
from worker.output import StreamName

MOST_USES = 10_000
"""Uses of tools that are told one by one; the outcome counts all."""

_MOST_KEPT = MOST_ERROR + 16 * 1024
"""Of standard error: more than is told, so that no secret is cut before it is masked."""

_BUSY = frozenset({404, 429, 500, 502, 503, 504, 529})
_BUSY_WORDS = ("overloaded", "rate limit", "usage limit", "quota", "at capacity", "model_not_found")
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
"""No other id is taken from a stream: it goes on a command line later."""


class _Ear:
    """The run as the child sees it: its stream becomes a story, its standard error goes through."""

    def __init__(self, run: Run, cli: Cli, call: AgentCall, desk: ToolDesk | None) -> None:
        self._run = run
        self._hear = cli.hear
        self._asked = call.ask_tools
        self.desk = desk
        self.story = Story()
        self.lines = Lines()
        self._kept = b""

    @property
    def last_words(self) -> bytes:
        """The end of its standard error."""
        return self._run.show(self._kept).data[-MOST_ERROR:]

    def write(self, stream: StreamName, data: bytes) -> None:
        if stream == "stderr":
            self._run.write(stream, data)
            self._kept = (self._kept + data)[-_MOST_KEPT:]
            return
        for event in self.lines.feed(data):
            self.take(event)

    def take(self, event: Mapping[str, JsonValue]) -> None:
        hidden = self._run.hide(dict(event))
        assert isinstance(hidden, dict)  # noqa: S101 - for the type checker
        self._hear(self.story, hidden)
        for use in self.story.fresh_uses:
            # What people are asked about is told with their answer.
            if self.story.uses <= MOST_USES and not is_asked(use.tool, self._asked):
                self.used_tool(use.tool, in_short(use.given))
        self.story.fresh_uses.clear()

    def used_tool(self, tool: str, said: str, verdict: str | None = None) -> None:
        self._run.used_tool(tool, said, verdict)

    def ask(self, rule: str, digest: str, describe: str) -> Decision:
        return self._run.ask(rule, digest, describe)

    def pulse(self) -> Ending | None:
        self.tell_answered()
        return self._run.pulse()

    def tell_answered(self) -> None:
        while self.desk is not None and not self.desk.answered.empty():
            self.used_tool(*self.desk.answered.get())


class Agents:
    """Runs tasks for agents. Any thread may call ``run``."""

    def __init__(
        self, planner: Planner, *, env: Mapping[str, str], after: Callable[[str], None] = lambda _cli: None
    ) -> None:
        """Give every agent *env*, and call *after* with an agent's name when a run of it is over."""
        self.planner = planner
        self._env = env
        self._after = after
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def run(self, kind: str, order: Order, run: Run) -> Ending:
        """Run one task to its end; what the agent says at last is its standard output.

        The exit code is the program's own, but 1 where that is 0 and its stream tells of no success.
        Raises pydantic's ``ValidationError``.
        """
        payload, plan = Payload.model_validate(order.payload), order.plan
        if plan is None or plan.call is None:
            return self._not_planned(kind, order)
        if plan.program is None:
            return Ending(NOT_FOUND, f"Command not found: {self.planner.command(kind)}", "failed")
        session = plan.call.session or plan.call.asked or order.task_id
        while not self.planner.sessions.hold(kind, session):
            stop = run.pulse()
            if stop is not None:
                return stop
        try:
            with _desk(plan.call, plan.cwd, run) as desk:
                return self._converse(order, plan, plan.call, payload.prompt, run, desk=desk)
        except JournalFailed as error:
            return Ending(-1, f"Not run: {error}", "failed")
        except OSError as error:
            return _not_started(error, plan)
        finally:
            self.planner.sessions.let_go(kind, session)
            self._after(plan.call.cli)

    def _not_planned(self, kind: str, order: Order) -> Ending:
        """Say what was wrong with the task when it was decided on."""
        try:
            self.planner.plan(kind, order.payload, Terms())
        except (AgentTrouble, FileTrouble, JournalFailed) as error:
            return Ending(-1, f"Not run: {error}", "failed")
        return Ending(-1, "Not run: it was not decided what exactly would run", "failed")

    def _converse(
        self, order: Order, plan: Plan, call: AgentCall, prompt: str, run: Run, *, desk: ToolDesk | None
    ) -> Ending:
        """Put the prompt to one model after the other until one was there to take it."""
        cli, until = BY_KIND[f"{call.cli}-cli"], time.monotonic() + order.timeout_ms / 1000
        self._bind(call, call.session, plan.cwd)
        failed: list[JsonValue] = []
        costs: list[float] = []
        for at, model in enumerate((call.model, *call.others)):
            # A try that failed may have begun the session.
            began = call.session is not None and at > 0 and not call.resume
            resume = call.resume or (began and self.planner.disk.find(cli, str(call.session)) is not None)
            call = replace(call, model=model, resume=resume)
            ear = _Ear(run, cli, call, desk)
            hooked = () if desk is None else ("--settings", str(desk.settings))
            started = replace(plan, argv=(*cli.argv(call), *hooked))
            ending = self._listen(order, started, prompt, ear, until=until)
            costs += [] if ear.story.cost_usd is None else [ear.story.cost_usd]
            judged = _judged(cli, ending, ear)
            if at == len(call.others) or not _is_worth_another(judged, ear.story):
                break
            failed.append({"model": model, "error": judged.error})
            run.write("stderr", f"{judged.error}; trying {call.others[at]}\n".encode())
        about = _about(call, ear, costs, failed, plan)
        real = about.get("sessionId")
        if isinstance(real, str):
            self._bind(call, real, plan.cwd)
        if ear.story.text and ear.story.text != ear.story.error:
            run.write("stdout", ear.story.text.encode(errors="replace"))
        return replace(judged, metadata=about)

    def _listen(self, order: Order, plan: Plan, prompt: str, ear: _Ear, *, until: float) -> Ending:
        desk = ear.desk
        waited = 0.0 if desk is None else desk.waited()
        left_ms = max(0, round((until + waited - time.monotonic()) * 1000))
        child = Child(
            plan.argv,
            program=plan.program,
            cwd=plan.cwd,
            env={**self._env, **plan.env},
            stdin=prompt.encode(errors="replace"),
            null=self._null,
            task_id=order.task_id,
        )
        paused = (lambda: 0.0) if desk is None else (lambda: desk.waited() - waited)
        ending = child.watch(ear, timeout_ms=left_ms, paused=paused)
        ear.tell_answered()
        for event in ear.lines.finish():
            ear.take(event)
        if ending.reason == "timeout":
            return replace(ending, error=f"Timeout after {order.timeout_ms} ms")
        return ending

    def _bind(self, call: AgentCall, real: str | None, cwd: Path) -> None:
        """Note which session the task's id stands for, and that it belongs to this folder."""
        names = {call.asked, real if call.asked != real else None} - {None}
        for name in names:
            self.planner.sessions.note(call.cli, str(name), Known(real, cwd))


@contextmanager
def _desk(call: AgentCall, cwd: Path, run: Run) -> Iterator[ToolDesk | None]:
    """Have a desk for questions about tools, where the policy wants any to be asked."""
    if not call.ask_tools:
        yield None
        return
    desk = ToolDesk(call, cwd, run.ask, run.hide)
    try:
        yield desk
    finally:
        desk.close()


def _about(
    call: AgentCall, ear: _Ear, costs: list[float], failed: list[JsonValue], plan: Plan
) -> dict[str, JsonValue]:
    about = ear.story.metadata()
    told = about.pop("sessionId", None)
    real = told if isinstance(told, str) and _ID.fullmatch(told) else call.session
    about |= {"sessionId": real} if real else {}
    about |= {"askedSessionId": clean(call.asked, 200)} if call.asked and call.asked != real else {}
    about |= {"model": call.model} if call.model and "model" not in about else {}
    about |= {"costUsd": round(sum(costs), 6)} if costs else {}
    about |= {"tries": failed} if failed else {}
    about |= {"brokenLines": ear.lines.broken} if ear.lines.broken else {}
    return about | {"resumed": call.resume, "cwd": clean(str(plan.cwd), 1000)}


def _judged(cli: Cli, ending: Ending, ear: _Ear) -> Ending:
    """Say how the run ended, by its stream as well as by its exit code."""
    story, code = ear.story, ending.exit_code
    if ending.reason != "exit" or (code == 0 and story.over and not story.failed):
        return ending
    if story.failed:
        why = story.error or "it failed, and did not say why"
    elif story.over:
        why = f"it ended with exit code {code} after a good result"
    else:
        last = ear.last_words.decode(errors="replace").strip().rpartition("\n")[2]
        seen = f" ({ear.lines.broken} lines of its stream were not understood)" if ear.lines.broken else ""
        ended = "without a result" if ending.error is None else f"without a result: {ending.error}"
        why = f"it ended {ended}{seen}" + "".join(f": {one}" for one in (story.error or last,) if one)
    error = clean(f"{cli.name}: {why}", MOST_ERROR)
    return Ending(code or 1, error, "exit" if code else "failed", ending.metadata)


def _is_worth_another(judged: Ending, story: Story) -> bool:
    """Tell whether another model may take the prompt: this one was not to be had, and did nothing yet."""
    if judged.error is None or judged.reason not in {"exit", "failed"} or story.uses:
        return False
    said = judged.error.lower()
    return story.status in _BUSY or any(word in said for word in _BUSY_WORDS)


def _not_started(error: OSError, plan: Plan) -> Ending:
    if isinstance(error, FileNotFoundError) and plan.cwd.is_dir():
        return Ending(NOT_FOUND, f"Command not found: {plan.program}", "failed")
    if not plan.cwd.is_dir():
        return Ending(NOT_FOUND, f"Working directory not found: {plan.cwd}", "failed")
    return Ending(NOT_EXECUTABLE, f"Cannot run {plan.program}: {error.strerror}", "failed")
