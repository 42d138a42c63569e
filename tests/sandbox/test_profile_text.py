"""The text of a profile for macOS."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.sandboxing import sandbox_exec
from worker.sandboxing.confines import PROFILES, Confines, Profile
from worker.sandboxing.sandbox_exec import PROGRAM, quoted, text
from worker.sandboxing.views import Doors

ENV = {"HOME": "/Users/ada", "PATH": "/usr/bin"}


def profile(name: Profile, tree: str = "/Users/ada/code") -> list[str]:
    """Give the lines of a profile."""
    doors = Doors(ENV, [Path("/Users/ada/state")])
    return text(Confines(name, tree=Path(tree)), program=Path("/bin/ls"), env=ENV, doors=doors).splitlines()


def test_profiles_differ_in_writing_and_network() -> None:
    """All deny by default; two write in the tree, one talks to the network, none reads what is hidden."""
    for name in PROFILES:
        lines = profile(name)
        assert lines[:2] == ["(version 1)", "(deny default)"]
        assert ("(allow network*)" in lines) == (name == "workspace")
        writes = '(allow file-read* file-write* (subpath "/Users/ada/code"))' in lines
        assert writes == (name != "read-only")
        for hidden in ("/Users/ada/.ssh", "/Users/ada/state"):
            # The last line that speaks of a path decides.
            assert f'(deny file-read* file-write* (subpath "{hidden}"))' in lines[-10:]


@pytest.mark.parametrize(
    "name",
    ['"', "\\", '\\"', '") (allow default) (deny default "', "a\nb", "(allow network*)", "\u202e", '";'],
)
def test_a_hostile_path_stays_a_text(name: str) -> None:
    """Read back as the language reads texts, each path is one text and the rest of the line is as it was."""
    path = Path("/Users/ada/code", name)
    held = quoted(path)
    plain, at = [], 1
    while held[at] != '"':
        at += held[at] == "\\"
        plain.append(held[at])
        at += 1
    assert ("".join(plain), at) == (str(path), len(held) - 1)
    whole = "\n".join(profile("no-network", str(path)))
    assert f"(allow file-read* file-write* (subpath {held}))" in whole


@pytest.mark.skipif(sys.platform != "darwin", reason="sandbox-exec is a program of macOS")
def test_profile_holds_where_there_is_one(tmp_path: Path) -> None:
    """On macOS a command runs under the profile, and writes nothing elsewhere."""
    work = Path(os.path.realpath(tmp_path / "work"))
    work.mkdir()
    confines, shell = Confines("no-network", tree=work), Path("/bin/sh")
    made = sandbox_exec.text(confines, program=shell, env=ENV, doors=Doors(ENV, []))
    argv = [str(PROGRAM), "-p", made, "/bin/sh", "-c", f"echo a > {work}/in; echo a > {tmp_path}/out"]
    subprocess.run(argv, check=False, cwd=work)
    assert (work / "in").exists()
    assert not (tmp_path / "out").exists()
