"""Serving the tools on standard input and output, to the program that started us, with the official SDK."""

from __future__ import annotations

from typing import Any, TypeAlias

import anyio
import mcp_types as types
from anyio import to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from clawtrail import __version__
from clawtrail.mcp.catalogue import INSTRUCTIONS, TOOLS, Answer
from clawtrail.mcp.desk import Desk, Progress, Steps

Context: TypeAlias = ServerRequestContext[dict[str, Any]]


def serve(desk: Desk) -> None:
    """Serve the tools until standard input ends; tools run in threads, several at a time."""
    anyio.run(_serve, desk)


async def _serve(desk: Desk) -> None:
    tools = [types.Tool.model_validate(tool.described()) for tool in TOOLS.values()]

    async def list_tools(
        _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name!r} here.")
        answer = await _finish(tool.call(params.arguments or {}, desk), context)
        return types.CallToolResult.model_validate(answer.described())

    server = Server(
        "clawtrail",
        version=__version__,
        title="Clawtrail",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


async def _finish(steps: Steps[Answer], context: Context) -> Answer:
    """Take a tool to its end, step by step, and tell how it goes on; a call given up is left to end alone."""
    while True:
        step = await to_thread.run_sync(_next, steps, abandon_on_cancel=True)
        if isinstance(step, Answer):
            return step
        await context.session.report_progress(step.seconds, step.of, step.message)


def _next(steps: Steps[Answer]) -> Progress | Answer:
    try:
        return next(steps)
    except StopIteration as ended:
        answer: Answer = ended.value
        return answer
