"""The official client of the Model Context Protocol, for tests that are not asynchronous."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Tool

from tests.support.processes import Server, clean_environ


@dataclass(frozen=True)
class Talk:
    """A client that has begun to talk with a server of tools."""

    client: Client
    portal: BlockingPortal

    def tools(self) -> dict[str, Tool]:
        """Return the tools by their names."""
        return {tool.name: tool for tool in self.portal.call(self.client.list_tools).tools}

    def call(self, name: str, **arguments: object) -> CallToolResult:
        """Call a tool."""
        return self.call_with_progress(name, **arguments)[0]

    def call_with_progress(self, name: str, **arguments: object) -> tuple[CallToolResult, list[str]]:
        """Call a tool and ask to be told how it goes on; return what was told, too."""
        heard: list[str] = []

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            heard.append(message or "")

        async def call() -> CallToolResult:
            return await self.client.call_tool(name, arguments, progress_callback=tell)

        return self.portal.call(call), heard

    def do(self, name: str, **arguments: object) -> dict[str, Any]:
        """Call a tool that is to go well; return what it tells."""
        result = self.call(name, **arguments)
        assert not result.is_error, result.content
        told = result.structured_content
        assert isinstance(told, dict)
        return told

    def fail(self, name: str, **arguments: object) -> str:
        """Call a tool that is to go wrong; return its words."""
        result = self.call(name, **arguments)
        assert result.is_error, result.content
        return text_of(result)


def text_of(result: CallToolResult) -> str:
    """Return the words of an answer."""
    [block] = result.content
    assert block.type == "text"
    text: str = block.text
    return text


@contextmanager
def talk_on_stdio(environ: Mapping[str, str], *, mode: str = "auto") -> Iterator[Talk]:
    """Start ``clawtrail mcp`` as its users' programs do, and talk with it."""
    started = StdioServerParameters(
        command=sys.executable, args=["-W", "error", "-m", "clawtrail", "mcp"], env=dict(environ)
    )
    with _talk(lambda: Client(started, mode=mode)) as talk:
        yield talk


@contextmanager
def talk_on_http(server: Server, token: str, *, mode: str = "auto") -> Iterator[Talk]:
    """Talk with the tools that *server* has at ``POST /mcp``."""
    with _talk(lambda: _over_http(f"{server.url}/mcp", token, mode)) as talk:
        yield talk


def environ_for(server: Server, token: str) -> dict[str, str]:
    """Return the environment in which ``clawtrail mcp`` finds *server*."""
    return clean_environ() | {"CLAWTRAIL_URL": server.url, "CLAWTRAIL_TOKEN": token}


@asynccontextmanager
async def _over_http(url: str, token: str, mode: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@contextmanager
def _talk(open_client: Callable[[], AbstractAsyncContextManager[Client]]) -> Iterator[Talk]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(open_client()) as client:
        yield Talk(client, portal)
