"""POST /files/read, /files/write and /files/edit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import cast
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService

READ = {"path": "/srv/notes.txt"}
WRITE = {"path": "/srv/notes.txt", "content": "hello\n"}
EDIT = {"path": "/srv/notes.txt", "old_string": "a", "new_string": "b"}

CARRIED = {
    "read": ("read", READ, {**READ, "encoding": "utf8"}),
    "read a part": (
        "read",
        {**READ, "encoding": "base64", "offset": 3, "limit": 9},
        {**READ, "encoding": "base64", "offset": 3, "limit": 9},
    ),
    "write": ("write", WRITE, {**WRITE, "encoding": "utf8"}),
    "write lines of base64": (
        "write",
        {**WRITE, "content": "aGVs\r\nbG8=\n", "encoding": "base64"},
        {**WRITE, "content": "aGVsbG8=", "encoding": "base64"},
    ),
    "write nothing": (
        "write",
        {**WRITE, "content": ""},
        {**WRITE, "content": "", "encoding": "utf8"},
    ),
    "edit": (
        "edit",
        EDIT,
        {"path": EDIT["path"], "oldString": "a", "newString": "b", "replaceAll": False},
    ),
    "edit away, everywhere": (
        "edit",
        {**EDIT, "new_string": "", "replace_all": True},
        {"path": EDIT["path"], "oldString": "a", "newString": "", "replaceAll": True},
    ),
}


@pytest.mark.parametrize(("what", "body", "payload"), CARRIED.values(), ids=CARRIED)
def test_the_worker_gets_what_was_asked(
    ada: Caller, wim: Machine, what: str, body: object, payload: dict[str, Any]
) -> None:
    """Each is a task of its own kind, answered with an id, whose payload has the worker's names."""
    response = ada.post(f"/files/{what}", body)
    assert response.status_code == 200
    assert {"taskId", "message"} <= set(response.get_json())
    claimed = wim.claim()
    assert (claimed["kind"], claimed["payload"]) == (f"file-{what}", payload)


REFUSED = {
    "read without path": ("read", {}, "path is required"),
    "read an empty path": ("read", {"path": ""}, "path is required"),
    "write without content": ("write", {"path": "/x"}, "path and content are required"),
    "write without path": ("write", {"content": "x"}, "path and content are required"),
    "write null": ("write", {"path": "/x", "content": None}, "path and content are required"),
    "edit without new": (
        "edit",
        {"path": "/x", "old_string": "a"},
        "path, old_string, new_string are required",
    ),
    "edit nothing": (
        "edit",
        {"path": "/x", "old_string": "", "new_string": "b"},
        "path, old_string, new_string are required",
    ),
}


@pytest.mark.parametrize(("what", "body", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_missing_is_said_in_the_old_words(
    house: RunningService, what: str, body: object, sentence: str
) -> None:
    """A missing field is 400 with the sentence that old clients know."""
    response = house.as_(cast.ADA).post(f"/files/{what}", body)
    assert response.status_code == 400
    assert response.get_json() == {"error": sentence, "code": "invalid_request"}


WRONG = [
    ("read", {"path": 5}),
    ("read", {"path": "x" * 4097}),
    ("read", {"path": "/x", "encoding": "latin1"}),
    ("read", {"path": "/x", "offset": -1}),
    ("read", {"path": "/x", "limit": 0}),
    ("write", {"path": "/x", "content": {"a": 1}}),
    ("write", {"path": "/x", "content": "AAA", "encoding": "hex"}),
    ("write", {"path": "/x", "content": "*not base64*", "encoding": "base64"}),
    ("edit", {"path": "/x", "old_string": "a", "new_string": "b", "replace_all": "maybe"}),
    ("edit", {"path": ["/x"], "old_string": "a", "new_string": "b"}),
]


@pytest.mark.parametrize(("what", "body"), WRONG, ids=str)
def test_what_makes_no_sense_is_refused(house: RunningService, what: str, body: object) -> None:
    """Values that cannot be meant are 400 with a sentence, and nothing is written."""
    before = house.count_events()
    response = house.as_(cast.ADA).post(f"/files/{what}", body)
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert house.count_events() == before


def test_the_options_of_tasks_hold_for_files_too(ada: Caller) -> None:
    """Timeout, priority and tags may be given as for a command."""
    task_id = ada.post("/files/read", {**READ, "timeout": 9000, "tags": ["t"]}).get_json()["taskId"]
    told = ada.get(f"/tasks/{task_id}/detail").get_json()["task"]
    assert (told["timeout"], told["tags"], told["effect"]) == (9000, ["t"], "read")
    assert told["summary"] == READ["path"]


def test_effects_are_those_of_the_kinds(ada: Caller) -> None:
    """Reading may be repeated, writing the same bytes too, editing may not."""
    effects = {}
    for what, body in (("read", READ), ("write", WRITE), ("edit", EDIT)):
        task_id = ada.post(f"/files/{what}", body).get_json()["taskId"]
        effects[what] = ada.get(f"/tasks/{task_id}/detail").get_json()["task"]["effect"]
    assert effects == {"read": "read", "write": "idempotent", "edit": "mutating"}
