"""The unified diff of two versions of a file, within bounds of size and time."""

import difflib
from io import StringIO

MOST_CHARACTERS = 64 * 1024
_MOST_LINES = 4000
"""Of the part that differs: comparing takes the square of it at worst."""

_CONTEXT = 3


def unified(before: bytes, after: bytes, name: str) -> str | None:
    """Give the unified diff, None where it would be too large. What is not UTF-8 is shown as replacements."""
    old, new = _lines(before), _lines(after)
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    # Only what differs is compared, with the lines around it that the diff shows.
    start = max(0, head - _CONTEXT)
    old = old[start : len(old) - max(0, tail - _CONTEXT)]
    new = new[start : len(new) - max(0, tail - _CONTEXT)]
    if len(old) + len(new) > _MOST_LINES:
        return None
    diff = _shown(old, new, name, start)
    return diff if len(diff) <= MOST_CHARACTERS else None


def _shown(old: list[str], new: list[str], name: str, skipped: int) -> str:
    shown = [f"--- {name}\n", f"+++ {name}\n"]
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT):
        _, a, _, c, _ = group[0]
        _, _, b, _, d = group[-1]
        shown.append(f"@@ -{_range(skipped + a, b - a)} +{_range(skipped + c, d - c)} @@\n")
        for tag, i, j, k, m in group:
            if tag == "equal":
                shown += [_line(" ", line) for line in old[i:j]]
            else:
                shown += [_line("-", line) for line in old[i:j]]
                shown += [_line("+", line) for line in new[k:m]]
    return "".join(shown) if len(shown) > 2 else ""


def _range(start: int, length: int) -> str:
    # Lines count from 1; an empty range names the line before it.
    return f"{start + 1 if length else start},{length}"


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _lines(data: bytes) -> list[str]:
    # Only "\n" ends a line here: splitlines() would cut at form feeds and at other things as well.
    return StringIO(data.decode(errors="replace"), newline="\n").readlines()


def _common(old: list[str], new: list[str]) -> int:
    for count, (left, right) in enumerate(zip(old, new, strict=False)):
        if left != right:
            return count
    return min(len(old), len(new))
