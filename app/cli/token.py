"""``clawtrail token``: tokens made, listed and revoked beside the database."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import Any

import click

from app.cli import opening
from app.cli.leaving import or_leave
from app.cli.options import database_options
from app.domain.roles import Role
from app.services import access, budgets


@click.group()
def token() -> None:
    """Make, list and revoke tokens.

    A running server takes note within a second.
    """


@token.command("new")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", required=True, help="Whose token it is, as the record will name it.")
@click.option("--expires", help="How long it is valid: 90d, 12h, 30m (default: for ever).")
@click.option(
    "--max-cost-usd",
    type=click.FloatRange(0, 1_000_000),
    help="Dollars that it may spend on agents in 24 hours (default: what CLAWTRAIL_MAX_COST_USD says).",
)
@database_options
def new(
    role: str,
    name: str,
    expires: str | None,
    max_cost_usd: float | None,
    **given: Any,  # noqa: ANN401
) -> None:
    r"""Make a token and show it, this once.

    \b
    Example:
      clawtrail token new --role client --name discord-bot --expires 90d --max-cost-usd 5
    """
    made, now = access.new_token(Role(role)), _now()
    until = None if expires is None else now + _milliseconds(expires)
    with opening.writer(given) as writer:
        or_leave(
            lambda: writer.perform(
                lambda conn: access.create(
                    conn,
                    name=name,
                    role=Role(role),
                    token=made,
                    expires_at=until,
                    actor=opening.OPERATOR,
                    now=now,
                    max_cost_micros=budgets.micros(max_cost_usd),
                ),
            ),
        )
    if sys.stdout.isatty():
        click.echo(f"The {role} token of {name}, shown this once; keep it safe:", err=True)
    click.echo(made)


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@database_options
def list_(*, as_json: bool, **given: Any) -> None:  # noqa: ANN401
    """List every token ever made, without its secret.

    At the end of each line stand its budget for agents in 24 hours, if it has one of its own, and what was
    spent of it, in dollars.
    """
    import json  # noqa: PLC0415

    now = _now()
    with opening.writer(given) as writer:
        rows = writer.perform(access.list_tokens)
        spent = writer.perform(lambda conn: budgets.spent_by_all(conn, now=now))
    for row in rows:
        told = {
            "name": row.name,
            "role": row.role,
            "state": _token_state(row, now),
            "created": _iso(row.created_at),
            "expires": _iso(row.expires_at),
            "revoked": _iso(row.revoked_at),
        }
        money = {
            "max_cost_usd": None if row.max_cost_micros is None else budgets.dollars(row.max_cost_micros),
            "spent_usd": budgets.dollars(spent.get(f"{row.role}:{row.name}", 0)),
        }
        line = "\t".join([*(value or "-" for value in told.values()), *map(_amount, money.values())])
        click.echo(json.dumps({**told, **money}) if as_json else line)


@token.command("revoke")
@click.argument("name")
@database_options
def revoke(name: str, **given: Any) -> None:  # noqa: ANN401
    """Make the token called NAME invalid for good, on open connections too."""
    with opening.writer(given) as writer:
        or_leave(
            lambda: writer.perform(
                lambda conn: access.revoke(conn, name=name, actor=opening.OPERATOR, now=_now()),
            ),
        )
    click.echo(f"{name}: revoked")


def _milliseconds(duration: str) -> int:
    units = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
    found = re.fullmatch(r"(\d{1,6})([dhms])", duration)
    if found is None or not int(found[1]):
        raise click.BadParameter("use a number and d, h, m or s, as 90d", param_hint="--expires")
    return int(found[1]) * units[found[2]]


def _token_state(row: Any, now: int) -> str:  # noqa: ANN401 - a row
    if row.revoked_at is not None:
        return "revoked"
    expired = row.expires_at is not None and row.expires_at <= now
    return "expired" if expired else "valid"


def _amount(usd: float | None) -> str:
    return "-" if usd is None else f"{usd:.2f}"


def _iso(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat("T", "seconds")


def _now() -> int:
    import time  # noqa: PLC0415

    return time.time_ns() // 1_000_000
