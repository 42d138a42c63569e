"""``clawtrail schedule``: tasks at set times, one group of commands a module."""

from __future__ import annotations

import click

from clawtrail.lazy import Entry, LazyGroup

COMMANDS = {
    "add": Entry(
        "clawtrail.commands.schedule_defining", "add", "Have a command or a prompt run at set times."
    ),
    "list": Entry("clawtrail.commands.schedule_looking", "list_", "List all schedules by name."),
    "show": Entry(
        "clawtrail.commands.schedule_looking", "show", "Show one schedule and its next five times."
    ),
    "change": Entry(
        "clawtrail.commands.schedule_defining", "change", "Change when a schedule fires, or what it runs."
    ),
    "pause": Entry(
        "clawtrail.commands.schedule_steering", "pause", "Let a schedule rest until it is resumed."
    ),
    "resume": Entry(
        "clawtrail.commands.schedule_steering", "resume", "Let a paused schedule go on with its next time."
    ),
    "run": Entry(
        "clawtrail.commands.schedule_steering", "run", "Run a schedule's task now, besides its times."
    ),
    "remove": Entry("clawtrail.commands.schedule_steering", "remove", "End a schedule; its tasks stay."),
}


@click.group(
    cls=LazyGroup,
    sections={"Commands": COMMANDS},
    epilog="`clawtrail schedule COMMAND --help` tells all about a command.",
)
def schedule() -> None:
    """Have tasks submitted at set times, by the server itself.

    Each time the server submits an ordinary task, as schedule:NAME and on behalf of who made the schedule.
    The worker's policy decides on it as on any other. Every change of a schedule is on the record.

    Examples:
      clawtrail schedule add '0 9 * * MON-FRI' --tz Europe/Berlin --name standup -- notify-send 'Standup!'
      clawtrail schedule add '@hourly' --name news --claude 'What is new in ~/inbox?'
      clawtrail schedule list --json

    """
