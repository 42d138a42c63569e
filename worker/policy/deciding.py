"""The verdict on one task: deny first, then ask, then allow, then the default."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from worker.policy import seat_belt
from worker.policy.asked import Asked
from worker.policy.loading import Policy
from worker.policy.plain import guessed_commands
from worker.policy.programs import Program, Programs
from worker.policy.rules import Answer, Rule
from worker.policy.trees import Tree

_MATCHES = "this rule matches"
_Words = tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What the policy says of a task, and *why* in a sentence.

    *words* are set when exactly they are to run, without a shell; *program* is what their first word
    means. *tree* is where the file of a file task has to lie. *matched* is the rule that decided, if one did.
    """

    answer: Answer
    rule: str
    why: str
    words: _Words | None = None
    program: Program | None = None
    tree: Tree | None = None
    matched: Rule | None = None


def decide(policy: Policy, asked: Asked, programs: Programs) -> Finding:
    """Give the verdict. It opens nothing and starts nothing; it looks at paths and modes of files."""
    cwd = asked.cwd or Path("/")
    program = programs.find(asked.words[0], cwd) if asked.words else None
    words = asked.words if asked.text is None else None
    guesses = list(_guesses(asked, program))
    if policy.seat_belt and (named := seat_belt.refusal(guesses, asked.text)):
        return Finding(
            "deny", named, "the seat belt, which comes before all rules, forbids it", words, program
        )
    forms = [replace(asked, words=guess) for guess in guesses] or [asked]
    for rule in policy.rules:
        if rule.answer != "allow" and any(rule.speaks_of(form) for form in (asked, *forms)):
            return Finding(rule.answer, rule.name, _MATCHES, words, program, matched=rule)
    plain = _as_found(asked, program, programs)
    for rule in policy.rules:
        if rule.answer == "allow" and rule.speaks_of(plain):
            if rule.shell or asked.kind != "command":
                tree = rule.tree_of(asked.path) if asked.path else None
                return Finding("allow", rule.name, _MATCHES, words, program, tree, rule)
            if program is not None and program.safe:
                return Finding("allow", rule.name, _MATCHES, plain.words, program, matched=rule)
    return _fallback(policy, asked, words, program)


def _fallback(policy: Policy, asked: Asked, words: _Words | None, program: Program | None) -> Finding:
    """What no rule decides; it never gives a secret away, since only a rule can say which."""
    answer, name, why = policy.default, "default", _why_default(asked, program)
    if asked.text is not None:
        answer, name, words = policy.shell, "shell", None
        why = "no rule matches, and this is what holds for shell text"
    if asked.secrets and answer == "allow":
        secrets = " and ".join(f"secret://{one}" for one in asked.secrets)
        return Finding("ask", "secrets", f"no rule lets such a task use {secrets}", words, program)
    return Finding(answer, name, why, words, program)


def _why_default(asked: Asked, program: Program | None) -> str:
    why = "no rule matches, and this is the default"
    if asked.kind != "command" or program is None or program.safe:
        return why
    return f"{why}; others than root and this user can write {program.path}, so no rule may allow it"


def _guesses(asked: Asked, program: Program | None) -> Iterator[_Words]:
    """The commands that the task may come to, under each name that they go by."""
    found = [asked.words] if asked.words else []
    if asked.text is not None:
        found += [guess for guess in guessed_commands(asked.text) if guess != asked.words]
    for words in found:
        yield words
        name = os.path.basename(words[0])  # noqa: PTH119 - a Path loses what follows odd slashes
        if name and name != words[0]:
            yield (name, *words[1:])
    if program is not None and asked.words:
        real = program.path.name
        if real != os.path.basename(asked.words[0]):  # noqa: PTH119 - as above
            yield (real, *asked.words[1:])


def _as_found(asked: Asked, program: Program | None, programs: Programs) -> Asked:
    """Take ``/usr/bin/git`` for ``git`` where the PATH leads to the same file.

    It then runs under that name, too: by the path that it was called by, a program may find its settings.
    """
    if program is None or not asked.words or not asked.words[0].startswith("/"):
        return asked
    name = os.path.basename(asked.words[0])  # noqa: PTH119 - as above
    if name and programs.find(name, Path("/")) == program:
        return replace(asked, words=(name, *asked.words[1:]))
    return asked
