"""Texts that tell people what would be done: harmless on a terminal, and never too long."""

from collections.abc import Sequence

MOST_DESCRIBED = 4000


def as_text(lines: Sequence[str]) -> str:
    """Give *lines* as one text of at most 4,000 characters.

    Control characters are shown as escapes; what is too long says first that it is not shown whole.
    """
    whole = "\n".join(_harmless(line) for line in lines)
    if len(whole) <= MOST_DESCRIBED:
        return whole
    half = MOST_DESCRIBED // 2 - 100
    warning = f"NOT SHOWN WHOLE: {len(whole) - 2 * half} characters are left out at the dots.\n"
    return f"{warning}{whole[:half]}\n.....\n{whole[-half:]}"


def _harmless(line: str) -> str:
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode("ascii")
        for one in line
    )
