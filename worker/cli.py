"""The command ``clawtrail worker``."""

import logging
import os
import signal
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import Empty, SimpleQueue

import click
from pydantic import ValidationError

from clawtrail.formats.notes import BadKey
from clawtrail.formats.trusted_keys import KeysFaulty
from clawtrail.formats.witnessing import MemoryUnreadable
from clawtrail.remembering import Memory
from config import logs
from config.sources import faults
from config.worker import WorkerSettings, load
from worker import state
from worker.alarms import Alarms
from worker.errors import JournalFailed, SecretsFaulty, StateInUse
from worker.journal import Journal
from worker.policy.loading import PolicyFaulty
from worker.program import Worker

log = logging.getLogger(__name__)

_GLANCE_S = 1.0


@click.command()
@click.option("--url", help="Address of the service (http only on this machine, else https).")
@click.option("--token-file", type=click.Path(path_type=Path), help="File that holds the worker's token.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder for the journal; one worker each.")
@click.option(
    "--name", help="Name of this worker, letters, digits, '.', '_' and '-'. Default: the machine's."
)
@click.option(
    "--policy", type=click.Path(path_type=Path), help="File that says what runs here; see `clawtrail policy`."
)
@click.option(
    "--trusted-keys",
    type=click.Path(path_type=Path),
    help="File of the keys whose signatures count here; see `clawtrail keys`.",
)
@click.option(
    "--require-signature", is_flag=True, default=None, help="Run only what a trusted key has signed."
)
@click.option(
    "--require-signed-approvals",
    is_flag=True,
    default=None,
    help="Take people's yes only when a trusted key has signed it.",
)
@click.option("--label", "labels", multiple=True, metavar="K=V", help="What tasks can ask for; repeatable.")
@click.option("--max-concurrent", type=int, help="Tasks at a time. Default: 3.")
@click.option(
    "--drain", type=float, metavar="SECONDS", help="How long tasks may go on at the end. Default: 30."
)
@click.option("--insecure-http", is_flag=True, default=None, help="Allow plain http to another machine.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), help="Of the log on stderr. Default: text."
)
@click.option(
    "--accept-record",
    is_flag=True,
    help="Clear an alarm and forget the record seen so far, then leave; may be run beside the worker.",
)
@click.option(
    "--accept-clock",
    is_flag=True,
    help="Believe the machine's clock though it is behind a time that it showed before, then leave.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="CLAWTRAIL_CONFIG",
    help="File with settings, NAME=value.",
)
def worker(
    token_file: Path | None, config: Path | None, *, accept_record: bool, accept_clock: bool, **given: object
) -> None:
    """Run tasks of the service on this machine.

    Settings come from these options, the environment, and the file, in this order. SIGTERM or Ctrl-C lets
    running tasks end; a second one stops them. SIGHUP reads policy and trusted keys anew.
    """
    settings = _settings(token_file, config, given)
    if accept_record:
        _accept_record(settings)
    if accept_clock:
        _accept_clock(settings)
    if accept_record or accept_clock:
        return
    logs.set_up(settings.log_format, settings.log_level)
    signals: SimpleQueue[int] = SimpleQueue()  # the one queue that a signal handler may put into
    # Where there is a terminal, SIGHUP says that it has gone, and ends the worker as it always does.
    reload = () if sys.stdin is not None and sys.stdin.isatty() else (signal.SIGHUP,)
    for number in (signal.SIGTERM, signal.SIGINT, *reload):
        signal.signal(number, lambda number, _frame: signals.put(number))
    tokens = [os.environ.get(f"{name}_FILE") for name in ("CLAWTRAIL_WORKER_TOKEN", "WORKER_TOKEN")]
    hidden = [Path(file).expanduser() for file in (token_file, config, *tokens) if file]
    program = _made(settings, hidden)
    program.start()
    about = {"name": settings.name, "url": settings.url, "slots": settings.max_concurrent}
    log.info("worker started", extra={"fields": about})
    while _wait(signals) == signal.SIGHUP:
        program.reload()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # from here on it would pass for a second signal to end
    program.stop(signals)
    log.info("worker ended", extra={"fields": {"name": settings.name}})
    if program.failed:
        raise SystemExit(1)


def _made(settings: WorkerSettings, hidden: list[Path]) -> Worker:
    """Put the worker together; whatever stands in the way is told in a sentence."""
    try:
        return Worker(settings, version=_version(), hidden=hidden)
    except MemoryUnreadable as error:
        raise _Unusable(
            f"What is remembered of the record is damaged ({error}). See --accept-record"
        ) from error
    except BadKey as error:
        raise _Unusable(f"CLAWTRAIL_WORKER_LOG_KEY is no verifier key: {error}") from error
    except PolicyFaulty as error:
        said = str(error).replace("\n", "\n  ")
        raise _Unusable(f"The policy {settings.policy} cannot be used:\n  {said}") from error
    except KeysFaulty as error:
        raise _Unusable(f"The trusted keys {settings.trusted_keys} cannot be used: {error}") from error
    except (StateInUse, JournalFailed, SecretsFaulty, OSError) as error:
        raise _Unusable(str(error)) from error


def _accept_record(settings: WorkerSettings) -> None:
    """Let the worker of this state folder take the record on trust that it is shown next."""
    try:
        known = Memory(settings.state, settings.url).forget()
        for file in Alarms(settings.state).accept():
            click.echo(f"The alarm is cleared, and kept as {file}.")
    except OSError as error:
        raise _Unusable(str(error)) from error
    what = "The record seen so far is forgotten" if known else "No record was remembered"
    click.echo(f"{what}. The next one that {settings.url} shows is taken on trust.")


def _accept_clock(settings: WorkerSettings) -> None:
    """Let the worker of this state folder, which must not run, forget the latest time that it saw."""
    try:
        lock = state.hold(settings.state)
        journal = Journal(settings.state / "journal.db")
        journal.forget_time()
        journal.close()
        os.close(lock)
    except (StateInUse, JournalFailed, OSError) as error:
        raise _Unusable(str(error)) from error
    click.echo("The latest time is forgotten. The machine's clock is believed from the next start on.")


def _wait(signals: "SimpleQueue[int]") -> int:
    """Wait for a signal and give its number.

    One that comes just before the thread falls asleep does not wake it: Python's own handler runs when
    the thread wakes next. So it wakes now and then.
    """
    while True:
        with suppress(Empty):
            return signals.get(timeout=_GLANCE_S)


class _Unusable(click.ClickException):
    """What has to be put right before the worker can start."""

    exit_code = 2


def _settings(token_file: Path | None, config: Path | None, given: dict[str, object]) -> WorkerSettings:
    options = {
        f"CLAWTRAIL_WORKER_{name.upper()}": value for name, value in given.items() if value not in {None, ()}
    }
    if config is not None and not config.is_file():
        raise _Unusable(f"There is no file {config}")
    if token_file is not None:
        try:
            options["CLAWTRAIL_WORKER_TOKEN"] = token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _Unusable(f"--token-file: {error}") from error
    try:
        return load(config, **options)
    except ValidationError as error:
        raise _Unusable("These settings cannot be used:\n  " + "\n  ".join(faults(error))) from None


def _version() -> str:
    try:
        return version("clawtrail")
    except PackageNotFoundError:  # run from a checkout
        return "0"
