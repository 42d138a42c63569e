"""``clawtrail audit``: what can be done with the record beside the database, one command a module."""

from __future__ import annotations

import click

from clawtrail.lazy import Entry, LazyGroup

COMMANDS = {
    "log": Entry("app.cli.audit_log", "log", "Print the record, as people read logs."),
    "export": Entry(
        "app.cli.audit_export", "export", "Write the record, or a part of it, for other programs."
    ),
    "redact": Entry("app.cli.audit_redact", "redact", "Take content of a task out for good."),
    "verify": Entry(
        "app.cli.audit_verify", "verify", "Check that record and tables are as they were written."
    ),
    "key": Entry(
        "app.cli.audit_key",
        "key",
        "Print the verifier key of the record: what others need to check receipts and checkpoints.",
    ),
}


@click.group(
    cls=LazyGroup,
    sections={"Commands": COMMANDS},
    epilog="`clawtrail audit COMMAND --help` tells all about a command.",
)
def audit() -> None:
    """Read the record and look after it, on the computer where the database is.

    These commands open the database file themselves. They need no token, and no server that runs.
    """
