"""Every example that is marked to be run does what its document says, against the real service."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.alike import differences, missing_members
from tests.docs.conftest import Reader
from tests.docs.markdown import Example, documents, examples, name_of

END = "----- end of example"
NOTHING = Example("", "", "", 0)
RUNNABLE = [path for path in documents() if any(one.mark == "run" for one in examples(path))]


@pytest.mark.parametrize("path", RUNNABLE, ids=name_of)
def test_examples_run_as_printed(path: Path, reader: Reader, tmp_path: Path) -> None:
    """The runnable examples of a document end well, one after the other, with the answers shown."""
    shown = list(pairwise([*examples(path), NOTHING]))
    shell = [(one, answer) for one, answer in shown if (one.language, one.mark) == ("bash", "run")]
    faults = [
        f"{name_of(path)}:{one.line}: {fault}"
        for (one, answer), told in zip(
            shell, _in_one_shell([one for one, _ in shell], reader, tmp_path), strict=True
        )
        for fault in _faults(answer, *told)
    ]
    for one, _ in shown:
        if one.mark == "run" and one.language != "bash":
            faults += [f"{name_of(path)}:{one.line}: {fault}" for fault in _alone(one, reader, tmp_path)]
    assert not faults, "\n".join(faults)


def _in_one_shell(blocks: Sequence[Example], reader: Reader, folder: Path) -> list[tuple[str, str]]:
    """Run the blocks in one bash, so that a later one knows what an earlier set; give (status, output)."""
    script = "set -o pipefail\n" + "".join(f'{block.text}\nprintf "\\n{END} %s\\n" $?\n' for block in blocks)
    done = subprocess.run(
        ["bash", "-s"],
        input=script,
        env=reader.environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = []
    rest = done.stdout
    for _ in blocks:
        output, _, rest = rest.partition(END)
        status, _, rest = rest.partition("\n")
        told.append((status.strip() or f"never reached; {done.stderr}", output.strip()))
    return told


def _faults(answer: Example, status: str, output: str) -> Iterator[str]:
    if status != "0":
        yield f"ended with {status}: {output[-2000:]}"
    elif (answer.language, answer.mark) == ("json", "answer"):
        yield from differences(json.loads(answer.text), json.loads(output))
    elif (answer.language, answer.mark) == ("json", "sample"):
        yield from missing_members(json.loads(answer.text), json.loads(output))


def _alone(one: Example, reader: Reader, folder: Path) -> Iterator[str]:
    if one.language == "python":
        command = [sys.executable, "-W", "error", "-c", one.text]
    else:
        program = shutil.which("sqlite3")
        if program is None:
            pytest.skip("sqlite3 is not installed")
        command = [
            program,
            "-readonly",
            "-bail",
            f"{reader.environ['CLAWTRAIL_DATA']}/clawtrail.db",
            one.text,
        ]
    done = subprocess.run(
        command, env=reader.environ, cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode or done.stderr:
        yield f"ended with {done.returncode}: {done.stderr[-2000:]}"
