"""A run in confines is as one without: words, variables, input, output, exit codes and stopping."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import Ward
from tests.support.patience import until
from tests.support.recorded_run import RecordedRun, order
from worker.executors import tree
from worker.executors.command import Commands
from worker.items import Ending
from worker.orders import Plan
from worker.sandboxing.confines import Confines, Limits
from worker.sandboxing.sandboxes import Sandboxes

CONFINES = pytest.mark.parametrize(
    "confines", [Confines(limits=Limits(files=100)), Confines("no-network")], ids=str
)


def started(ward: Ward, confines: Confines, *argv: str, program: Path | None = None, **payload: Any) -> str:  # noqa: ANN401 - any payload
    """Run *argv* in *confines* in the work folder and give its output; it has to end well."""
    run, confines = RecordedRun(), ward.confines(profile=confines.profile, limits=confines.limits)
    ordered = order(argv=list(argv), **payload)
    plan = Plan(argv, program, ward.work, confines=confines)
    commands = Commands(env=ward.env, shell="/bin/sh -c", sandboxes=ward.sandboxes)
    ending = commands.run(ordered.__class__(ordered.task_id, ordered.payload, 10000, plan), run)
    assert ending.exit_code == 0, (ending, run.stderr)
    return run.stdout.decode(errors="surrogateescape")


@CONFINES
def test_words_arrive_as_they_are(ward: Ward, confines: Confines) -> None:
    """Words of any sort reach the program untouched, the first one too, whatever its file is called."""
    words = ["", " ", "-n", "--", "$HOME", "a\nb", "*", "'\"\\", "\udcff"]
    said = started(
        ward, confines, "-odd name", "-c", 'printf "[%s]" "$0" "$@"', *words, program=Path("/bin/bash")
    )
    assert said == "".join(f"[{word}]" for word in words)
    shown = started(
        ward, confines, "-odd", "-c", "tr '\\0' '|' < /proc/$$/cmdline", program=Path("/bin/bash")
    )
    assert shown.startswith("-odd|-c|")


@CONFINES
def test_variables_arrive_as_they_are(ward: Ward, confines: Confines) -> None:
    """The program has the variables of the worker and the task, and none that makes bash read something."""
    env = {
        "GREETING": "a b\n'c",
        "BASH_ENV": "evil.sh",
        "BASH_FUNC_cat%%": "() { echo evil; }",
        "ENV": "evil.sh",
    }
    (ward.work / "evil.sh").write_text("echo evil\n")
    said = started(ward, confines, "env", "-0", env=env).split("\0")
    assert "evil" not in [line for line in said if "=" not in line]
    assert set(said) >= {f"{name}={value}" for name, value in {**ward.env, **env}.items()}
    names = {line.split("=")[0] for line in said if line}
    assert names - set(ward.env) - set(env) <= {tree.MARK, "SHLVL", "_"}
    (ward.work / "evil.sh").unlink()


@CONFINES
def test_input_and_folder_arrive(ward: Ward, confines: Confines) -> None:
    """The input is read to its end, and the command runs in its folder."""
    assert started(ward, confines, "wc", "-c", stdin="x" * 200_000) == "200000\n"
    assert started(ward, confines, "pwd") == f"{ward.work}\n"


@CONFINES
@pytest.mark.parametrize(("text", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("exit 300", 44)])
def test_exit_codes_are_as_a_shell_says(ward: Ward, confines: Confines, text: str, code: int) -> None:
    """The exit code is the command's own, or 128 and the signal that ended it."""
    assert (
        ward.run(text, ward.confines(profile=confines.profile, limits=confines.limits))[0].exit_code == code
    )


@CONFINES
def test_what_is_not_there_is_not_found(ward: Ward, confines: Confines) -> None:
    """A program or a folder that is not there is said as without confines, with 127."""
    commands = Commands(env=ward.env, shell="/bin/sh -c", sandboxes=ward.sandboxes)
    for argv, cwd in (
        (("no-such-program",), ward.work),
        (("./none",), ward.work),
        (("true",), Path("/none")),
    ):
        ordered = order(argv=list(argv), cwd=str(cwd))
        plan = Plan(argv, None, cwd, confines=confines)
        ending = commands.run(ordered.__class__("t", ordered.payload, 1000, plan), RecordedRun())
        assert ending.exit_code == 127, ending


def test_a_timeout_asks_first(ward: Ward) -> None:
    """TERM reaches the command inside, which may tidy up; the exit code is that of a timeout."""
    text = "trap 'echo tidied; exit 3' TERM; echo up; while :; do sleep 0.05; done"
    ending, said = ward.run(text, ward.confines(), timeout_ms=300)
    assert (ending.exit_code, ending.reason) == (124, "timeout")
    assert said.startswith("up\ntidied\n")


def test_what_ignores_term_is_killed(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """KILL ends all that is inside, also what has a session of its own."""
    monkeypatch.setattr(tree, "GRACE_S", 0.3)
    beat = ward.work / "beat"
    deaf = "trap '' TERM; while :; do date +%N > beat; sleep 0.02; done"
    text = f"trap '' TERM; setsid sh -c \"{deaf}\" & while :; do sleep 1; done"
    stop = RecordedRun(lambda _run: Ending(-1, "Cancelled", "cancelled") if beat.exists() else None)
    began = time.monotonic()
    ending, _ = ward.run(text, ward.confines(), run=stop)
    assert ending.reason == "cancelled"
    assert time.monotonic() - began < 5
    until(lambda: beat.stat().st_mtime < time.time() - 0.2, within=5)
    beat.unlink()


def test_without_the_sandbox_nothing_runs(ward: Ward) -> None:
    """An executor that has no sandboxes refuses with 126 and the reason, and starts nothing."""
    ordered = order(argv=["touch", "ran"])
    plan = Plan(("touch", "ran"), Path("/usr/bin/touch"), ward.work, confines=ward.confines())
    ordered = ordered.__class__("t", ordered.payload, 1000, plan)
    for sandboxes in (None, Sandboxes(ward.env)):
        ending = Commands(env=ward.env, shell="/bin/sh -c", sandboxes=sandboxes).run(ordered, RecordedRun())
        assert (ending.exit_code, ending.reason) == (126, "policy")
        assert ending.error == "Refused: the sandbox no-network does not work here: it was not tried yet"
    assert not (ward.work / "ran").exists()


def test_a_folder_that_became_a_link_is_not_shown(ward: Ward) -> None:
    """Swapped for a link after the decision, the folder of the run is not followed to somewhere else."""
    inner = ward.work / "inner"
    inner.symlink_to(ward.home / ".ssh")
    ending, said = ward.run("cat id; ls -a", ward.confines(tree=inner))
    inner.unlink()
    assert (ending.exit_code, said) == (126, "")
    assert "was swapped for a link" in (ending.error or "")
