"""The marks by which commands tell that they ran, and how often."""

import re
from collections import Counter
from pathlib import Path

# noclobber makes the shell open with O_EXCL: a run that finds its mark taken takes the next number,
# so a command that ran n times leaves n marks, whatever became of its worker. (`true` and not `:`,
# at whose redirection the shell would end.)
PROGRAM = """\
set -C
number=1
until { true > "$1/$2.$number"; } 2>/dev/null; do
    number=$((number + 1))
    [ "$number" -lt 100 ] || exit 70
done
exec sleep "$3"
"""
_MARK = re.compile(r"(.+)\.\d+")


def command(folder: Path, token: str, seconds: float) -> list[str]:
    """Return the argv of a command that leaves a mark for *token* in *folder* and lasts *seconds*."""
    return ["/bin/sh", "-c", PROGRAM, "mark", str(folder), token, f"{seconds:.3f}"]


def count(folder: Path) -> Counter[str]:
    """Return how often the command of each token ran."""
    found = (_MARK.fullmatch(path.name) for path in folder.iterdir())
    return Counter(match[1] for match in found if match)
