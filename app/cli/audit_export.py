"""``clawtrail audit export``: the record for other programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import click

from app.cli import export_lines, opening, task_ids
from app.cli.export_lines import FORMATS
from app.cli.leaving import leave
from app.cli.options import database_options
from app.services import browsing
from app.services.browsing import Filters
from app.storage import backing_up
from clawtrail.manual import ManualCommand
from clawtrail.moments import moment

Progress = Callable[[int, int], None]


@click.command("export", cls=ManualCommand)
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), required=True, help="How events look.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A file to write.")
@click.option("--task", metavar="ID", help="Only events of this task: its id, a part of it, or last.")
@click.option("--actor", metavar="WHO", help="Only what this one did, such as client:ada or 'worker:*'.")
@click.option("--kind", help="Only events of tasks of this kind, such as command or file-read.")
@click.option("--type", "type_", metavar="TYPE", help="Only this type, such as task.failed or 'token.*'.")
@click.option("--since", type=moment, metavar="WHEN", help="Only what happened since then.")
@click.option("--until", type=moment, metavar="WHEN", help="Only what happened before then.")
@database_options
def export(
    *,
    format_: str,
    output: Path | None,
    task: str | None,
    actor: str | None,
    kind: str | None,
    type_: str | None,
    since: int | None,
    until: int | None,
    **given: Any,  # noqa: ANN401 - options by name
) -> None:
    """Write the record, or a part of it, for other programs.

    One event a line, the oldest first, up to the newest one when the command began: as JSON (jsonl), as a
    table (csv), or in the Open Cybersecurity Schema Framework (ocsf), as collectors of security events take
    it. It goes to standard output, or with --output to a file for its owner alone, which is replaced only
    when all is written. The server may run, and is not held up.

    A summary is the first line of what a task does, up to 200 characters; payloads and output are not
    exported. What is redacted later stays in files that were exported before.

    Examples:
      clawtrail audit export --format jsonl | gzip > record.jsonl.gz
      clawtrail audit export --format csv --since 7d -o week.csv
      clawtrail audit export --format ocsf --type access.denied --since 1d

    """
    filters = Filters(actor=actor, kind=kind, type=type_, since=since, until=until)
    try:
        with opening.reader(given) as (_, conn), _target(output) as out:
            if task is not None:
                filters = replace(filters, task_id=task_ids.whole_id(conn, task))
            head, form = FORMATS[format_]
            end = browsing.newest_seq(conn)
            out.write(head)
            with _bar(shown=output is not None and sys.stderr.isatty()) as progress:
                for lines in export_lines.read(conn, filters, end=end):
                    out.write(form(lines))
                    progress(lines[-1].row.seq, end)
            out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        leave(f"{output} cannot be written: {error.strerror}.")


@contextmanager
def _target(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        # Lines end as the format has them, and letters are the same on every machine.
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        yield sys.stdout
        return
    with backing_up.becoming(path, replace=True) as beside:
        with beside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        backing_up.sync(beside)


@contextmanager
def _bar(*, shown: bool) -> Iterator[Progress]:
    if not shown:
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load, and only for a terminal
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("events", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
