"""The policy and agents: who may ask which of them for what, where, and what a yes is for."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.agents import Home
from tests.support.policies import write
from worker.answers import Claim
from worker.policy.guarding import Guard
from worker.policy.loading import PolicyFaulty, load
from worker.policy.presets import careful
from worker.policy_cli import policy
from worker.verdicts import Verdict

ALLOW = 'default = "allow"\n'
BOUND = '[agents.claude]\ncwd = ["~/code/**"]\nmodels = ["sonnet|haiku"]\n'


@pytest.fixture
def places(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The home folder as this process's, with folders to work in."""
    monkeypatch.setenv("HOME", str(home.folder))
    for name in ("code/project", "private"):
        (home.folder / name).mkdir(parents=True, exist_ok=True)
    return home


def guard(home: Home, tmp_path: Path, text: str) -> Guard:
    """Make a worker's guard with this policy."""
    file = write(tmp_path / "policy.toml", text)
    return Guard(file, env=home.env, shell="/bin/sh -c", must_exist=True, planner=home.planner)


def claim(kind: str = "claude-cli", **payload: Any) -> Claim:  # noqa: ANN401 - any payload
    """Make a claim of Ada's."""
    about = {"taskId": "t", "attempt": 1, "lease": "l", "timeout": 3000, "submittedBy": "client:ada"}
    return Claim.model_validate({**about, "kind": kind, "payload": {"prompt": "Tidy up", **payload}})


def decided(verdict: Verdict) -> tuple[str, str]:
    """Give answer and rule."""
    return verdict.answer, verdict.rule


def test_careful_policy_asks_about_agents(places: Home) -> None:
    """Without a word of the owner no agent runs."""
    found = Guard(
        places.folder / "none", env=places.env, shell="sh", must_exist=False, planner=places.planner
    )
    for kind in places.installed:
        assert found(claim(kind)).answer == "ask", kind
    modes = {rules.terms.mode for rules in load(careful()).agents.values()}
    assert modes == {"default", "read-only"}


def test_rules_speak_of_kind_folder_and_client(places: Home, tmp_path: Path) -> None:
    """A rule allows an agent to one client in one tree, and says nothing of others."""
    rule = '[[rule]]\nname = "tidy"\nverdict = "allow"\nkinds = ["claude-cli"]\ncwd = ["~/code/**"]\n'
    found = guard(places, tmp_path, f'{rule}from = ["client:ada"]\n')
    assert decided(found(claim(cwd="~/code/project"))) == ("allow", "tidy")
    assert found(claim(cwd="~/private")).answer == "ask"
    assert found(claim(cwd="~/code/../private")).answer == "ask"
    assert found(claim("codex-cli", cwd="~/code/project")).answer == "ask"
    other = claim(cwd="~/code/project").model_copy(update={"submitted_by": "client:ben"})
    assert found(other).answer == "ask"


def test_rule_about_words_is_not_about_agents(places: Home, tmp_path: Path) -> None:
    """A rule for a command never lets an agent run, whatever kinds it names."""
    kinds = 'kinds = ["command", "claude-cli"]'
    rule = f'[[rule]]\nname = "r"\nverdict = "allow"\n{kinds}\nargv = ["claude", "**"]\n'
    assert guard(places, tmp_path, rule)(claim()).answer == "ask"


def test_folders_and_models_of_an_agent_bind(places: Home, tmp_path: Path) -> None:
    """Outside of its trees, and as another model, an agent is refused, also where everything is allowed."""
    found = guard(places, tmp_path, ALLOW + BOUND)
    assert found(claim(cwd="~/code/project", model="haiku")).answer == "allow"
    assert decided(found(claim(cwd="~/private", model="haiku"))) == ("deny", "agents.claude: cwd")
    assert decided(found(claim(cwd="~/code/project", model="opus"))) == ("deny", "agents.claude: models")
    assert decided(found(claim(cwd="~/code/project"))) == ("deny", "agents.claude: models")


def test_session_takes_its_folder_with_it(places: Home, tmp_path: Path) -> None:
    """A session that began outside of the trees does not go on by leaving out the folder."""
    places.ask("claude-cli", "hello", sessionId="outside", cwd=str(places.folder / "private"))
    found = guard(places, tmp_path, ALLOW + '[agents.claude]\ncwd = ["~/code/**"]\n')
    assert decided(found(claim(sessionId="outside"))) == ("deny", "agents.claude: cwd")


def test_only_the_policy_gives_more_than_the_careful_mode(places: Home, tmp_path: Path) -> None:
    """A task cannot choose its mode; what the policy names is on the command line."""
    plain = guard(places, tmp_path, ALLOW)(claim(permissionMode="bypassPermissions"))
    assert plain.plan is not None
    assert plain.plan.argv[plain.plan.argv.index("--permission-mode") + 1] == "default"
    text = '[agents.claude]\npermission_mode = "bypassPermissions"\n'
    bypassing = guard(places, tmp_path, ALLOW + text)(claim())
    assert bypassing.plan is not None
    assert "bypassPermissions" in bypassing.plan.argv


def test_digest_is_of_all_that_an_agent_gets(places: Home, tmp_path: Path) -> None:
    """Another prompt, session, folder, model, budget, variable, mode, tool or program: another digest."""
    text = '[agents.claude]\nenv = ["API_KEY"]\n'
    found = guard(places, tmp_path, text)
    digests = [found(claim()).digest, found(claim(prompt="Tidy down")).digest]
    digests += [found(claim(sessionId="d")).digest, found(claim(cwd="~/private")).digest]
    digests += [found(claim(model="opus")).digest, found(claim(maxCostUsd=1.5)).digest]
    places.own["API_KEY"] = "k"
    digests.append(found(claim()).digest)
    places.own.clear()
    with places.instead("claude-cli", None, "opus", "haiku"):
        digests.append(found(claim()).digest)
    for more in ('permission_mode = "plan"\n', 'allowed_tools = ["Read"]\n', 'disallowed_tools = ["Bash"]\n'):
        digests.append(guard(places, tmp_path, text + more)(claim()).digest)
    other = places.folder / "other-claude"
    write(other, "#!/bin/sh\n").chmod(0o755)
    with places.instead("claude-cli", other):
        digests.append(guard(places, tmp_path, text)(claim()).digest)
    assert guard(places, tmp_path, text)(claim()).digest == digests[0]
    assert len(set(digests)) == len(digests)


def test_people_read_what_the_agent_would_be_asked(places: Home, tmp_path: Path) -> None:
    """The question shows prompt, folder, session, mode, tools and program, harmlessly."""
    text = '[agents.claude]\nallowed_tools = ["Bash(git log:*)"]\ndisallowed_tools = ["WebFetch"]\n'
    told = guard(places, tmp_path, text)(claim(prompt="Do\x1b[2J it\nnow", sessionId="chat")).describe or ""
    for part in (
        "claude-cli, asked for by client:ada",
        "Do\\x1b[2J it\\nnow",
        f"folder  {places.folder}",
        "asked for as chat, begins",
        "mode    default",
        "tools   Bash(git log:*); never WebFetch",
        f"program {places.bin / 'claude'}",
    ):
        assert part in told
    long = guard(places, tmp_path, text)(claim(prompt="word " * 5000)).describe or ""
    assert "25000 characters: word" in long
    assert len(long) <= 4000


def test_program_that_others_can_write_is_not_allowed(places: Home, tmp_path: Path) -> None:
    """A rule allows no agent whose program somebody else could change: people are asked."""
    program = places.folder / "open-claude"
    write(program, "#!/bin/sh\n").chmod(0o777)
    with places.instead("claude-cli", program):
        verdict = guard(places, tmp_path, ALLOW)(claim())
    assert decided(verdict) == ("ask", "agents.claude: program")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[agents.claude]\npermission_mode = "yolo"\n', "line 2: agents.claude.permission_mode"),
        (
            '[agents.codex]\nallowed_tools = ["Read"]\n',
            "line 2: agents.codex.allowed_tools: this key means nothing",
        ),
        ("[agents.codex]\nmax_cost_usd = 1\n", "line 2: agents.codex.max_cost_usd: this key means nothing"),
        ('[agents.claude]\nallowed_tools = ["--x"]\n', "line 2: agents.claude.allowed_tools"),
        ('[agents.claude]\nenv = ["WORKER_TOKEN"]\n', "never given away"),
        ('[agents.claude]\nenv = ["CLAUDECODE"]\n', "takes itself for one started by another"),
        ('[agents.claude]\ncwd = ["code"]\n', "line 2: agents.claude, cwd: a path begins with"),
        ("[agents.claude]\nmax_cost_usd = 0\n", "line 2: agents.claude.max_cost_usd"),
        ("[agents.llama]\n", "line 1: agents.llama: this key means nothing here"),
    ],
)
def test_faults_of_the_tables_are_told_with_their_lines(text: str, fault: str) -> None:
    """What is no agent, no mode or no name of a variable is a fault of the file."""
    with pytest.raises(PolicyFaulty) as faulty:
        load(text.encode())
    assert fault in str(faulty.value)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"prompt": ""}, "prompt"),
        ({"model": "--settings=/tmp/x"}, "model"),
        ({"sessionId": "x" * 201}, "session"),
        ({"maxCostUsd": -1.0}, "maxCostUsd"),
        ({"cwd": "a\0b"}, "not a path"),
    ],
)
def test_payload_that_is_none_runs_nothing(places: Home, tmp_path: Path, payload: Any, said: str) -> None:  # noqa: ANN401
    """What cannot be planned has no plan, and the agent is not started."""
    verdict = guard(places, tmp_path, ALLOW)(claim(**payload))
    assert (verdict.rule, verdict.plan) == ("not understood: nothing runs", None)
    assert said


def test_budget_that_cannot_be_kept_is_refused(places: Home, tmp_path: Path) -> None:
    """Codex and Gemini tell no costs, so a task with a limit is not run at all."""
    verdict = guard(places, tmp_path, ALLOW)(claim("codex-cli", maxCostUsd=1.0))
    assert verdict.plan is None


def test_policy_can_be_asked_about_an_agent(places: Home, tmp_path: Path) -> None:
    """The command line says what would be decided on a prompt in a folder, and by which table."""
    text = '[agents.claude]\ncwd = ["~/code/**"]\n[[rule]]\nname = "tidy"\nverdict = "allow"\n'
    file = write(tmp_path / "asked.toml", f'{text}kinds = ["claude-cli"]\ncwd = ["~/code/**"]\n')
    told = [
        CliRunner().invoke(policy, ["test", "--file", str(file), "--agent", agent, "--cwd", cwd])
        for agent, cwd in (("claude", "~/code/project"), ("claude", "~/private"), ("codex", "~/code/project"))
    ]
    assert [one.exit_code for one in told] == [0, 4, 3]
    assert "deny   agents.claude: cwd" in told[1].output
