"""``clawtrail mcp`` as a command: what it says when it cannot serve, and what when the server is away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.processes import free_port
from tests.support.processes import clean_environ
from tests.support.tool_calls import talk_on_stdio


def _start(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clawtrail", "mcp"],
        env=clean_environ() | {"HOME": str(tmp_path)} | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    """On a light installation, the command names the extra, and nothing goes to standard output."""
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'mcp':\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    path = f"{tmp_path}:{clean_environ()['PYTHONPATH']}"
    done = _start(tmp_path, CLAWTRAIL_URL="http://127.0.0.1:9", CLAWTRAIL_TOKEN="t" * 20, PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'clawtrail[mcp]'" in done.stderr


def test_without_a_server_it_says_what_to_set(tmp_path: Path) -> None:
    """Unconfigured, it ends at once with a sentence on standard error."""
    done = _start(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "CLAWTRAIL_URL" in done.stderr


def test_a_server_that_is_away_is_an_answer() -> None:
    """While the server cannot be reached, tools say so, and go on to be served."""
    environ = {"CLAWTRAIL_URL": f"http://127.0.0.1:{free_port()}", "CLAWTRAIL_TOKEN": "t" * 20}
    with talk_on_stdio(clean_environ() | environ) as talk:
        assert "No answer from" in talk.fail("list_tasks")
        assert len(talk.tools()) == 9
