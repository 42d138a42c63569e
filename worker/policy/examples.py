"""The examples that a rule carries, ``match`` and ``not_match``, tried on the rule itself."""

import os
import shlex
from pathlib import Path

from worker.policy.plain import words_of
from worker.policy.rules import Rule
from worker.policy.shapes import RuleShape


def faults_of_examples(rule: Rule, shape: RuleShape) -> list[tuple[str, str]]:
    """Say which examples are not as the file says: pairs of the key and a sentence.

    An example of a command counts as run in the first folder of the rule; who asks does not count.
    """
    faults = [("match", f"it does not match {text!r}") for text in shape.match if not _takes(rule, text)]
    faults += [("not_match", f"it matches {text!r}") for text in shape.not_match if _takes(rule, text)]
    return faults


def _takes(rule: Rule, text: str) -> bool:
    if rule.argv is None:
        path = Path(os.path.normpath(Path(text).expanduser()))
        return rule.tree_of(path) is not None
    words = words_of(text)
    if words is None and rule.answer != "allow":  # a refusal is also tried on what text may hold
        try:
            words = tuple(shlex.split(text))
        except ValueError:
            return False
    cwd = rule.cwd[0].root if rule.cwd else Path.home()
    return bool(words) and words is not None and rule.takes_words(words, cwd)
