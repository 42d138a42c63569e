"""Files under a rule stay below their folder, also while an attacker swaps names for links."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import REPOSITORY
from tests.support.recorded_run import RecordedRun
from worker.executors import beneath, file_edit, file_read, file_write
from worker.items import Ending
from worker.orders import Beneath, Executor, Order

SECRET = "SECRET-CANARY-51c0"
SWAPS = int(os.environ.get("SWAPS", "100000")) // 2  # for each of the two ways of opening


@pytest.fixture(params=["openat2", "walk"])
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file and a folder in it; opened by the one system call, and name by name."""
    if request.param == "walk":
        monkeypatch.setattr(beneath, "_IS_LINUX", False)
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret").write_text(SECRET)
    (tmp_path / "tree" / "file").write_text("inside")
    (tmp_path / "tree" / "sub" / "secret").write_text("inside")
    return tmp_path / "tree"


def run(executor: Executor, tree: Path, name: str, **payload: object) -> tuple[Ending, bytes]:
    """Run one file task whose file lies at *name* below *tree*."""
    recorded = RecordedRun()
    order = Order("t", {"path": name, **payload}, 1000, None, Beneath(tree, name))  # type: ignore[dict-item]
    return executor(order, recorded), recorded.stdout


def test_files_are_read_written_and_edited(tree: Path) -> None:
    """What lies below without links is read, written with its folders, and edited; modes are kept."""
    (tree / "file").chmod(0o640)
    assert run(file_read.run, tree, "file")[1] == b"inside"
    assert run(file_write.run, tree, "new/deep/file", content="new")[0].exit_code == 0
    assert (tree / "new/deep/file").read_text() == "new"
    ending, _ = run(file_edit.run, tree, "file", oldString="in", newString="out")
    assert (ending.exit_code, (tree / "file").read_text()) == (0, "outside")
    assert (tree / "file").stat().st_mode & 0o777 == 0o640
    assert not list(tree.rglob(".clawtrail-*"))


@pytest.mark.parametrize(
    "name", ["link", "hard", "links/secret", "links/new", "../secrets/secret", "sub", "."]
)
def test_links_and_ways_out_are_refused(tree: Path, name: str) -> None:
    """A link, a second name, a linked folder, ``..`` and a folder are neither read nor written."""
    secrets = tree.parent / "secrets"
    (tree / "link").symlink_to(secrets / "secret")
    os.link(secrets / "secret", tree / "hard")
    (tree / "links").symlink_to(secrets)
    for executor, payload in (
        (file_read.run, {}),
        (file_write.run, {"content": "x"}),
        (file_edit.run, {"oldString": "S", "newString": "x"}),
    ):
        ending, said = run(executor, tree, name, **payload)
        assert (ending.exit_code, said) == (1, b"")
    assert (secrets / "secret").read_text() == SECRET
    assert [place.name for place in secrets.iterdir()] == ["secret"]


def test_racing_attacker_gets_nothing_in_or_out(tree: Path) -> None:
    """While names are swapped for links of both sorts, no read gives the secret and no write reaches it."""
    secrets = tree.parent / "secrets"
    attacker = subprocess.Popen(
        [sys.executable, "tests/support/swapping.py", str(tree), str(secrets), str(SWAPS)], cwd=REPOSITORY
    )
    codes: set[int] = set()
    rounds = 0
    while attacker.poll() is None:
        rounds += 1
        for name in ("file", "sub/secret"):
            ending, said = run(file_read.run, tree, name)
            codes.add(ending.exit_code)
            assert SECRET.encode() not in said
        if rounds % 20 == 0:
            for name in ("file", "sub/secret", "sub/new"):
                run(file_write.run, tree, name, content="inside")
            assert (secrets / "secret").read_text() == SECRET
    assert attacker.returncode == 0
    assert [place.name for place in secrets.iterdir()] == ["secret"]
    assert (secrets / "secret").read_text() == SECRET
    assert codes == {0, 1}
    assert rounds > 50
