"""What may stand in a policy file, and what is said of what may not."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from worker.executors.agents.planning import NESTING

_OURS = re.compile(r"CLAWTRAIL_|WORKER_TOKEN|CALLBACK_BOT_TOKEN|DISCORD_BOT_TOKEN|OPENCLAW_HOOKS_TOKEN")


def _passable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ValueError(f"{name!r} is no name of a variable")
    if _OURS.match(name):
        raise ValueError(f"{name} is the worker's own and never given away")
    if name in NESTING:
        raise ValueError(f"by {name} an agent takes itself for one started by another; it is never given")
    return name


Answer = Literal["deny", "ask", "allow"]
Profile = Literal["none", "read-only", "no-network", "workspace"]
_Text = Annotated[str, Field(min_length=1, max_length=500)]
_Texts = Annotated[list[_Text], Field(min_length=1)]
# Tools are given to an agent's program as a list with commas; what begins with a dash would be an option.
_Tool = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[A-Za-z_*][^,\x00-\x1f]*$")]
# What a tool is given does not count here, so these are names and no rules such as Bash(git push).
_ToolName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\w*?|.-]+$")]
_Name = Annotated[str, AfterValidator(_passable)]
_MOST_TIMEOUT_S = 7 * 24 * 3600
_MOST_MB = 16 * 1024 * 1024


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RuleShape(_Shape):
    """One ``[[rule]]``."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    verdict: Answer
    kinds: _Texts | None = None
    argv: _Texts | None = None
    options: list[_Text] | None = None
    within: _Texts | None = None
    cwd: _Texts | None = None
    origin: Annotated[_Texts | None, Field(alias="from")] = None
    signed_by: _Texts | None = None
    env: list[_Text] = []
    stdin: bool = False
    shell: bool = False
    secrets: _Texts | None = None
    paths: _Texts | None = None
    sandbox: Profile | None = None
    workspace: _Texts | None = None
    match: list[_Text] = []
    not_match: list[_Text] = []

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("no control characters in a name")
        return name

    @property
    def _is_about_commands(self) -> bool:
        if self.kinds is not None:
            return self.kinds == ["command"]
        return self.argv is not None or self.cwd is not None or self.shell

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.argv is not None and self.paths is not None:
            raise ValueError("argv is for commands, paths for files: make two rules")
        if self.argv is None and (self.options is not None or self.within is not None):
            raise ValueError("options and within say what may follow the words of argv, and there is no argv")
        if self.shell and self.argv is not None:
            raise ValueError("argv never takes shell text: leave out argv or shell")
        if self.verdict != "allow" and (self.env or self.stdin or self.shell):
            raise ValueError("env, stdin and shell widen what is allowed; this rule allows nothing")
        if self.verdict == "deny" and (self.sandbox or self.workspace):
            raise ValueError("sandbox and workspace say how something runs; this rule lets nothing run")
        if (self.sandbox or self.workspace) and not self._is_about_commands:
            raise ValueError('sandbox and workspace are for commands alone: say kinds = ["command"]')
        if (self.match or self.not_match) and self.argv is None and self.paths is None:
            raise ValueError("match and not_match are examples for argv or paths, and there is neither")
        return self


class ShellShape(_Shape):
    """The table ``[shell]``."""

    verdict: Answer = "ask"


class LimitsShape(_Shape):
    """The table ``[limits]``."""

    timeout: Annotated[int, Field(ge=1, le=_MOST_TIMEOUT_S)] | None = None
    output: Annotated[int, Field(ge=1, le=10)] | None = None
    cpu_seconds: Annotated[int, Field(ge=1, le=_MOST_TIMEOUT_S)] | None = None
    memory: Annotated[int, Field(ge=16, le=_MOST_MB)] | None = None
    processes: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    files: Annotated[int, Field(ge=16, le=1_000_000)] | None = None
    file_size: Annotated[int, Field(ge=1, le=_MOST_MB)] | None = None


class SandboxShape(_Shape):
    """The table ``[sandbox]``."""

    default: Profile = "none"
    read: list[_Text] = []
    scratch: Annotated[int, Field(ge=1, le=65536)] = 256


class ClaudeShape(_Shape):
    """The table ``[agents.claude]``: what Claude Code is let do."""

    permission_mode: Literal["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"] = "default"
    allowed_tools: list[_Tool] = []
    disallowed_tools: list[_Tool] = []
    ask_tools: list[_ToolName] = []
    max_cost_usd: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)] | None = None
    cwd: _Texts | None = None
    models: _Texts | None = None
    env: list[_Name] = []


class CodexShape(_Shape):
    """The table ``[agents.codex]``; its modes are those of ``--sandbox``."""

    permission_mode: Literal["read-only", "workspace-write", "danger-full-access"] = "read-only"
    cwd: _Texts | None = None
    models: _Texts | None = None
    env: list[_Name] = []


class GeminiShape(_Shape):
    """The table ``[agents.gemini]``; its modes are those of ``--approval-mode``."""

    permission_mode: Literal["default", "auto_edit", "plan", "yolo"] = "default"
    allowed_tools: list[_Tool] = []
    cwd: _Texts | None = None
    models: _Texts | None = None
    env: list[_Name] = []


class AgentsShape(_Shape):
    """The tables ``[agents.NAME]``."""

    claude: ClaudeShape = ClaudeShape()
    codex: CodexShape = CodexShape()
    gemini: GeminiShape = GeminiShape()


class PolicyShape(_Shape):
    """A whole file."""

    default: Answer = "ask"
    seat_belt: bool = True
    cwd: _Text | None = None
    shell: ShellShape = ShellShape()
    limits: LimitsShape = LimitsShape()
    agents: AgentsShape = AgentsShape()
    sandbox: SandboxShape = SandboxShape()
    rule: list[RuleShape] = []
