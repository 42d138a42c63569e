"""Attempts to get out of a sandbox, run for real; each is shown to work where there is none."""

import select
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.sandbox.conftest import SECRET, Ward
from worker.sandboxing.confines import PROFILES, Profile

BOTH: tuple[Profile, ...] = ("no-network", "workspace")


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_hidden_is_read(ward: Ward, profile: Profile) -> None:
    """Keys, the worker's state, policy and token, and other folders are not there, by whatever way."""
    link = ward.work / f"link-{profile}"
    link.symlink_to(ward.home)
    text = "; ".join(f"cat {place} {link}/.ssh/id" for place in ward.places().values())
    assert SECRET in ward.run(text, None)[1]
    text += (
        f"; cat ../../.ssh/id /proc/*/root{ward.home}/.ssh/id; grep -rs {SECRET[:6]} /root /home /tmp /var"
    )
    assert SECRET not in ward.run(text, ward.confines(profile=profile))[1]


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_outside_is_written(ward: Ward, tmp_path: Path, profile: Profile) -> None:
    """Only the work folder can be changed, and with read-only not even that."""
    marks = [
        tmp_path / "mark",
        ward.home / "mark",
        ward.home / ".config/clawtrail/mark",
        Path("/usr/local/clawtrail-mark"),
    ]
    policy = Path(ward.places()["policy"])
    text = "; ".join(f"mkdir -p {mark.parent}; touch {mark}" for mark in marks)
    text += f"; echo x > {policy}; rm -rf {ward.home}/.ssh"
    text += f"; ln -s {ward.home} up; touch up/mark ../mark; touch inside"
    ward.run(text, ward.confines(profile=profile))
    assert not [mark for mark in [*marks, ward.work.parent / "mark"] if mark.exists()]
    assert policy.read_text() == Path(ward.places()["key"]).read_text() == SECRET
    assert (ward.work / "inside").exists() == (profile != "read-only")
    for left in ("inside", "up"):
        (ward.work / left).unlink(missing_ok=True)


@pytest.mark.parametrize("profile", PROFILES)
def test_only_workspace_has_a_network(ward: Ward, profile: Profile) -> None:
    """A server on loopback is reached with the profile workspace alone; so are sockets without a file."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ward.run(f"bash -c ': < /dev/tcp/127.0.0.1/{port}'", ward.confines(profile=profile))
        came, _, _ = select.select([server], [], [], 0)  # the kernel keeps who came
    assert bool(came) == (profile == "workspace")
    shown = ward.run("cat /proc/net/dev; ls /etc/resolv.conf", ward.confines(profile=profile))[1]
    assert (shown.count(":") <= 3) == (profile != "workspace"), shown


def test_other_processes_are_neither_seen_nor_reached(ward: Ward) -> None:
    """Inside there are only the run's own processes: no other can be signalled or traced."""
    with subprocess.Popen(["sleep", "60"]) as victim:
        try:
            text = f"ls -d /proc/[0-9]* | wc -l; kill -9 {victim.pid}; strace -p {victim.pid}"
            said = ward.run(text, ward.confines())[1]
            assert int(said.split()[0]) < 8
            assert said.count("No such process") == 2, said
            assert victim.poll() is None
        finally:
            victim.kill()


def test_no_rights_can_be_gained(ward: Ward) -> None:
    """No capabilities, none by set-user-id; no mounts, no namespaces, no terminal to type into."""
    said = ward.run(
        "grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status; grep -c nosuid /proc/mounts;"
        " cp /bin/sh own; chmod 4755 own; ./own -c 'grep CapPrm /proc/self/status';"
        " mkdir -p at; mount -t tmpfs none at && echo mounted; unshare -Ur id; unshare -m id;"
        " touch /usr/clawtrail-mark /dev/clawtrail-mark /etc/clawtrail-mark; echo x > /dev/tty",
        ward.confines(),
    )[1]
    (ward.work / "own").unlink()
    (ward.work / "at").rmdir()
    assert "NoNewPrivs:\t1" in said
    assert {line.split()[1] for line in said.splitlines() if line.startswith("Cap")} == {"0" * 16}, said
    assert "uid=" not in said
    assert "mounted" not in said
    assert said.count("Read-only file system") >= 3, said
    assert "No such device or address" in said  # of /dev/tty: there is no controlling terminal


@pytest.mark.parametrize("profile", BOTH)
def test_no_process_is_left_behind(ward: Ward, profile: Profile) -> None:
    """What goes to the background, in sessions of its own too, ends with the command."""
    text = "setsid sh -c 'trap \"\" HUP TERM; sleep 97' >/dev/null 2>&1 & (sleep 97 &) ; echo started"
    ending, said = ward.run(text, ward.confines(profile=profile))
    assert (ending.exit_code, said) == (0, "started\n")
    assert ending.metadata == {"sandbox": profile}
    left = [
        process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "97"]
    ]
    psutil.wait_procs(left, timeout=2)
    assert not [process for process in left if process.is_running()]


def test_private_places_are_bounded(ward: Ward) -> None:
    """/tmp, the home folder and shared memory hold as much as the policy says, what lies between nothing."""
    text = f"for in in /tmp /dev/shm {ward.home}; do head -c 20M /dev/zero > $in/fill; du -m $in/fill; done"
    text += "; touch /x"
    said = ward.run(text, ward.confines(scratch=4))[1]
    assert said.count("No space left on device") == 3, said
    assert [line.split()[0] for line in said.splitlines() if line[0].isdigit()] == ["4"] * 3
    assert "Read-only file system" in said
    assert not Path(ward.home, "fill").exists()


def test_variables_take_no_effect_outside(ward: Ward, tmp_path: Path) -> None:
    """What steers the loader of programs does so inside alone, and no list of processes shows a value."""
    traces = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "trace")}
    ward.run("true", None, env=traces)
    assert list(tmp_path.iterdir())
    for trace in tmp_path.iterdir():
        trace.unlink()
    said = ward.run(
        "cat /proc/1/cmdline; echo; echo $PIN", ward.confines(), env={**traces, "PIN": "4711-PIN"}
    )[1]
    assert not list(tmp_path.iterdir())
    assert "bwrap" in said
    assert said.count("4711-PIN") == 1


@pytest.mark.parametrize(
    "env", [{"A": "x\0--bind\0/\0/"}, {"A\0--bind\0/\0/\0--setenv\0B": "x"}, {"A=B": "x"}, {"": "x"}]
)
def test_a_variable_is_no_option(ward: Ward, env: dict[str, str]) -> None:
    """A NUL in a variable would begin an option of bubblewrap: such a task does not run."""
    ending, said = ward.run("echo ran", ward.confines(), env=env)
    assert (ending.exit_code, said) == (126, "")
    assert ending.error is not None
    assert ending.error.startswith("Cannot run sh: ")
