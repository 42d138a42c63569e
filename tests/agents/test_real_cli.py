"""The real command lines, where one is installed: what the stand-ins play is what they do."""

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.recorded_run import RecordedRun
from worker import environment
from worker.executors.agents.planning import Installed, Planner, Terms
from worker.executors.agents.running import Agents
from worker.executors.agents.sessions import Sessions
from worker.orders import Order


@pytest.mark.real_cli
@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
def test_two_rounds_of_a_real_session(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """An installed agent that is logged in remembers in the second round what it was told in the first."""
    if "real_cli" not in request.config.getoption("-m"):
        pytest.skip("it costs money: ask for it with -m real_cli")
    env = environment.build(search_path=None)
    program = shutil.which(name, path=env["PATH"])
    if program is None:
        pytest.skip(f"{name} is not installed here")
    sessions, kind, asked = Sessions(tmp_path / "sessions.db"), f"{name}-cli", str(uuid.uuid4())
    planner = Planner({kind: Installed(program)}, sessions, own={}, home=Path(env["HOME"]))
    agents, said = Agents(planner, env=env), []
    for prompt in ("Remember the word heron. Answer with OK alone.", "Which word? Answer with it alone."):
        given = {"prompt": prompt, "sessionId": asked, "cwd": str(tmp_path)}
        _, plan = planner.plan(kind, given, Terms())
        run = RecordedRun()
        ending = agents.run(kind, Order(asked, given, 120_000, replace(plan, program=Path(program))), run)
        assert (ending.exit_code, ending.error) == (0, None)
        said.append(run.stdout.decode())
    sessions.close()
    assert "heron" in said[1].lower()
