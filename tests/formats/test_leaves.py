"""The leaf of an event: the hash that the Merkle tree will be built on."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clawtrail.formats import canonical, leaves

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


EVENTS = st.fixed_dictionaries(
    {
        "seq": st.integers(0, 2**53 - 1),
        "at": st.integers(0, 2**53 - 1),
        "type": WORDS,
        "task_id": WORDS | st.none(),
        "attempt": st.integers(1, 99) | st.none(),
        "actor": WORDS,
        "detail": st.dictionaries(WORDS, WORDS),
    },
)


@given(EVENTS)
def test_the_text_of_an_event_is_canonical(event: dict[str, Any]) -> None:
    """Put together by hand for speed, it is what the canonical form of the whole event is."""
    parts = {**event, "type_": event["type"], "detail": canonical.text(event["detail"])}
    del parts["type"]
    assert leaves.event_text(**parts) == canonical.text(event)


def test_a_leaf_is_hashed_as_rfc_6962_says() -> None:
    """The leaf of the empty text is the known hash of a single zero byte; a leaf is no node."""
    assert leaves.leaf("").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaves.leaf("\u20ac") == hashlib.sha256(b"\x00\xe2\x82\xac").digest()


def test_a_digest_hangs_on_its_salt() -> None:
    """The same content under two salts has two digests, so that a digest tells nothing of short content."""
    assert leaves.salted_digest(b"a", b"x") == hashlib.sha256(b"ax").digest()
    assert leaves.salted_digest(b"a", b"x") != leaves.salted_digest(b"b", b"x")
