"""Rules that no linter knows: who assigns states, who catches everything, who sleeps."""

import ast
import subprocess
import sys

from tests.support.processes import REPOSITORY
from tests.support.sources import EVERYTHING, PROGRAMS, Source, sources

# Only these may go on after an error that nobody foresaw. The 500 handler is registered, not caught.
_MAY_GO_ON = {
    "app/threads.py": "a thread for requests outlives each request, as waitress's own threads do",
    "app/api/unfinished.py": "every error has its answer, as the errors of other views have in Flask",
    "app/janitor.py": "one failed round must not end all later ones",
    "worker/callbacks/line.py": "a message that breaks a sink must not take the others along",
    "app/scheduling.py": "one schedule must not hold up the others and the rest of the round",
    "worker/running.py": "a task that breaks our code must not take the others along",
    "app/storage/writer.py": "goes on in the thread of the caller, where it is raised again",
}
# Served until it is killed.
_OPEN_TO_THE_END = {"benchmarks/reference.py"}
_CATCH_ALL = {"Exception", "BaseException"}


def test_import_contracts_hold() -> None:
    """Imports go down the floors and never up, as the contracts in setup.cfg say."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_only_transitions_assign_a_state() -> None:
    """Outside app/services/transitions.py, no statement inserts a task or changes its state."""
    found = [place for source in sources("app") for place in _state_assignments(source)]
    assert {place.partition(":")[0] for place in found} == {"app/services/transitions.py"}, found


def _state_assignments(source: Source) -> list[str]:
    places = []
    for node in source.find(ast.Call, ast.Attribute, ast.Constant):
        if isinstance(node, ast.Call):
            wrong = _inserts_a_task(node) or _sets_a_state(node)
        elif isinstance(node, ast.Attribute):
            wrong = node.attr == "state" and isinstance(node.ctx, ast.Store)
        else:
            wrong = isinstance(node, ast.Constant) and _is_sql_on_tasks(node.value)
        if wrong:
            places.append(source.at(node))
    return places


def _inserts_a_task(call: ast.Call) -> bool:
    return _name(call.func) in {"insert", "delete"} and any(_name(arg) == "tasks" for arg in call.args)


def _sets_a_state(call: ast.Call) -> bool:
    """Say whether this is ``update(tasks)....values(state=...)``, or with the columns in one mapping."""
    if _name(call.func) != "values" or not _is_update_of_tasks(call):
        return False
    named = {keyword.arg for keyword in call.keywords}
    literal = {ast.unparse(key) for arg in call.args if isinstance(arg, ast.Dict) for key in arg.keys if key}
    return "state" in named or bool(literal & {"'state'", "tasks.c.state"})


def _is_update_of_tasks(call: ast.Call) -> bool:
    """Follow the chain of calls down to its root."""
    node: ast.AST = call
    while isinstance(node, ast.Call | ast.Attribute):
        if isinstance(node, ast.Call) and _name(node.func) == "update":
            return any(_name(arg) == "tasks" for arg in node.args)
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def _is_sql_on_tasks(value: object) -> bool:
    words = value.lower().split() if isinstance(value, str) else []
    return any(words[at : at + 2] in (["update", "tasks"], ["into", "tasks"]) for at in range(len(words)))


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_catching_everything_has_its_places() -> None:
    """``except Exception`` stands where the style allows it, or raises again what it caught."""
    swallowing = []
    for source in sources(*PROGRAMS):
        for node in source.find(ast.ExceptHandler):
            assert isinstance(node, ast.ExceptHandler)
            if _catches_all(node) and not _raises_again(node) and source.name not in _MAY_GO_ON:
                swallowing.append(source.at(node))
    assert not swallowing


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return bool({_name(node) for node in ast.walk(handler.type)} & _CATCH_ALL)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_tests_do_not_sleep() -> None:
    """Tests wait for what they need, with tests/support; a sleep is too short or too long."""
    sleeping = [
        source.at(node)
        for source in sources("tests")
        if not source.name.startswith("tests/support/")
        for node in source.find(ast.Call)
        if isinstance(node, ast.Call) and _name(node.func) == "sleep"
    ]
    assert not sleeping


def test_nothing_is_mocked() -> None:
    """No test replaces our own code by a stand-in: fakes stand at the edges only."""
    mocking = [
        source.at(node)
        for source in sources(*EVERYTHING)
        for node in source.find(ast.Import, ast.ImportFrom)
        if "mock" in ast.unparse(node).replace(".", " ").split()
    ]
    assert not mocking


def test_databases_are_closed_by_name() -> None:
    """Who opens a database with the standard library closes it: ``with`` alone ends a transaction only."""
    left_open = []
    for source in sources(*EVERYTHING):
        closed = {
            id(call)
            for node in source.find(ast.FunctionDef, ast.Call)
            if _closes(node)
            for call in ast.walk(node)
        }
        for node in source.find(ast.Call):
            assert isinstance(node, ast.Call)
            if ast.unparse(node.func) == "sqlite3.connect" and id(node) not in closed:
                left_open.append(source.at(node))
    assert {place.partition(":")[0] for place in left_open} == _OPEN_TO_THE_END, left_open


def _closes(node: ast.AST) -> bool:
    """Say whether this is ``closing(...)``, or a function that closes something itself."""
    if isinstance(node, ast.Call):
        return _name(node.func) == "closing"
    return any(isinstance(call, ast.Call) and _name(call.func) == "close" for call in ast.walk(node))
