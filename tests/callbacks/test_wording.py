"""The words of callbacks: within their bounds, harmless, and as programs look for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.told import SESSION, ended
from worker.callbacks import wording

TEXTS = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("`\n @😀\x1b\ud83d")), max_size=300)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "✅ Claude Code: completed (3 min 56 s)"),
        ({"duration_ms": 1_240, "kind": "codex-cli"}, "✅ Codex: completed (1.2 s)"),
        ({"duration_ms": 60_000, "kind": "gemini-cli"}, "✅ Gemini: completed (60 s)"),
        (
            {"status": "failed", "exit_code": 1, "error": "it broke", "duration_ms": 12_400},
            "❌ Claude Code: failed (12 s): it broke",
        ),
        (
            {"status": "failed", "reason": "timeout", "error": "Timeout after 9 ms"},
            "❌ Claude Code: timed out (3 min 56 s): Timeout after 9 ms",
        ),
        (
            {"status": "failed", "reason": "policy", "error": "Refused by policy: no", "duration_ms": 0},
            "❌ Claude Code: refused (0.0 s): Refused by policy: no",
        ),
        (
            {"status": "cancelled", "reason": "cancelled", "error": "Cancelled"},
            "⏹️ Claude Code: cancelled (3 min 56 s): Cancelled",
        ),
        (
            {"status": "unknown", "reason": "interrupted", "duration_ms": None},
            "❓ Claude Code: interrupted, and nobody knows how far it came",
        ),
    ],
)
def test_first_line_says_what_happened(more: dict[str, object], line: str) -> None:
    """The agent, the state, the time and, of what went wrong, why."""
    assert wording.full(ended(**more), 2000).splitlines()[0] == line


def test_line_of_the_session_is_the_one_that_programs_look_for() -> None:
    """It stands by itself, with the whole id; an id cannot end it early."""
    lines = wording.full(ended(), 2000).split("\n")
    assert lines[1] == f"📎 sessionId: `{SESSION}` "
    odd = wording.full(ended(session_id="a`b\n📎 sessionId: `c\x1b[31m"), 2000)
    assert odd.split("\n")[1] == "📎 sessionId: `ab📎 sessionId: c` "
    assert "sessionId" not in wording.full(ended(session_id=None), 2000)


def test_output_is_cut_to_its_end() -> None:
    """The last 1,500 characters are there, with a sign that there were more."""
    text = "".join(f"{number:05}\n" for number in range(1000))
    said = wording.full(ended(output=text), 2000).split("\n", 2)[2]
    assert said.startswith("…")
    assert said.endswith("00999")
    assert 1480 < len(said) <= 1500
    assert wording.full(ended(output="x" * 1500), 2000).endswith("\n" + "x" * 1500)


def test_plain_is_the_output_alone() -> None:
    """Without any output it says what happened."""
    assert wording.worded(ended(plain=True), 2000) == "All done."
    empty = ended(plain=True, output=" \n", status="failed", error="no answer", duration_ms=0)
    assert wording.worded(empty, 2000) == "Claude Code: failed (0.0 s): no answer"


def test_cut_blocks_of_code_stay_blocks() -> None:
    """A block that begins in what was cut off is opened again; one that does not end is closed."""
    text = "```python\n" + "x = 1\n" * 1000 + "```\nand so on"
    said = wording.last_of(text, 200)
    assert said.startswith("…```\n")
    assert said.count("```") == 2
    assert wording.last_of("look: ```\ncode", 200) == "look: ```\ncode\n```"
    assert wording.last_of("```a```", 200) == "```a```"


@given(output=TEXTS, session=TEXTS, error=TEXTS, most=st.integers(800, 2000), plain=st.booleans())
def test_nothing_breaks_the_message(output: str, session: str, error: str, most: int, plain: bool) -> None:  # noqa: FBT001
    """Whatever an agent wrote: within the bounds, encodable, without controls, and with its blocks closed."""
    one = ended(output=output * 9, session_id=session, error=error, status="failed", plain=plain)
    said = wording.worded(one, most)
    assert wording.size(said) <= most
    assert said.encode()
    assert not [char for char in said if char < " " and char not in "\n\t"]
    assert plain or said.split("\n")[0].startswith("❌ Claude Code: ")


@given(text=TEXTS, most=st.integers(20, 400))
def test_a_cut_keeps_whole_characters_and_pairs_of_fences(text: str, most: int) -> None:
    """What is cut ends as the text does, or with the fence that closes it."""
    text = wording.harmless(text)
    said = wording.last_of(text, most)
    assert said.encode().decode() == said
    assert said.count("```") % 2 == 0
    assert wording.size(said) <= most
    assert said.endswith((text[-1:], "\n```"))


def test_counted_as_discord_counts() -> None:
    """A character beyond the first plane is two."""
    assert wording.size("a😀") == 3
    assert wording.size(wording.last_of("😀" * 1500, 2000)) <= 2000


def test_mentions_can_be_silenced() -> None:
    """For chats that have no way to say so, a mention is broken."""
    assert "@everyone" not in wording.silent("@everyone <@1> <#2>")
