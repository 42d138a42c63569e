"""Which task may use a secret of this machine is for a rule to say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.policies import write
from worker import secret_file
from worker.answers import Claim
from worker.policy.guarding import Guard
from worker.vault import Vault
from worker.verdicts import Verdict

ENV = {"PATH": "/usr/bin:/bin"}
DEPLOYING = """[[rule]]
name = "deploying"
verdict = "allow"
argv = ["true", "**"]
env = ["TOKEN"]
stdin = true
secrets = ["deploy-*"]
"""

Ask = Callable[..., Verdict]


@pytest.fixture
def under(tmp_path: Path) -> Callable[[str], Ask]:
    """Give what decides under a policy, on a machine with three secrets."""
    secrets = tmp_path / "secrets.toml"
    secret_file.write(
        secrets, {"deploy-key": "correct horse", "prod-key": "battery staple", "other": "x" * 9}
    )

    def decide(policy: str) -> Ask:
        file = write(tmp_path / "policy.toml", policy)
        guard = Guard(file, env=ENV, shell="/bin/sh -c", must_exist=True, vault=Vault(secrets))

        def ask(**payload: object) -> Verdict:
            given = {"taskId": "t", "attempt": 1, "lease": "l", "kind": "command", "timeout": 1000}
            return guard(Claim.model_validate(given | {"payload": payload, "submittedBy": "client:ada"}))

        return ask

    return decide


def test_rule_gives_the_secrets_that_it_names(under: Callable[[str], Ask]) -> None:
    """A rule that allows takes in tasks with the secrets that it names, and with no others."""
    ask = under(f'default = "deny"\n{DEPLOYING}')
    assert ask(argv=["true"], env={"TOKEN": "secret://deploy-key"}).rule == "deploying"
    assert ask(argv=["true"], stdin="secret://deploy-key").rule == "deploying"
    for env in ({"TOKEN": "secret://prod-key"}, {"OTHER": "secret://deploy-key"}):
        assert ask(argv=["true"], env=env).answer == "deny"


def test_without_a_word_of_the_rule_no_secret_is_given(under: Callable[[str], Ask]) -> None:
    """Neither a rule without secrets, nor a default that allows, gives one away: people are asked."""
    rule = DEPLOYING.replace('secrets = ["deploy-*"]\n', "")
    ask = under(f'default = "allow"\n[shell]\nverdict = "allow"\n{rule}')
    assert ask(argv=["true"], env={"TOKEN": "plain"}).answer == "allow"
    for words in ({"argv": ["true"]}, {"command": "echo $TOKEN"}):
        verdict = ask(**words, env={"TOKEN": "secret://deploy-key"})
        assert (verdict.answer, verdict.rule) == ("ask", "secrets")
        assert "TOKEN=secret://deploy-key" in (verdict.describe or "")


def test_rules_that_deny_can_speak_of_secrets(under: Callable[[str], Ask]) -> None:
    """A rule that denies prod-* is about tasks that use one of these, and about no others."""
    rule = '[[rule]]\nname = "not prod"\nverdict = "deny"\nsecrets = ["prod-*"]\n'
    ask = under(f'default = "allow"\n{rule}{DEPLOYING}')
    assert ask(argv=["true"], env={"TOKEN": "secret://prod-key"}).rule == "not prod"
    assert ask(argv=["true"], env={"TOKEN": "secret://deploy-key"}).answer == "allow"
    assert ask(argv=["ls"]).answer == "allow"


def test_unknown_secret_is_refused_before_anybody_is_asked(under: Callable[[str], Ask]) -> None:
    """What this worker does not have cannot be used: denied by its name, unless a rule denies before."""
    for default in ("ask", "allow"):
        verdict = under(f'default = "{default}"\n')(argv=["true"], env={"TOKEN": "secret://none"})
        assert (verdict.answer, verdict.rule) == ("deny", "no secret none on this worker")
    assert under('default = "deny"\n')(argv=["true"], env={"T": "secret://none"}).rule == "default"


def test_digest_is_of_the_name(under: Callable[[str], Ask], tmp_path: Path) -> None:
    """A yes is for the secret by its name: the digest cannot be tried out, and outlives a new value."""
    ask = under(f'default = "ask"\n{DEPLOYING}')
    before = ask(argv=["true"], env={"TOKEN": "secret://deploy-key"}).digest
    secret_file.write(tmp_path / "secrets.toml", {"deploy-key": "a new value", "prod-key": "battery staple"})
    assert ask(argv=["true"], env={"TOKEN": "secret://deploy-key"}).digest == before
    assert ask(argv=["true"], env={"TOKEN": "secret://prod-key"}).digest != before
