"""How files and their words look: small, and each one saying what it is for."""

import ast
import re

from tests.support.sources import EVERYTHING, PROGRAMS, sources

_LONGEST = 300
_NO_NAMES = {"common", "core", "helpers", "manager", "misc", "util", "utils"}
_SMALL_WORDS = frozenset(
    {
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "get",
        "in",
        "is",
        "it",
        "its",
        "of",
        "on",
        "one",
    }
    | {"or", "set", "that", "the", "this", "to", "with"}
)
# Called by a library, which describes them.
_LIBRARIES_OWN = {"settings_customise_sources"}


def _words(text: str) -> set[str]:
    """The words of *text* that say something, without their endings."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ").lower()
    return {word[:5] for word in re.findall(r"[a-z0-9]+", split) if word not in _SMALL_WORDS}


def test_no_file_is_long() -> None:
    """No Python file has more than 300 lines: one that wants to grow is two ideas."""
    long = [source.name for source in sources(*EVERYTHING) if source.text.count("\n") > _LONGEST]
    assert not long


def test_names_say_what_is_inside() -> None:
    """No module or folder is called utils, helpers, common and the like, where anything could be put."""
    parts = {part for source in sources(*EVERYTHING) for part in source.name.removesuffix(".py").split("/")}
    assert not parts & _NO_NAMES


def test_modules_begin_with_one_sentence() -> None:
    """The docstring of each module begins with one sentence on what lives there."""
    wordless = []
    for source in sources(*EVERYTHING):
        first = (ast.get_docstring(source.tree) or "").split("\n\n")[0]
        if not re.search(r"[.?!:]$", first):
            wordless.append(source.name)
    assert not wordless


def test_what_others_use_is_described() -> None:
    """Every public function, method and class of the programs has a docstring."""
    bare = [
        f"{source.at(node)} {node.name}"
        for source in sources(*PROGRAMS)
        for node in source.public()
        if ast.get_docstring(node) is None and node.name not in _LIBRARIES_OWN
    ]
    assert not bare


def test_docstrings_say_more_than_names() -> None:
    """No docstring of a public function only repeats the name of the function."""
    empty = []
    for source in sources(*PROGRAMS):
        for node in source.public():
            said = _words((ast.get_docstring(node) or "").split("\n")[0])
            if not isinstance(node, ast.ClassDef) and said and said <= _words(node.name):
                empty.append(f"{source.at(node)} {node.name}")
    assert not empty


def test_every_test_states_its_claim() -> None:
    """Each test has a docstring, and its first paragraph is a sentence: the claim that the test proves."""
    silent = []
    for source in sources("tests"):
        for node in source.find(ast.FunctionDef):
            assert isinstance(node, ast.FunctionDef)
            claim = (ast.get_docstring(node) or "").split("\n\n")[0]
            if node.name.startswith("test_") and not claim.endswith((".", "?", "!")):
                silent.append(f"{source.at(node)} {node.name}")
    assert not silent
