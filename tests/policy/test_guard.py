"""The guard: digests that tell contents apart, questions that people can read, and files that change."""

import os
import time
from pathlib import Path

import pytest

from tests.policy.world import World
from tests.support.policies import allow_all, write
from worker.answers import Approval, Claim
from worker.policy.guarding import Guard
from worker.policy.loading import PolicyFaulty

ASK = 'default = "ask"\n'
DENY = 'default = "deny"\n\n[shell]\nverdict = "deny"\n'


def asked(world: World, policy: Path, **payload: object) -> str:
    """Give the digest of a command under *policy*."""
    return world.guard(policy)(world.claim("command", **payload)).digest


def test_digest_is_of_everything_that_would_run(world: World, tmp_path: Path) -> None:
    """Other words, text, folder, variable, value, input, program, script or policy make another digest."""
    policy = write(tmp_path / "p.toml", ASK)
    script = world.home / "code" / "project" / "evil.py"
    run = {"argv": ["python3", "evil.py"], "cwd": str(script.parent)}
    digests = [asked(world, policy, **run), asked(world, policy, argv=["python3", "evil.py"])]
    digests += [asked(world, policy, **run, env={"A": "1"}), asked(world, policy, **run, env={"A": "2"})]
    digests += [asked(world, policy, **run, env={"B": "1"}), asked(world, policy, **run, stdin="x")]
    digests += [asked(world, policy, command="python3 evil.py", cwd=str(script.parent))]
    digests += [asked(world, policy, **{**run, "argv": ["python3", "evil.py", ""]})]
    assert asked(world, policy, **run) == digests[0]
    try:
        script.write_text("print()\n")
        digests.append(asked(world, policy, **run))
    finally:
        script.write_text("")
    digests.append(asked(world, write(policy, ASK + "# another\n"), **run))
    assert len(set(digests)) == len(digests)


def test_changed_executable_is_another_digest(world: World, tmp_path: Path) -> None:
    """The bytes of the program count, also when its size and the time of its change stay."""
    policy, tool = write(tmp_path / "p.toml", ASK), tmp_path / "tool"
    write(tool, "#!/bin/sh\necho a\n").chmod(0o755)
    before, guard = tool.stat(), world.guard(policy)
    claim = world.claim("command", argv=[str(tool)])
    first = guard(claim).digest
    tool.write_text("#!/bin/sh\necho b\n")
    os.utime(tool, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert guard(claim).digest != first


def test_approval_holds_for_one_digest(world: World, tmp_path: Path) -> None:
    """A yes to one content is none to another, and none to what is denied."""
    policy = write(tmp_path / "p.toml", ASK)
    guard, claim = world.guard(policy), world.claim("command", argv=["touch", "x"])
    verdict = guard(claim)
    yes = claim.model_copy(update={"approval": _yes(verdict.digest)})
    other = claim.model_copy(update={"approval": _yes("0" * 64)})
    assert (verdict.holds_under(claim), verdict.holds_under(yes)) == (False, True)
    assert not verdict.holds_under(other)
    write(policy, DENY)
    assert not guard(yes).holds_under(yes)


def _yes(digest: str) -> Approval:
    return Approval(id="a", digest=digest, by="approver:ann", at=1)


def test_description_tells_all_and_harmlessly(world: World, tmp_path: Path) -> None:
    """People see words, folder, variables and input; control characters are shown as escapes."""
    guard = world.guard(write(tmp_path / "p.toml", ASK))
    claim = world.claim("command", argv=["touch", "a b\x1b[2J"], env={"LD_PRELOAD": "/evil.so"}, stdin="in\n")
    told = guard(claim).describe or ""
    assert "client:ada" in told
    assert "touch 'a b\\x1b[2J'" in told
    assert "LD_PRELOAD=/evil.so" in told
    assert "3 bytes: in\\n" in told
    assert str(world.home) in told
    assert "\x1b" not in told


def test_long_description_says_that_it_is_cut(world: World, tmp_path: Path) -> None:
    """What does not fit is not left out silently, and the text is never too long for the service."""
    guard = world.guard(write(tmp_path / "p.toml", ASK))
    told = guard(world.claim("command", argv=["touch", *["word"] * 5000])).describe or ""
    assert told.startswith("NOT SHOWN WHOLE")
    assert len(told) <= 4000


def test_new_file_holds_from_the_next_task_on(world: World, tmp_path: Path) -> None:
    """A changed policy is taken up without a word; a bad one is told, and the old one goes on."""
    policy = allow_all(tmp_path)
    guard, claim = world.guard(policy), world.claim("command", argv=["touch", "x"])
    assert guard(claim).answer == "allow"
    write(policy, DENY)
    assert guard(claim).answer == "deny"
    write(policy, 'default = "allow"\ncolour = 1\n')
    assert guard(claim).answer == "deny"
    policy.unlink()
    assert guard(claim).answer == "deny"


def test_bad_new_file_is_told_once_with_its_lines(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says that the old policy goes on, and every fault of the new one."""
    policy = allow_all(tmp_path)
    guard, claim = world.guard(policy), world.claim("command", argv=["true"])
    write(policy, "colour = 1\ntaste = 2\n")
    guard(claim)
    guard(claim)
    [told] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "the old one goes on" in told
    assert "line 1: colour" in told
    assert "line 2: taste" in told


def test_policy_that_others_can_write_is_refused(world: World, tmp_path: Path) -> None:
    """A file that somebody else can change is no policy of the owner's."""
    policy = allow_all(tmp_path)
    policy.chmod(0o666)
    with pytest.raises(PolicyFaulty, match="others can write"):
        world.guard(policy)


def test_program_of_a_rule_is_what_runs(world: World, tmp_path: Path) -> None:
    """The real path that was decided on is executed, whatever the task says of PATH."""
    policy = write(
        tmp_path / "p.toml", '[[rule]]\nname = "r"\nverdict = "allow"\nargv = ["date"]\nenv = ["PATH"]\n'
    )
    claim = world.claim("command", argv=["date"], env={"PATH": str(world.home / "Notes" / "bin")})
    verdict = world.guard(policy)(claim)
    assert verdict.plan is not None
    assert verdict.plan.program == Path("/usr/bin/date").resolve()
    world.run(claim, verdict)
    assert not world.marker.exists()


def test_limit_of_time_is_told_to_the_run(world: World, tmp_path: Path) -> None:
    """The policy's longest time is part of the verdict, in milliseconds."""
    guard = world.guard(write(tmp_path / "p.toml", "[limits]\ntimeout = 5\n"))
    assert guard(world.claim("command", argv=["true"])).timeout_ms == 5000


def test_payload_that_is_none_runs_nothing(world: World, tmp_path: Path) -> None:
    """What the policy cannot read, the executor cannot read either."""
    claim = world.claim("command", argv=["touch", str(world.marker)], command="touch x")
    verdict = world.guard(write(tmp_path / "p.toml", DENY))(claim)
    assert (verdict.rule, verdict.plan) == ("not understood: nothing runs", None)
    with pytest.raises(ValueError, match="either command or argv"):
        world.run(claim, verdict)
    assert not world.marker.exists()


def test_decision_is_quick(world: World, policy: Path) -> None:
    """A decision under the careful policy, digest included, costs well under 5 ms of the processor."""
    guard = world.guard(policy)
    cwd = str(world.home / "code" / "project")
    claim = world.claim("command", argv=["git", "log", "--oneline", "-5"], cwd=cwd)
    guard(claim)
    took = []
    for _ in range(200):
        began = time.thread_time()
        guard(claim)
        took.append(time.thread_time() - began)
    assert sorted(took)[len(took) // 2] < 0.005


def test_worker_runs_the_policy_it_was_given(world: World, tmp_path: Path) -> None:
    """Text that is one plain command of an allow rule runs as its words, without a shell."""
    policy = write(tmp_path / "p.toml", '[[rule]]\nname = "r"\nverdict = "allow"\nargv = ["echo", "**"]\n')
    claim = world.claim("command", command="echo 'a  b' c")
    guard = Guard(policy, env=world.env, shell="/bin/false", must_exist=True)
    verdict = guard(claim)
    assert verdict.plan is not None
    assert verdict.plan.argv == ("echo", "a  b", "c")
    assert world.run(claim, verdict)[1] == b"a  b c\n"


def test_unknown_payloads_have_digests(world: World, tmp_path: Path) -> None:
    """A kind of somebody else's is decided on by its name, fractions and half characters included."""
    guard = world.guard(
        write(tmp_path / "p.toml", '[[rule]]\nname = "g"\nverdict = "allow"\nkinds = ["greet"]\n')
    )
    one, two = (
        Claim.model_validate(world.claim("greet", x=x).model_dump(by_alias=True)) for x in (0.5, 0.25)
    )
    assert guard(one).answer == "allow"
    assert guard(one).digest != guard(two).digest


def test_slashes_at_the_beginning_hide_nothing(world: World, tmp_path: Path) -> None:
    """A rule that denies a path knows it with two slashes before it, and behind a link."""
    rule = '[[rule]]\nname = "d"\nverdict = "deny"\npaths = ["~/.ssh/**"]\n'
    guard = world.guard(write(tmp_path / "p.toml", 'default = "allow"\n' + rule))
    for path in ("~/.ssh/id_secret", f"/{world.home}/.ssh/id_secret", "~/Notes/link-to-secret"):
        assert guard(world.claim("file-read", path=path)).answer == "deny", path
    assert guard(world.claim("file-read", path="~/Notes/today.md")).answer == "allow"


def test_folders_that_others_can_write_hold_no_programs(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They are passed over on the PATH, and named at the start."""
    policy = write(tmp_path / "p.toml", '[[rule]]\nname = "r"\nverdict = "allow"\nargv = ["date"]\n')
    env = world.env | {"PATH": f"{world.open_folder}:/usr/bin:/bin"}
    verdict = Guard(policy, env=env, shell="/bin/sh -c", must_exist=True)(
        world.claim("command", argv=["date"])
    )
    assert verdict.plan is not None
    assert verdict.plan.program == Path("/usr/bin/date").resolve()
    assert "others can write folders of the PATH" in caplog.text
