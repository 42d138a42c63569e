"""``POST /mcp`` on the wire: what it takes, what it refuses and how, message by message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.api.mcp_messages import CAPABILITIES_KEY, NEW_ERA, OLD_ERA, VERSION_KEY
from tests.support import cast
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService, running_service

PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
META = {VERSION_KEY: NEW_ERA[0], CAPABILITIES_KEY: {}}


@pytest.fixture
def model(house: RunningService) -> Caller:
    """An agent with Ada's token."""
    return house.as_(cast.ADA)


def _error(response: Any) -> tuple[int, int]:  # noqa: ANN401 - werkzeug's
    told = response.get_json()
    assert (told["jsonrpc"], sorted(told)) == ("2.0", ["error", "id", "jsonrpc"])
    assert told["error"]["message"]
    return response.status_code, told["error"]["code"]


def _new(method: str, **params: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META, **params}}


def _headers(method: str, name: str | None = None) -> dict[str, str]:
    named = {} if name is None else {"Mcp-Name": name}
    return {"MCP-Protocol-Version": NEW_ERA[0], "Mcp-Method": method, **named}


def test_a_ping_is_answered(model: Caller) -> None:
    """The answer has the request's id, and the media type is JSON."""
    response = model.post("/mcp", PING)
    assert response.get_json() == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert response.content_type == "application/json"


@pytest.mark.parametrize("version", [*OLD_ERA, "2024-11-05", None])
def test_a_client_that_begins_is_told_a_version(model: Caller, version: str | None) -> None:
    """One that is spoken here is taken, another is answered with the newest of its era."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "n", "version": "1"}}
    told = model.post("/mcp", {**PING, "method": "initialize", "params": params}).get_json()["result"]
    assert told["protocolVersion"] == (version if version in OLD_ERA else OLD_ERA[-1])
    assert told["serverInfo"]["name"] == "clawtrail"
    assert "tools" in told["capabilities"]


def test_a_notification_is_taken_without_an_answer(model: Caller) -> None:
    """It gets 202 and no body, in both eras."""
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    for headers in ({}, {"MCP-Protocol-Version": NEW_ERA[0]}):
        response = model.post("/mcp", told, headers=headers)
        assert (response.status_code, response.data) == (202, b"")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_sessions(model: Caller, method: str) -> None:
    """There is no stream to open and no session to end: 405, which names POST."""
    response = model.send(method, "/mcp", headers={"Accept": "text/event-stream"})
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("[]", (400, -32600)),
        ('[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', (400, -32600)),
        ("{", (400, -32700)),
        ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', (400, -32600)),
        ('{"jsonrpc": "2.0", "id": 1}', (400, -32600)),
        ('{"jsonrpc": "2.0", "id": 1, "result": {}}', (400, -32600)),
        ('{"jsonrpc": "2.0", "id": null, "method": "ping"}', (400, -32600)),
        ('{"jsonrpc": "2.0", "id": [1], "method": "ping"}', (400, -32600)),
        ('{"jsonrpc": "2.0", "id": true, "method": "ping"}', (400, -32600)),
        ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', (400, -32600)),
        ('{"jsonrpc": "2.0", "id": 1, "method": "a\\u0000b"}', (400, -32700)),
    ],
)
def test_what_is_no_message_is_refused(model: Caller, body: str, expected: tuple[int, int]) -> None:
    """Batches, answers nobody asked for and broken messages get 400 and JSON-RPC's error."""
    response = model.send("POST", "/mcp", data=body, content_type="application/json")
    assert _error(response) == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "text/event-stream"}, 406),
        ({"MCP-Protocol-Version": "1999-01-01"}, 400),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[::"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Accept": "*/*"}, 200),
        ({"Accept": "application/json, text/event-stream"}, 200),
        ({"MCP-Protocol-Version": "2025-06-18"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "http://[::1]:3000"}, 200),
    ],
)
def test_headers_are_looked_at(model: Caller, headers: dict[str, str], status: int) -> None:
    """Wrong types, unknown versions and strange web pages are turned away."""
    body = b'{"jsonrpc": "2.0", "id": 7, "method": "ping"}'
    response = model.send("POST", "/mcp", data=body, headers={"Content-Type": "application/json", **headers})
    assert response.status_code == status
    if status != 200:
        _error(response)


def test_an_origin_can_be_allowed(tmp_path: Path) -> None:
    """Pages of the origins that the setting names may call; others still may not."""
    with running_service(tmp_path / "data", mcp_origins="https://a.example, https://b.example/") as running:
        ada = running.as_(cast.ADA)
        for origin, status in (("https://b.example", 200), ("https://c.example", 403)):
            assert ada.post("/mcp", PING, headers={"Origin": origin}).status_code == status


@pytest.mark.parametrize(
    ("person", "status"), [(cast.WIM, 403), (cast.ANN, 403), (cast.ODO, 403), (cast.REX, 401)]
)
def test_only_clients_get_tools(house: RunningService, person: cast.Person, status: int) -> None:
    """Other roles are refused, and a revoked token is none; the sentence stays in JSON-RPC's form."""
    response = house.as_(person).post("/mcp", PING)
    assert _error(response) == (status, -32000)
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


def test_the_new_era_needs_no_beginning(model: Caller) -> None:
    """A request that says all about itself is answered at once, and the answer says all it has to."""
    response = model.post("/mcp", _new("server/discover"), headers=_headers("server/discover"))
    told = response.get_json()["result"]
    assert (told["supportedVersions"], told["resultType"]) == (list(NEW_ERA), "complete")
    tools = model.post("/mcp", _new("tools/list"), headers=_headers("tools/list")).get_json()["result"]
    assert (len(tools["tools"]), tools["cacheScope"]) == (9, "public")
    old = model.post("/mcp", {**PING, "method": "tools/list"}).get_json()["result"]
    assert (old["tools"], sorted(old)) == (tools["tools"], ["tools"])


@pytest.mark.parametrize(
    ("message", "headers", "expected"),
    [
        (_new("tools/list"), {}, (400, -32020)),
        (_new("tools/list"), _headers("tools/call"), (400, -32020)),
        (_new("tools/call", name="get_task"), _headers("tools/call", "run_command"), (400, -32020)),
        (_new("tools/call", name="get_task"), _headers("tools/call"), (400, -32020)),
        (_new("tools/call", name="dance"), _headers("tools/call", "dance"), (400, -32602)),
        (_new("resources/list"), _headers("resources/list"), (404, -32601)),
        (_new("initialize"), _headers("initialize"), (404, -32601)),
        ({**PING, "method": "tools/list"}, _headers("tools/list"), (400, -32602)),
    ],
)
def test_the_new_era_is_strict(
    model: Caller, message: dict[str, Any], headers: dict[str, str], expected: tuple[int, int]
) -> None:
    """Headers and message have to say the same, and what is not there has its status."""
    assert _error(model.post("/mcp", message, headers=headers)) == expected


@pytest.mark.parametrize(
    ("method", "params", "number"),
    [
        ("resources/list", {}, -32601),
        ("server/discover", {}, -32601),
        ("tools/call", {"name": "dance"}, -32602),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": "list_tasks", "arguments": [1]}, -32602),
    ],
)
def test_the_old_era_has_errors_with_status_200(
    model: Caller, method: str, params: dict[str, Any], number: int
) -> None:
    """For its clients, another status than 200 would mean that the session is lost."""
    assert _error(model.post("/mcp", {**PING, "method": method, "params": params})) == (200, number)


def _call(name: str, **arguments: object) -> dict[str, Any]:
    return {**PING, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def test_a_tool_waits_in_the_room_of_all(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A call parks like any other wait, and is answered when the worker reports."""
    waiting = service.parked(lambda: ada.post("/mcp", _call("run_command", command="true")), results=1)
    wim.run(stdout="here\n")
    told = waiting.result().get_json()["result"]
    assert (told["isError"], told["structuredContent"]["stdout"]) == (False, "here\n")


def test_beyond_the_room_a_tool_answers_at_once(tmp_path: Path) -> None:
    """With no place left to wait, the task is made and its id comes at once, with what to do."""
    with running_service(tmp_path / "data", max_waiting=1) as running:
        ada = running.as_(cast.ADA)
        task = ada.post("/tasks", {"command": "true"}).get_json()["taskId"]
        running.parked(lambda: ada.get(f"/tasks/{task}?wait=60000"), results=1)
        told = ada.post("/mcp", _call("run_command", command="true")).get_json()["result"]
        assert told["structuredContent"]["state"] == "pending"
        assert "wait_task" in told["structuredContent"]["next"]
        ada.post(f"/tasks/{task}/cancel")


def test_submissions_of_tools_count_against_the_rate(tmp_path: Path) -> None:
    """The limit holds for what tools submit, and is a sentence; looking goes on."""
    with running_service(tmp_path / "data", rate_limit="2 per minute") as running:
        ada = running.as_(cast.ADA)
        told = [
            ada.post("/mcp", _call("run_command", command="true", wait_seconds=0)).get_json()["result"]
            for _ in range(3)
        ]
        assert [one["isError"] for one in told] == [False, False, True]
        assert "Too many submissions" in told[2]["content"][0]["text"]
        assert not ada.post("/mcp", _call("list_tasks")).get_json()["result"]["isError"]


def test_the_record_names_the_token(service: RunningService, ada: Caller) -> None:
    """What a tool asks for is on the record as the token's act, as from any route."""
    told = ada.post("/mcp", _call("write_file", path="/tmp/x", content="y", wait_seconds=0)).get_json()
    task = ada.get(f"/tasks/{told['result']['structuredContent']['task_id']}/detail").get_json()["task"]
    assert (task["kind"], task["actor"]) == ("file-write", "client:ada")


def test_progress_comes_as_events(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A client that asks for progress gets it as server-sent events, and the answer as the last one."""
    message = _call("run_command", command="true")
    message["params"]["_meta"] = {"progressToken": "p"}
    headers = {"Accept": "application/json, text/event-stream"}
    waiting = service.parked(lambda: ada.post("/mcp", message, headers=headers), results=1)
    wim.run(stdout="here\n")
    response = waiting.result()
    assert response.content_type.startswith("text/event-stream")
    assert response.text.startswith("event: message\ndata: {")
    assert "here" in response.text.split("\n\n")[-2]
