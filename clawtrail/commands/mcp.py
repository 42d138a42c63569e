"""``clawtrail mcp``: the tools for a model, on standard input and output."""

from __future__ import annotations

import click

from clawtrail.commands.options import Connection, connection
from clawtrail.errors import NotConfigured
from clawtrail.manual import ManualCommand
from clawtrail.profile import find_profile
from clawtrail.remote_desk import TIMEOUT, RemoteDesk
from clawtrail.transport import Retrying, Transport


@click.command(cls=ManualCommand)
@connection
def mcp(where: Connection) -> None:
    """Give a model tools for tasks, on standard input and output.

    Programs such as Claude Code start this by themselves; docs/mcp.md shows what to write into their
    settings. It speaks the Model Context Protocol (MCP) until its standard input ends. What goes wrong is
    said on standard error.

    The tools: run_command, read_file, write_file, edit_file, ask_claude, get_task, wait_task, list_tasks,
    cancel_task. Each answers within 45 seconds; what takes longer goes on by itself and is waited for anew.
    They do what the token may do, and the record names the token.

    This needs the extra `mcp`: pip install 'clawtrail[mcp]'. For agents that cannot start programs the server
    has the same tools at POST /mcp.

    Examples:
      claude mcp add clawtrail -- clawtrail mcp
      clawtrail mcp --token-file ~/.config/clawtrail/bot-token

    Exit status:
      0   standard input has ended      2  no server or token configured, or the extra is not installed

    """
    try:
        from clawtrail.stdio_server import serve  # noqa: PLC0415 - slow to load, and may not be installed
    except ModuleNotFoundError:
        raise NotConfigured("This command needs the MCP package: pip install 'clawtrail[mcp]'.") from None
    profile = find_profile(**where)
    transport = Transport(profile, timeout=TIMEOUT, retrying=Retrying())
    try:
        serve(RemoteDesk(transport, profile))
    finally:
        transport.close()
