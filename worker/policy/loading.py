"""A policy from its text: every fault told at once, each with its line."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from worker.executors.agents.planning import Terms
from worker.policy import rules
from worker.policy.agents import AgentRules
from worker.policy.confining import Confining
from worker.policy.examples import faults_of_examples
from worker.policy.places import Place, line_of, lines_of
from worker.policy.rules import Answer, Rule
from worker.policy.shapes import ClaudeShape, CodexShape, GeminiShape, PolicyShape, RuleShape
from worker.policy.trees import Tree, parse
from worker.sandboxing.confines import MEGABYTE, Limits

_SYNTAX_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_OFTEN: dict[str, str] = {
    "extra_forbidden": "this key means nothing here",
    "missing": "this key has to be there",
}


@dataclass(frozen=True)
class Policy:
    """What runs on this machine. *rules* are in the order of their verdicts: deny, ask, allow."""

    rules: tuple[Rule, ...]
    default: Answer
    shell: Answer
    seat_belt: bool
    home_folder: Path | None
    timeout_ms: int | None
    agents: Mapping[str, AgentRules]
    output_bytes: int | None
    confining: Confining
    digest: str


class PolicyFaulty(Exception):
    """The text is no policy; *faults* are pairs of a line and a sentence."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(f"line {line}: {fault}" for line, fault in self.faults))


def load(data: bytes) -> Policy:
    """Make a policy of the bytes of a file. Raises ``PolicyFaulty`` with all faults."""
    try:
        text = data.decode()
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PolicyFaulty([(line, "not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as error:
        place = _SYNTAX_LINE.search(str(error))
        line = int(place.group(1)) if place else text.count("\n") + 1
        raise PolicyFaulty([(line, _SYNTAX_LINE.sub("", str(error)).strip())]) from None
    try:
        shape = PolicyShape.model_validate(raw)
    except ValidationError as error:
        lines = lines_of(text)
        raise PolicyFaulty([_fault(one["loc"], one, lines) for one in error.errors()]) from None
    return _policy(shape, data, lines_of(text))


def _fault(place: Place, fault: object, lines: dict[Place, int]) -> tuple[int, str]:
    assert isinstance(fault, dict)  # noqa: S101 - for the type checker
    named = ".".join(str(part) for part in place if isinstance(part, str))
    said = _OFTEN.get(str(fault["type"]), str(fault["msg"]).removeprefix("Value error, "))
    return line_of(place, lines), f"{named}: {said}" if named else said


def _policy(shape: PolicyShape, data: bytes, lines: dict[Place, int]) -> Policy:
    faults: list[tuple[int, str]] = []
    made: list[Rule] = []
    seen: set[str] = set()
    for at, one in enumerate(shape.rule):
        here: list[tuple[str, str]] = []
        if one.name in seen:
            here.append(("name", f"another rule is called {one.name!r}"))
        seen.add(one.name)
        rule = _rule(one, here)
        if not here:
            here += faults_of_examples(rule, one)
            made.append(rule)
        faults += [(line_of(("rule", at, key), lines), f"rule {one.name!r}, {said}") for key, said in here]
    agents = {}
    for name, one in shape.agents:
        bad: list[tuple[str, str]] = []
        agents[f"{name}-cli"] = _agent_rules(one, bad)
        faults += [(line_of(("agents", name, key), lines), f"agents.{name}, {said}") for key, said in bad]
    home: list[tuple[str, str]] = []
    folders = _trees([shape.cwd] if shape.cwd else None, "cwd", home, careful=False)
    read = _trees(shape.sandbox.read, "read", home, careful=False) or ()
    if any(tree.rest for tree in read):
        home.append(("read", "read: whole folders, so no * in them"))
    faults += [(line_of((key,), lines), said) for key, said in home]
    if faults:
        raise PolicyFaulty(faults)
    return Policy(
        rules=tuple(sorted(made, key=lambda rule: rules.ANSWERS.index(rule.answer))),
        default=shape.default,
        shell=shape.shell.verdict,
        seat_belt=shape.seat_belt,
        home_folder=folders[0].root if folders else None,
        timeout_ms=shape.limits.timeout * 1000 if shape.limits.timeout else None,
        agents=agents,
        output_bytes=shape.limits.output * MEGABYTE if shape.limits.output else None,
        confining=Confining(
            shape.sandbox.default,
            tuple(tree.root for tree in read),
            shape.sandbox.scratch,
            Limits(**shape.limits.model_dump(exclude={"timeout", "output"})),
        ),
        digest=hashlib.sha256(data).hexdigest(),
    )


def _agent_rules(shape: ClaudeShape | CodexShape | GeminiShape, faults: list[tuple[str, str]]) -> AgentRules:
    given = shape.model_dump()
    terms = Terms(
        mode=shape.permission_mode,
        allowed_tools=tuple(given.get("allowed_tools", ())),
        disallowed_tools=tuple(given.get("disallowed_tools", ())),
        ask_tools=tuple(given.get("ask_tools", ())),
        max_cost_usd=given.get("max_cost_usd"),
        env=tuple(shape.env),
    )
    models = None if shape.models is None else rules.either(*shape.models)
    return AgentRules(terms, _trees(shape.cwd, "cwd", faults, careful=True), models)


def _rule(shape: RuleShape, faults: list[tuple[str, str]]) -> Rule:
    careful = shape.verdict == "allow"
    words = None
    try:
        words = rules.words(shape.argv) if shape.argv is not None else None
    except ValueError as error:
        faults.append(("argv", f"argv: {error}"))
    return Rule(
        name=shape.name,
        answer=shape.verdict,
        kinds=_kinds(shape),
        argv=words,
        options=None if shape.options is None else rules.either(*shape.options),
        literal=rules.literals(shape.options or []),
        within=_trees(shape.within, "within", faults, careful=careful),
        cwd=_trees(shape.cwd, "cwd", faults, careful=careful),
        origin=None if shape.origin is None else rules.either(*shape.origin),
        signed_by=None if shape.signed_by is None else rules.either(*shape.signed_by),
        env=rules.either(*shape.env),
        stdin=shape.stdin,
        shell=shape.shell,
        secrets=None if shape.secrets is None else rules.either(*shape.secrets),
        paths=_trees(shape.paths, "paths", faults, careful=careful),
        sandbox=shape.sandbox,
        workspace=_trees(shape.workspace, "workspace", faults, careful=careful),
    )


def _kinds(shape: RuleShape) -> frozenset[str] | None:
    if shape.kinds is not None:
        return frozenset(shape.kinds)
    is_about_commands = shape.argv is not None or shape.cwd is not None or shape.shell
    is_about_commands |= shape.secrets is not None
    return frozenset({"command"}) if is_about_commands else None


def _trees(
    patterns: list[str] | None, key: str, faults: list[tuple[str, str]], *, careful: bool
) -> tuple[Tree, ...] | None:
    made = []
    for pattern in patterns or []:
        try:
            made.append(parse(pattern, careful=careful))
        except ValueError as error:
            faults.append((key, f"{key}: {error}"))
    return None if patterns is None else tuple(made)
