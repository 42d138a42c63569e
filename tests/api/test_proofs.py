"""GET /log/proof/inclusion and /log/proof/consistency: what a witness asks for."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from clawtrail.formats import merkle
from tests.support import cast
from tests.support.asking import submit
from tests.support.service import Caller, RunningService

Json = dict[str, Any]


@pytest.fixture
def wim(service: RunningService) -> Caller:
    """Wim, who may witness the record of twenty tasks."""
    for _ in range(20):
        submit(service.as_(cast.ADA))
    service.pass_time(1000)
    return service.as_(cast.WIM)


def ask(caller: Caller, path: str) -> Json:
    """Return a proof."""
    response = caller.get(f"/log/proof/{path}")
    assert response.status_code == 200, response.text
    told: Json = response.get_json()
    return told


def hashes(told: Json) -> list[bytes]:
    """Return the hashes of a proof."""
    return [b64decode(one) for one in told["hashes"]]


def test_every_event_is_proven(service: RunningService, wim: Caller) -> None:
    """Each event's proof leads from its leaf to the root of the newest checkpoint, and of earlier sizes."""
    signed = service.inside.checkpoint()
    for seq in range(signed.size):
        for asked, size in ((f"seq={seq}", signed.size), (f"seq={seq}&size={seq + 1}", seq + 1)):
            told = ask(wim, f"inclusion?{asked}")
            assert (told["seq"], told["size"]) == (seq, size)
            root = b64decode(told["root"])
            merkle.verify_inclusion(b64decode(told["leaf"]), seq, size, hashes(told), root)
    assert root != signed.root or size == signed.size


def test_growth_is_proven(service: RunningService, wim: Caller) -> None:
    """Between any two sizes the later record is shown to begin with the earlier one."""
    signed = service.inside.checkpoint()
    for old in range(1, signed.size + 1):
        told = ask(wim, f"consistency?from={old}")
        assert (told["from"], told["to"]) == (old, signed.size)
        roots = b64decode(told["fromRoot"]), b64decode(told["toRoot"])
        merkle.verify_consistency(old, signed.size, hashes(told), *roots)
        assert roots[1] == signed.root
    assert ask(wim, "consistency?from=3&to=5")["to"] == 5


@pytest.mark.parametrize(
    "path", ["inclusion?seq=0&size=9999", "consistency?from=1&to=9999", "consistency?from=9999"]
)
def test_what_is_not_signed_is_not_proven(wim: Caller, path: str) -> None:
    """Sizes beyond the newest checkpoint are not spoken of."""
    response = wim.get(f"/log/proof/{path}")
    assert (response.status_code, response.get_json()["code"]) == (404, "beyond_record")


@pytest.mark.parametrize(
    "path",
    [
        "inclusion",
        "inclusion?seq=-1",
        "inclusion?seq=5&size=5",
        "inclusion?seq=9999",
        "inclusion?seq=x",
        "inclusion?seq=0&size=0",
        "consistency",
        "consistency?from=0",
        "consistency?from=5&to=4",
        "inclusion?seq=1&what=2",
        "consistency?from=1&to=-1",
        "inclusion?seq=99999999999999999999",
    ],
)
def test_what_cannot_be_is_refused(wim: Caller, path: str) -> None:
    """Events and sizes that make no sense are answered with a sentence."""
    response = wim.get(f"/log/proof/{path}")
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
