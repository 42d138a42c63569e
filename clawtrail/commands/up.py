"""``clawtrail up``: server and worker together on this computer, with a first task through both."""

from __future__ import annotations

import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType

import click
import requests

from clawtrail import __version__, demo_policy
from clawtrail.client import Client
from clawtrail.commands.printing import compact
from clawtrail.data_folder import DataFolder, FolderFailed
from clawtrail.errors import Unauthorized
from clawtrail.manual import ManualCommand
from clawtrail.result import Result
from clawtrail.supervising import Child, ChildFailed, program, wait_until
from clawtrail.terminal import harmless, one_line

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FIRST_TASK = ("uname", "-a")
_START, _WORKER, _TASK = 30.0, 30.0, 60.0
_GLANCE = 0.25
_QUERY = "SELECT time, actor, type, what FROM history ORDER BY seq DESC LIMIT 9"


@click.command(cls=ManualCommand)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="CLAWTRAIL_DATA",
    default=Path("~/.local/share/clawtrail"),
    show_default=True,
    help="The folder for the database, tokens and logs.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=3456, show_default=True, help="The server's port."
)
@click.option("--once", is_flag=True, help="Leave after the first task.")
def up(*, data: Path, port: int, once: bool) -> int:
    """Start a server and a worker together on this computer.

    Makes what is missing in the data folder (database, a client's and a worker's token in files that only
    you can read), starts both, sends a first task through them and says what to type next. Whichever of the
    two ends by accident is started again. Ctrl-C stops both: the worker lets running tasks finish; a second
    Ctrl-C does not wait for them.

    Run again, it goes on with the same data and tokens.

    Examples:
      clawtrail up
      clawtrail up --data ./data --port 4000
      clawtrail up --once

    Exit status:
      0      stopped by you, or (--once) after the first task
      1      something did not start, or the first task failed
      2      wrong usage: the port is taken, or the settings are wrong

    """
    if not _is_free(port):
        _complain(
            f"Port {port} is taken by another program, perhaps by a Clawtrail that is up already. "
            "Take another one: clawtrail up --port NUMBER (or: make run PORT=NUMBER)."
        )
        return 2
    folder = DataFolder(data.expanduser().absolute())
    try:
        folder.prepare()
        with _signals_interrupt():
            return _attend(folder, port, once=once)
    except (FolderFailed, ChildFailed) as error:
        _complain(str(error))
        return error.status
    except Unauthorized:
        _complain(
            f"The database {folder.database} does not know the token in {folder.client_token}. "
            f"Remove {folder.client_token} and {folder.worker_token}: the next start makes new ones."
        )
        return 1


def _attend(folder: DataFolder, port: int, *, once: bool) -> int:
    url = f"http://127.0.0.1:{port}"
    server = Child(
        "server", ["serve", "--data", str(folder.path), "--port", str(port)], folder.path / "server.log"
    )
    worker = Child(
        "worker",
        [
            "worker",
            "--url",
            url,
            "--token-file",
            str(folder.worker_token),
            "--state",
            str(folder.path / "worker"),
            "--policy",
            str(folder.path / demo_policy.FILE),
        ],
        folder.path / "worker.log",
    )
    try:
        _start(folder, url, server, worker)
        if not _first_task(folder, url):
            return 1
        if once:
            return 0
        _say_what_next(folder, url)
        while True:
            time.sleep(_GLANCE)
            server.keep_up(_say)
            worker.keep_up(_say)
    except KeyboardInterrupt:
        click.echo("\nStopping: first the worker, then the server.")
        return 0
    finally:
        try:
            worker.stop()
        finally:
            server.stop()


def _start(folder: DataFolder, url: str, server: Child, worker: Child) -> None:
    click.echo(f"Clawtrail {__version__}")
    click.echo(f"  data     {folder.path}")
    server.start()
    no_sandbox = _why_no_sandbox()  # asked while the server gets ready
    demo_policy.write(folder.path, sandboxed=no_sandbox is None)
    wait_until(lambda: _is_healthy(url), [server], within=_START, what="answer from the server")
    click.echo(f"  server   {url}  (log: {server.log})")
    worker.start()
    with Client(url, token_file=folder.client_token) as client:
        wait_until(
            lambda: any(seen.online for seen in client.workers()),
            [server, worker],
            within=_WORKER,
            what="word from the worker",
        )
    click.echo(f"  worker   online  (log: {worker.log})")
    _say_policy(folder, no_sandbox)


def _why_no_sandbox() -> str | None:
    """Ask the worker's program for the sandbox of the demo policy; None when it works here."""
    command, environ = program(["policy", "sandboxes", demo_policy.SANDBOX])
    asked = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return None if asked.returncode == 0 else one_line((asked.stdout or asked.stderr).strip()) or "no answer"


def _say_policy(folder: DataFolder, no_sandbox: str | None) -> None:
    how = "in a sandbox, " if no_sandbox is None else ""
    where = f"(commands start {how}in {folder.path / demo_policy.FOLDER})"
    click.echo(f"  policy   {folder.path / demo_policy.FILE}  {where}")
    if no_sandbox is not None:
        click.echo(
            f"  NO SANDBOX works here, so hardly any command is allowed: {no_sandbox}\n"
            "  The first lines of the policy say what to do about it."
        )


def _first_task(folder: DataFolder, url: str) -> bool:
    click.echo(f"\nA first task: {shlex.join(_FIRST_TASK)}")
    with Client(url, token_file=folder.client_token) as client:
        result = client.run(argv=_FIRST_TASK, wait_for=_TASK)
        _indented(harmless(result.stdout + result.stderr).rstrip("\n"))
        click.echo(f"Its lines of history (task {result.task_id}):")
        for event in client.history(result.task_id):
            at = datetime.fromtimestamp(event.at / 1000).astimezone().isoformat(" ", "milliseconds")
            detail = ", ".join(f"{name}={compact(value)}" for name, value in event.detail.items())
            _indented(one_line(f"{at}  {event.type:<16}  {event.actor:<28}  {detail}"))
    return _went_well(result)


def _went_well(result: Result) -> bool:
    if not result.ok:
        _complain(
            f"The first task ended as {result.state}: {result.error or f'exit code {result.exit_code}'}"
        )
    return result.ok


def _say_what_next(folder: DataFolder, url: str) -> None:
    token, database = shlex.quote(str(folder.client_token)), shlex.quote(str(folder.database))
    click.echo("\nNext, in another terminal:\n")
    _indented(
        f"{_own_command()} run --url {url} --token-file {token} 'uname -a'\n\n"
        f"curl -sS -H \"Authorization: Bearer $(cat {token})\" -H 'Content-Type: application/json' "
        f"-d '{{\"command\": \"date\"}}' '{url}/tasks?wait=10000'\n\n"
        f'sqlite3 -readonly -box {database} "{_QUERY}"\n\n'
        f"{url}/docs\n"
    )
    if not shutil.which("sqlite3"):
        click.echo("(sqlite3 is not installed here; on Debian: sudo apt install sqlite3)")
    click.echo("Ctrl-C here stops both.")


def _own_command() -> str:
    """Return how to call us: by name where the shell finds just us, else with the whole path."""
    beside = Path(sys.executable).with_name("clawtrail")
    found = shutil.which("clawtrail")
    if found and Path(found).absolute() == beside:
        return "clawtrail"
    return shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m clawtrail"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_healthy(url: str) -> bool:
    with requests.Session() as session:
        # A proxy set in the environment is not for this computer.
        session.trust_env = False
        try:
            return session.get(f"{url}/health", timeout=2).ok
        except requests.RequestException:
            return False


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and a closed terminal interrupt as Ctrl-C does, so that no child is left behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _indented(text: str) -> None:
    for line in text.split("\n"):
        click.echo(f"  {line}" if line else "")


def _say(sentence: str) -> None:
    click.echo(f"{datetime.now().astimezone():%H:%M:%S}  {sentence}")


def _complain(sentence: str) -> None:
    click.echo(f"clawtrail: {sentence}", err=True)
