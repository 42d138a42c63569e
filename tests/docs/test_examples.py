"""Every example that is marked to be run does what its document says, against the real service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.alike import differences, missing_members
from tests.docs.conftest import Reader
from tests.docs.markdown import Example, documents, examples, name_of
from tests.docs.needing import skip_without

END = "----- end of example"
NOTHING = Example("", "", "", 0)
RUNNABLE = [path for path in documents() if any(one.mark == "run" for one in examples(path))]


@pytest.mark.parametrize("path", RUNNABLE, ids=name_of)
def test_examples_run_as_printed(path: Path, reader: Reader, tmp_path: Path) -> None:
    """The runnable examples of a document end well, one after the other, with the answers shown."""
    shown = list(pairwise([*examples(path), NOTHING]))
    skip_without(
        [one.text if one.language == "bash" else one.language for one, _ in shown if one.mark == "run"]
    )
    shell = [(one, answer) for one, answer in shown if (one.language, one.mark) == ("bash", "run")]
    faults = [
        f"{name_of(path)}:{one.line}: {fault}"
        for (one, answer), told in zip(
            shell, _in_one_shell([one for one, _ in shell], reader, tmp_path), strict=True
        )
        for fault in _faults(answer, told)
    ]
    for one, _ in shown:
        if one.mark == "run" and one.language != "bash":
            faults += [f"{name_of(path)}:{one.line}: {fault}" for fault in _alone(one, reader, tmp_path)]
    assert not faults, "\n".join(faults)


def _in_one_shell(blocks: Sequence[Example], reader: Reader, folder: Path) -> list[str]:
    """Run the blocks in one bash, so that a later one knows what an earlier one set; give their outputs."""
    script = "set -eo pipefail\n" + "".join(f'{block.text}\nprintf "\\n{END}\\n"\n' for block in blocks)
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
    outputs = [output.strip() for output in done.stdout.split(END)]
    if len(outputs) <= len(blocks):
        broken = blocks[len(outputs) - 1]
        why = f"{outputs[-1]} {done.stderr[-2000:]}"
        pytest.fail(f"The example at line {broken.line} ended with {done.returncode}: {why}")
    return outputs[:-1]


def _faults(answer: Example, output: str) -> Iterator[str]:
    compare = {"answer": differences, "sample": missing_members}.get(answer.mark)
    if compare is None:
        return
    try:
        told = json.loads(output)
    except ValueError:
        yield f"JSON is expected, not {output[:2000]!r}"
    else:
        yield from compare(json.loads(answer.text), told)


def _alone(one: Example, reader: Reader, folder: Path) -> Iterator[str]:
    if one.language == "python":
        command = [sys.executable, "-W", "error", "-c", one.text]
    else:
        database = f"{reader.environ['CLAWTRAIL_DATA']}/clawtrail.db"
        command = ["sqlite3", "-readonly", "-bail", database, one.text]
    done = subprocess.run(
        command, env=reader.environ, cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode or done.stderr:
        yield f"ended with {done.returncode}: {done.stderr[-2000:]}"
