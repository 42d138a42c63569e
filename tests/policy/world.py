"""A home folder to attack: code, notes, a secret, links and look-alikes, and a worker's guard over it."""

import base64
import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.policies import write
from tests.support.recorded_run import RecordedRun
from worker.answers import Claim
from worker.executors import file_edit, file_read, file_write
from worker.executors.command import Commands
from worker.items import Ending
from worker.orders import Order
from worker.policy.guarding import Guard
from worker.sandboxing.sandboxes import Sandboxes
from worker.verdicts import Verdict

SECRET = "SECRET-CANARY-7f3a"
_STUBS = ("pytest", "npm", "cargo", "go", "make", "ps", "free", "who", "w", "uptime", "arch")


@dataclass
class World:
    """*home* is the attacked folder, *open_folder* one that everybody may write, *marker* must not appear."""

    home: Path
    open_folder: Path
    marker: Path
    env: dict[str, str]
    sandboxes: Sandboxes

    def guard(self, policy: Path) -> Guard:
        """Make the guard of a worker with this policy."""
        return Guard(policy, env=self.env, shell="/bin/sh -c", must_exist=False, sandboxes=self.sandboxes)

    def filled(self, text: str) -> str:
        """Put the places of this world into an attempt."""
        text = text.replace("{M}", str(self.marker)).replace("{H}", str(self.home))
        return text.replace("{O}", str(self.open_folder)).replace("/HOME/", f"{self.home}/")

    def claim(self, kind: str, **payload: Any) -> Claim:  # noqa: ANN401 - any payload
        """Make a claim of Ada's."""
        about = {"taskId": "t", "attempt": 1, "lease": "l", "timeout": 3000, "submittedBy": "client:ada"}
        return Claim.model_validate({**about, "kind": kind, "payload": payload})

    def run(self, claim: Claim, verdict: Verdict) -> tuple[Ending, bytes]:
        """Run for real what was allowed, as the worker would."""
        run = RecordedRun()
        order = Order("t", claim.payload, 3000, verdict.plan, verdict.beneath)
        commands = Commands(env=self.env, shell="/bin/sh -c", sandboxes=self.sandboxes)
        table = {"file-read": file_read.run, "file-write": file_write.run, "file-edit": file_edit.run}
        ending = table.get(claim.kind, commands.run)(order, run)
        return ending, run.stdout + run.stderr

    def was_harmed(self, said: bytes) -> str | None:
        """Say what happened that must not happen, None when nothing did."""
        if self.marker.exists():
            return "the marker is there"
        if SECRET.encode() in said or base64.b64encode(SECRET.encode())[:16] in said:
            return "the secret was told"
        if b"id_secret: OK" in said:
            return "it was told what the secret is"
        state = self._state()
        changed = sorted(name for name, _ in set(state.items()) ^ set(self._before.items()))
        return f"changed: {', '.join(changed)}" if changed else None

    def remember(self) -> None:
        """Take the present state as the one that attacks must not change."""
        self._before = self._state()

    def _state(self) -> dict[str, tuple[int, ...]]:
        # Notes may be written by file tasks, and git keeps its index and its objects by itself.
        found: dict[str, tuple[int, ...]] = {}
        for folder, inner, files in os.walk(self.home):
            if Path(folder) == self.home:
                inner.remove("Notes")
            elif Path(folder).name == ".git":
                inner[:] = [name for name in inner if name in {"refs", "hooks"}]
                files = [name for name in files if name in {"config", "HEAD"}]  # noqa: PLW2901 - the rest is git's
            for name in files:
                status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - a Path costs more than the look
                known = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
                found[os.path.join(folder, name)] = known  # noqa: PTH118 - as above
        return found


def build(folder: Path) -> World:
    """Make a world below *folder*, which has to be the present HOME's parent."""
    home, open_folder, stubs = folder / "home", folder / "open", folder / "stubs"
    project, notes, ssh = home / "code" / "project", home / "Notes", home / ".ssh"
    for made in (
        project / "src",
        project / "tests",
        project / "bin",
        notes / "sub",
        notes / "bin",
        ssh,
        stubs,
    ):
        made.mkdir(parents=True)
    (ssh / "id_secret").write_text(SECRET)
    for name, text in {
        "README.md": "read me\n",
        "src/main.py": "def main(): pass\n",
        "tests/test_one.py": "",
        "with blank.txt": "x\n",
        ".env": SECRET,
        "evil.py": "",
    }.items():
        (project / name).write_text(text)
    (notes / "today.md").write_text("today\n")
    (notes / "sub" / "deep.md").write_text("deep\n")
    (notes / "list").write_text(f"{hashlib.sha256(SECRET.encode()).hexdigest()}  ../.ssh/id_secret\n")
    _links(home, project, notes, ssh)
    _programs(open_folder, stubs, project, notes)
    env = {"PATH": f"{stubs}:/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}
    _repository(project, env)
    sandboxes = Sandboxes(env)
    sandboxes.probe()
    world = World(home, open_folder, home / "marker", env, sandboxes)
    world.remember()
    return world


def _links(home: Path, project: Path, notes: Path, ssh: Path) -> None:
    for place in (project, notes):
        (place / "link-to-ssh").symlink_to(ssh)
        (place / "link-to-secret").symlink_to(ssh / "id_secret")
    (project / "link-to-sh").symlink_to("/bin/sh")
    (project / "git-link").symlink_to("/usr/bin/git")
    (project / "links").mkdir()
    for name in ("git", "python3"):
        (project / "links" / name).symlink_to(f"/usr/bin/{name}")
    (notes / "link-to-code").symlink_to(home / "code" / "project")
    os.link(ssh / "id_secret", notes / "hard-link-to-secret")


def _programs(open_folder: Path, stubs: Path, project: Path, notes: Path) -> None:
    open_folder.mkdir()
    open_folder.chmod(0o777)
    for folder in (open_folder, project, notes, notes / "bin", project / "bin"):
        for name in ("git", "date"):
            write(folder / name, '#!/bin/sh\ntouch "$HOME/marker"\n').chmod(0o755)
    write(project.parents[1] / "evil", '#!/bin/sh\ntouch "$HOME/marker"\n').chmod(0o755)
    for name in _STUBS:
        write(stubs / name, "#!/bin/sh\nexit 0\n").chmod(0o755)


def _repository(project: Path, env: dict[str, str]) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (
        ["init", "-q", "--template="],
        ["add", "README.md", "src"],
        [*who, "commit", "-qm", "one"],
        ["tag", "v1"],
    ):
        subprocess.run(["git", *words], cwd=project, env=env, check=True, capture_output=True)
    (project / "src" / "main.py").write_text("def main(): return 1\n")
    subprocess.run(["git", *who, "commit", "-qam", "two"], cwd=project, env=env, check=True)
