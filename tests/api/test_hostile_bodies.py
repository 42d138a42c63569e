"""Bodies that no program sends on purpose: 4xx with a sentence and a code, and nothing is written."""

from __future__ import annotations

import json

import pytest

from app.api.routing import Endpoint, all_endpoints
from app.domain.roles import Role
from app.factory import SUBJECTS
from tests.support import cast
from tests.support.refusals import code_of
from tests.support.service import RunningService

POSTS = [endpoint for endpoint in all_endpoints(SUBJECTS) if endpoint.method == "POST"]
GOOD = '{"command": "true"%s}'


def deep(levels: int, opening: str = "[", closing: str = "]") -> str:
    """Return a value that is nested so many levels deep, in the field ``x``."""
    return '{"command": "true", "payload": ' + opening * levels + closing * levels + "}"


NOT_JSON: dict[str, bytes] = {
    "half an object": b'{"command": "true"',
    "two values": b'{"command": "true"} {}',
    "a trailing comma": b'{"command": "true",}',
    "single quotes": b"{'command': 'true'}",
    "a comment": b'{"command": "true" /* x */}',
    "a bare word": b"command",
    "a form": b"command=true",
    "NaN": (GOOD % ', "timeout": NaN').encode(),
    "Infinity": (GOOD % ', "timeout": Infinity').encode(),
    "minus Infinity": (GOOD % ', "timeout": -Infinity').encode(),
    "a number beyond all": (GOOD % ', "timeout": 1e999').encode(),
    "2^53": (GOOD % ', "timeout": 9007199254740992').encode(),
    "2^53+1": (GOOD % ', "timeout": 9007199254740993').encode(),
    "-2^53-1": (GOOD % ', "priority": -9007199254740993').encode(),
    "a million digits": (GOOD % (', "timeout": ' + "9" * 1_000_000)).encode(),
    "a number with a leading zero": (GOOD % ', "timeout": 01').encode(),
    "hexadecimal": (GOOD % ', "timeout": 0x10').encode(),
    "a key twice": b'{"command": "true", "command": "false"}',
    "a key twice, spelled otherwise": b'{"command": "true", "comm\\u0061nd": "false"}',
    "a key twice, deep inside": (GOOD % ', "payload": {"a": [{"b": 1, "b": 2}]}').encode(),
    "half a surrogate pair": b'{"command": "\\ud800"}',
    "the other half": b'{"command": "x\\udfffx"}',
    "halves in the wrong order": b'{"command": "\\udc00\\ud800"}',
    "half a pair as a key": b'{"command": "true", "\\ud800": 1}',
    "half a pair in an unknown field": (GOOD % ', "zzz": ["\\uD801"]').encode(),
    "NUL": b'{"command": "a\\u0000b"}',
    "NUL as a key": b'{"command": "true", "payload": {"\\u0000": 1}}',
    "a raw NUL": b'{"command": "a\0b"}',
    "a raw line break": b'{"command": "a\nb"}',
    "a byte that is no UTF-8": b'{"command": "\xff"}',
    "an overlong slash": b'{"command": "\xc0\xaf"}',
    "a raw surrogate": b'{"command": "\xed\xa0\x80"}',
    "UTF-16": json.dumps({"command": "true"}).encode("utf-16"),
    "UTF-16 without a mark": json.dumps({"command": "true"}).encode("utf-16-le"),
    "UTF-32": json.dumps({"command": "true"}).encode("utf-32"),
    "Latin-1": '{"command": "café"}'.encode("latin-1"),
    "a byte order mark": b"\xef\xbb\xbf" + b'{"command": "true"}',
    "65 levels of lists": deep(64).encode(),
    "65 levels of objects": deep(64, '{"a":', "}").replace(":}", ":1}").encode(),
    "a hundred thousand levels": deep(100_000).encode(),
    "a hundred thousand openings": b"[" * 100_000,
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*I-.\x01\x00",
}
ROOTS = ["null", "true", "5", "-0.5", '"text"', "[]", '[{"command": "true"}]', "[[]]"]
TYPES = [
    "text/plain",
    "text/html",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/jsonx",
    "application",
    "json",
    "application/json; charset=utf-16",
    "application/json; charset=latin1",
    "image/svg+xml",
    "; ; ;",
    "\xe9",
]


def refused(house: RunningService, body: bytes, code: str, status: int = 400, **more: str) -> None:
    """Send *body* to POST /tasks and hold it to the promise."""
    before = house.count_events()
    more.setdefault("content_type", "application/json")
    response = house.as_(cast.ADA).send("POST", "/tasks", data=body, **more)
    told = response.get_json()
    assert (response.status_code, told["code"]) == (status, code), told
    assert len(told["error"]) > 5
    assert response.headers["X-Request-Id"]
    assert house.count_events() == before


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_strict_json_is_refused(house: RunningService, body: bytes) -> None:
    """Any fault of the JSON is 400 with ``invalid_json``, and no task is made of the rest."""
    refused(house, body, "invalid_json")


def test_invalid_json_is_said_in_the_old_words(house: RunningService) -> None:
    """Old clients know this very sentence."""
    response = house.as_(cast.ADA).send("POST", "/tasks", data=b"{", content_type="application/json")
    assert response.get_json()["error"] == "Invalid JSON body"


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_that_is_no_object_is_refused(house: RunningService, root: str) -> None:
    """Valid JSON of another sort than an object is 400."""
    refused(house, root.encode(), "invalid_request")


@pytest.mark.parametrize("endpoint", POSTS, ids=lambda endpoint: endpoint.path)
@pytest.mark.parametrize("root", ["null", "[]", "{"])
def test_no_route_takes_a_wrong_root(house: RunningService, endpoint: Endpoint, root: str) -> None:
    """Every POST route refuses what is no JSON object, whoever is allowed to call it."""
    (person,) = [p for p in (cast.ADA, cast.WIM, cast.MAX) if p.roles <= endpoint.roles][:1]
    path = endpoint.path.replace("{task_id}", "none").replace("{worker_id}", "none")
    before = house.count_events()
    response = house.as_(person).send("POST", path, data=root.encode(), content_type="application/json")
    assert response.status_code == 400
    assert code_of(response) in ("invalid_json", "invalid_request")
    assert house.count_events() == before


@pytest.mark.parametrize("content_type", TYPES)
def test_another_content_type_is_refused(house: RunningService, content_type: str) -> None:
    """What does not call itself JSON in UTF-8 is 415."""
    refused(house, b'{"command": "true"}', "unsupported_media_type", 415, content_type=content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; Charset=UTF-8",
        'application/json;charset="utf-8"',
        "text/json",
        "application/vnd.api+json",
    ],
)
def test_json_by_other_names_is_taken(house: RunningService, content_type: str) -> None:
    """Every usual name of JSON is good, and so is none."""
    ada = house.as_(cast.ADA)
    body = b'{"command": "true"}'
    assert ada.send("POST", "/tasks", data=body, content_type=content_type).status_code == 200
    assert ada.send("POST", "/tasks", data=body).status_code == 200


HARMLESS: dict[str, bytes] = {
    "64 levels": deep(63, '{"a":', "}").replace(":}", ":1}").encode(),
    "many small objects": b'{"command": "true", "payload": {"a": [' + b",".join([b"{}"] * 500) + b"]}}",
    "2^53-1": (GOOD % ', "ttl": 4503599627370495, "notBefore": 9007199254740991').encode(),
    "a whole pair": b'{"command": "\\ud83d\\ude00 \xf0\x9f\x98\x80"}',
    "an escaped backslash before u": b'{"command": "\\\\u0000 \\\\ud800"}',
    "strange letters": '{"command": "\u202e\u0301\ufffe\x7f\u2028"}'.encode(),
    "blanks around": b' \r\n\t{"command": "true"}\n\n',
    "brackets in a text": json.dumps({"command": "[" * 1000 + "{" * 1000}).encode(),
}


@pytest.mark.parametrize("body", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_hostile_is_taken(house: RunningService, body: bytes) -> None:
    """Valid JSON at the very limits is a task like any other, and comes back as it was."""
    ada = house.as_(cast.ADA)
    response = ada.send("POST", "/tasks", data=body, content_type="application/json")
    assert response.status_code == 200, response.text
    detail = ada.get(f"/tasks/{response.get_json()['taskId']}/detail").get_json()
    assert detail["task"]["payload"]["command"] == json.loads(body)["command"]


def test_an_empty_body_is_an_empty_object(house: RunningService) -> None:
    """Without a body a required field is missed by its name."""
    response = house.as_(cast.ADA).send("POST", "/tasks")
    assert response.get_json() == {"error": "command is required", "code": "invalid_request"}


def test_the_sentence_never_repeats_what_was_sent(house: RunningService) -> None:
    """An error tells which field is wrong, not what secret stood in it."""
    body = {
        "command": ["hunter2"],
        "env": {"A": {"b": "hunter2"}},
        "timeout": "hunter2",
        "labels": ["hunter2"],
    }
    assert "hunter2" not in house.as_(cast.ADA).post("/tasks", body).text


def test_an_endless_list_of_faults_is_cut_short(house: RunningService) -> None:
    """A thousand faults are not told one by one."""
    body = {"tasks": [{"command": 5, "priority": "x"}] * 1000}
    assert len(house.as_(cast.ADA).post("/tasks/batch", body).text) < 2000


def test_the_roles_of_the_posts_are_covered() -> None:
    """Each POST route can be called by one of the three who call them here."""
    assert all(endpoint.roles & {Role.CLIENT, Role.WORKER, Role.ADMIN} for endpoint in POSTS)
