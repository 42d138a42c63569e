"""The words of a callback: what a person reads in the chat, harmless whatever an agent wrote."""

import re

from worker.callbacks.ended import Ended

MOST_OUTPUT = 1500
"""Characters of the output's end in the template ``full``."""

_FENCE = "```"
_CUT = "…"
_MOST_ERROR = 300
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
# Control characters but tab and newline, what turns the direction of writing, and halves of characters.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SIGNS = {"completed": "✅", "cancelled": "⏹️", "unknown": "❓"}


def harmless(text: str) -> str:
    """Give *text* without colours, control characters, and what turns the direction of writing."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", text)


def silent(text: str) -> str:
    """Break every mention in *text*, for chats that cannot be told to ignore them."""
    return text.replace("@", "@\u200b").replace("<#", "<\u200b#")


def silenced(ended: Ended) -> Ended:
    """Give the end with every mention in it broken."""
    error = None if ended.error is None else silent(ended.error)
    return ended.model_copy(update={"output": silent(ended.output), "error": error})


def size(text: str) -> int:
    """Count as Discord's programs do, in UTF-16: whoever counts characters finds no more."""
    return len(text.encode("utf-16-le")) // 2


def full(ended: Ended, most: int) -> str:
    """Tell the end with status, duration, session and the last of the output, in at most *most* units."""
    head = head_of(ended)
    room = min(most - size(head) - 1, MOST_OUTPUT)
    output = last_of(harmless(ended.output).strip(), room) if room > 0 else ""
    return f"{head}\n{output}" if output else head


def plain(ended: Ended, most: int) -> str:
    """Tell the output alone, its end if it is longer; without any, what went wrong."""
    said = harmless(ended.output).strip() or _what_happened(ended)
    return last_of(said, most)


def worded(ended: Ended, most: int) -> str:
    """Tell the end in the words of the template that was asked for."""
    return plain(ended, most) if ended.plain else full(ended, most)


def head_of(ended: Ended) -> str:
    """Give what stands before the output in the template ``full``."""
    lines = [f"{_SIGNS.get(ended.status, '❌')} {_what_happened(ended)}"]
    if ended.session_id:
        # Programs look for this line as it is; a backtick or a newline would end it early.
        lines.append(f"📎 sessionId: `{harmless(ended.session_id).replace('`', '').replace(chr(10), '')}` ")
    return "\n".join(lines)


def last_of(text: str, most: int) -> str:
    """Give the end of *text*, in at most *most* units; a block of code that is cut stays one."""
    whole = _closed(text)
    if size(whole) <= most:
        return whole
    # Room for the sign of the cut, and for two fences with their newlines.
    kept = _tail(text, most - len(_CUT) - 2 * (len(_FENCE) + 1))
    gone = text[: len(text) - len(kept)]
    opened = f"{_FENCE}\n" if gone.count(_FENCE) % 2 else ""
    return _closed(f"{_CUT}{opened}{kept}")


def _closed(text: str) -> str:
    return text if text.count(_FENCE) % 2 == 0 else f"{text}\n{_FENCE}"


def _tail(text: str, most: int) -> str:
    """Give the last *most* units of *text*, less half a character, and less a fence that was cut."""
    units = text.encode("utf-16-le")[-2 * max(0, most) :] if most > 0 else b""
    kept = units.decode("utf-16-le", "ignore")
    gone = text[: len(text) - len(kept)]
    return kept.lstrip("`") if gone.endswith("`") else kept


def _what_happened(ended: Ended) -> str:
    took = "" if ended.duration_ms is None else f" ({_duration(ended.duration_ms)})"
    why = f": {harmless(ended.error)}" if ended.error and ended.status != "completed" else ""
    word = "timed out" if ended.reason == "timeout" else _WORDS.get(ended.reason, ended.status)
    return f"{ended.agent}: {word}{took}{last_of(why, _MOST_ERROR)}"


_WORDS = {"policy": "refused", "interrupted": "interrupted, and nobody knows how far it came"}


def _duration(ms: int) -> str:
    seconds = ms / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
