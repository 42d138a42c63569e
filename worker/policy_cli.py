"""The commands ``clawtrail policy``: write one, check one, and ask one what it would decide."""

import os
import sys
from pathlib import Path

import click

from config.worker import SHELL, policy_file
from worker import environment
from worker.answers import Claim
from worker.policy.guarding import Guard, read
from worker.policy.loading import Policy, PolicyFaulty, load
from worker.policy.presets import ALLOW_ALL, careful
from worker.policy.warnings import warnings_of
from worker.sandboxing.confines import PROFILES, Profile
from worker.sandboxing.sandboxes import Sandboxes
from worker.verdicts import Verdict

_STATUS = {"allow": 0, "ask": 3, "deny": 4}


class Unusable(click.ClickException):
    """A policy that cannot be used, or written."""

    exit_code = 2


class _Policies(click.Group):
    """Loads one command only when it is typed: it alone needs the client."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of all commands."""
        return sorted([*super().list_commands(ctx), "replay"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give the command of that name; None where there is none."""
        if cmd_name != "replay":
            return super().get_command(ctx, cmd_name)
        from worker.replay_cli import replay  # noqa: PLC0415 - slow to load, and seldom needed

        return replay


@click.group(cls=_Policies)
def policy() -> None:
    """Say what may run on this computer: the policy of its worker.

    The file is ~/.config/clawtrail/policy.toml, unless CLAWTRAIL_WORKER_POLICY names another one.
    docs/policy.md explains it.

    Examples:
      clawtrail policy init
      clawtrail policy check
      clawtrail policy test -- git push
      clawtrail policy test --shell 'ls | wc -l'
      clawtrail policy replay --since 30d new-policy.toml

    """


_FILE = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The policy file; without one that the worker would read.",
)


@policy.command()
@click.option("--careful", "kind", flag_value="careful", default="careful", help="Looking, git reads, notes.")
@click.option("--allow-all", "kind", flag_value="allow-all", help="Everything, as openclaw-worker was.")
@_FILE
def init(*, kind: str, file: Path | None) -> None:
    """Write a policy file; one that is there already is left alone.

    A running worker takes it up by itself if it was started with that file.
    """
    place = file or policy_file()
    content = careful() if kind == "careful" else ALLOW_ALL.encode()
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
    except FileExistsError:
        raise Unusable(f"There is a file {place} already; remove it first") from None
    except OSError as error:
        raise Unusable(f"Cannot write {place}: {error.strerror}") from error
    click.echo(f"Written: {place}")


@policy.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path | None) -> None:
    """Read FILE as a worker would, and tell every fault with its line.

    Also tells what is well-formed and probably not meant, such as an interpreter that may run anything.

    Exit status:
      0  it can be used
      2  it cannot

    """
    place = file or policy_file()
    found = _loaded(place)
    for warning in warnings_of(found):
        click.echo(f"{place}: {warning}", err=True)
    click.echo(f"{place}: {len(found.rules)} rules, default {found.default}, policy {found.digest}")


@policy.command()
@_FILE
@click.option("--shell", metavar="TEXT", help="Ask about text for a shell.")
@click.option("--read", "read_path", metavar="PATH", help="Ask about reading a file.")
@click.option("--write", "write_path", metavar="PATH", help="Ask about writing a file.")
@click.option("--edit", "edit_path", metavar="PATH", help="Ask about editing a file.")
@click.option("--agent", type=click.Choice(["claude", "codex", "gemini"]), help="Ask about a prompt for it.")
@click.option("--cwd", metavar="FOLDER", help="Where the command or the agent would run.")
@click.option("--env", "env", multiple=True, metavar="NAME=VALUE", help="A variable of the task; repeatable.")
@click.option("--from", "origin", default="client:somebody", show_default=True, help="Who would ask.")
@click.option("--signed-by", metavar="KEY", help="The name of the trusted key that would have signed it.")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
def test(
    *,
    file: Path | None,
    shell: str | None,
    read_path: str | None,
    write_path: str | None,
    edit_path: str | None,
    agent: str | None,
    cwd: str | None,
    env: tuple[str, ...],
    origin: str,
    signed_by: str | None,
    argv: tuple[str, ...],
) -> None:
    """Say what would be decided about a command (after --), a text for a shell, or a file; nothing is run.

    Examples:
      clawtrail policy test -- git push
      clawtrail policy test --cwd ~/code -- git log --oneline
      clawtrail policy test --shell 'ls | wc -l'
      clawtrail policy test --read ~/.ssh/id_ed25519
      clawtrail policy test --agent claude --cwd ~/code

    Exit status:
      0  allow
      2  wrong usage, or a policy that cannot be used
      3  ask
      4  deny

    """
    files = {"file-read": read_path, "file-write": write_path, "file-edit": edit_path}
    asked: list[tuple[str, dict[str, object]]] = [
        (kind, {"path": path}) for kind, path in files.items() if path is not None
    ]
    about: dict[str, object] = {"env": dict(one.partition("=")[::2] for one in env)}
    about |= {"cwd": cwd} if cwd else {}
    asked += [("command", {"command": shell, **about})] if shell is not None else []
    asked += [("command", {"argv": list(argv), **about})] if argv else []
    asked += [(f"{agent}-cli", {"prompt": "test", "cwd": cwd})] if agent else []
    if len(asked) != 1:
        raise click.UsageError(
            "Name one thing: a command after --, or --shell, --read, --write, --edit or --agent"
        )
    [(kind, payload)] = asked
    verdict = _verdict(file or policy_file(), kind, payload, origin, signed_by)
    click.echo(f"{verdict.answer}   {verdict.rule}")
    click.echo(f"why     {verdict.why}")
    if verdict.plan is not None and verdict.plan.program is not None:
        click.echo(f"program {verdict.plan.program}")
    if verdict.plan is not None:
        click.echo(f"sandbox {verdict.plan.confines or 'none'}")
    click.echo(f"digest  {verdict.digest}")
    sys.exit(_STATUS[verdict.answer])


@policy.command()
@click.argument("profiles", nargs=-1, type=click.Choice(PROFILES))
def sandboxes(*, profiles: tuple[Profile, ...]) -> None:
    """Try the sandboxes on this machine, PROFILES or all of them, and say why one does not work.

    Exit status:
      0  all of them work
      1  one does not, so rules that ask for it refuse

    """
    found = Sandboxes(environment.build(search_path=environment.DEFAULT_PATH))
    found.probe()
    asked = profiles or PROFILES
    for profile in asked:
        click.echo(f"{profile:<10}  {found.why_not.get(profile, 'works')}")
    sys.exit(int(any(profile in found.why_not for profile in asked)))


def _loaded(place: Path) -> Policy:
    try:
        return load(read(place))
    except PolicyFaulty as error:
        lines = [f"{place}:{line}: {fault}" for line, fault in error.faults]
        raise Unusable("This policy cannot be used:\n" + "\n".join(lines)) from None
    except OSError as error:
        raise Unusable(f"Cannot read {place}: {error.strerror}") from error


def _verdict(
    place: Path, kind: str, payload: dict[str, object], origin: str, signed_by: str | None
) -> Verdict:
    if place.exists():
        _loaded(place)
    else:
        click.echo(f"There is no {place}: the careful policy that comes with the worker holds.", err=True)
    env = environment.build(search_path=None)
    sandboxes = Sandboxes(env, [place])
    sandboxes.probe()
    guard = Guard(place, env=env, shell=SHELL, must_exist=False, sandboxes=sandboxes)
    claim = Claim.model_validate(
        {
            "taskId": "test",
            "attempt": 1,
            "lease": "test",
            "kind": kind,
            "payload": payload,
            "timeout": 1000,
            "submittedBy": origin,
        }
    )
    return guard(claim, signed_by)
