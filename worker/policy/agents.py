"""What the policy says of agents: what they are let do at all, and what of a task for one is decided on."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from worker.describing import as_text
from worker.executors.agents.planning import Terms
from worker.orders import AgentCall, Plan
from worker.policy import digesting
from worker.policy.asked import Asked
from worker.policy.programs import Programs
from worker.policy.trees import Tree

_MOST_PROMPT = 2400


@dataclass(frozen=True)
class AgentRules:
    """The table of one agent. None means: wherever it is, whichever model."""

    terms: Terms
    cwd: tuple[Tree, ...] | None = None
    models: re.Pattern[str] | None = None

    def forbid(self, plan: Plan, call: AgentCall) -> tuple[str, str] | None:
        """Say which key forbids what would run, and why, else None. It comes before all rules."""
        if self.cwd is not None and not any(tree.has(plan.cwd) for tree in self.cwd):
            return "cwd", f"{plan.cwd} is in none of the folders that the policy lets it work in"
        for model in (call.model, *call.others):
            if self.models is not None and (model is None or not self.models.match(model)):
                named = "no model is named" if model is None else f"model {model} is not in the list"
                return "models", f"{named} of the policy"
        return None


def digested(
    asked: Asked, plan: Plan, call: AgentCall, *, env: Mapping[str, str], programs: Programs, policy: str
) -> dict[str, object]:
    """Give what the digest of a task for an agent is of; *env* maps names to digests of values."""
    return {
        "kind": asked.kind,
        "prompt": digesting.of_text(str(asked.payload.get("prompt"))),
        "session": call.asked,
        "argv": list(plan.argv),
        "models": list(call.others),
        "permissionMode": call.mode,
        "allowedTools": list(call.allowed_tools),
        "disallowedTools": list(call.disallowed_tools),
        "askTools": list(call.ask_tools),
        "cwd": str(plan.cwd),
        "env": {**env, **{name: digesting.of_text(value) for name, value in plan.env.items()}},
        "executable": None if plan.program is None else str(plan.program),
        "executableSha256": None if plan.program is None else programs.digest(plan.program),
        "policy": policy,
    }


def described(asked: Asked, plan: Plan, call: AgentCall, why: str) -> str:
    """Tell people what the agent would be asked, where, and what it may do without asking anybody."""
    prompt = str(asked.payload.get("prompt"))
    shown = prompt if len(prompt) <= _MOST_PROMPT else f"{prompt[:_MOST_PROMPT]}..."
    lines = [
        asked.whose,
        f"prompt  {len(prompt)} characters: {shown}",
        f"folder  {plan.cwd}",
        f"session {_session(call)}",
        f"mode    {call.mode}",
        f"tools   {_tools(call)}",
        f"run     {shlex.join(plan.argv)}",
        f"program {plan.program or 'not found in a safe folder'}",
    ]
    lines += [f"models  {', '.join((str(call.model), *call.others))}"] if call.others else []
    lines += [f"env     {', '.join(sorted(plan.env))}"] if plan.env else []
    return as_text([*lines, f"why     {why}"])


def _session(call: AgentCall) -> str:
    if call.session is None and call.asked is None:
        return "the newest one goes on" if call.resume else "a new one"
    named = call.session or call.asked
    named = f"{named}, asked for as {call.asked}" if call.asked not in {None, named} else str(named)
    return f"{named}, {'goes on' if call.resume else 'begins'}"


def _tools(call: AgentCall) -> str:
    allowed = ", ".join(call.allowed_tools) or "as its mode says"
    refused = ", ".join(call.disallowed_tools)
    asked = ", ".join(call.ask_tools)
    said = f"{allowed}; asks before {asked}" if asked else allowed
    return f"{said}; never {refused}" if refused else said
