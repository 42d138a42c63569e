"""What the tests of sandboxes share: a machine's sandboxes, tried once, and a home folder with a secret."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.recorded_run import RecordedRun, order
from worker.executors.command import Commands
from worker.items import Ending
from worker.orders import Plan
from worker.sandboxing.confines import Confines
from worker.sandboxing.sandboxes import Sandboxes

SECRET = "SECRET-CANARY-51c0"
_ONLY_INSIDE = 'read -r first < /proc/1/comm; [ "$first" = bwrap ] || exit 99'
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass
class Ward:
    """A home folder with what must stay inside, and runs with and without confines."""

    home: Path
    work: Path
    state: Path
    sandboxes: Sandboxes
    env: dict[str, str]

    def confines(self, **wanted: object) -> Confines:
        """Make confines with the work folder."""
        return replace(Confines("no-network", tree=self.work), **wanted)  # type: ignore[arg-type]

    def run(
        self,
        text: str,
        confines: Confines | None,
        *,
        run: RecordedRun | None = None,
        timeout_ms: int = 10000,
        **payload: object,
    ) -> tuple[Ending, str]:
        """Run *text* in the work folder, in *confines*; give how it ended and all that it said.

        What is to be confined looks first whether it is: attempts of escape must not be made on the machine
        of whoever runs the tests.
        """
        run = run or RecordedRun()
        if confines is not None and confines.profile != "none":
            text = f"{_ONLY_INSIDE}; {text}"
        plan = Plan(("sh", "-c", text), Path(os.path.realpath("/bin/sh")), self.work, confines=confines)
        commands = Commands(env=self.env, shell="/bin/sh -c", sandboxes=self.sandboxes)
        ordered = replace(order(timeout_ms, argv=["sh", "-c", text], **payload), plan=plan)
        ending = commands.run(ordered, run)
        return ending, (run.stdout + run.stderr).decode()

    def places(self) -> dict[str, str]:
        """Name what is to stay hidden, by what it is."""
        return {
            "key": f"{self.home}/.ssh/id",
            "journal": f"{self.state}/journal.db",
            "policy": f"{self.home}/.config/clawtrail/policy.toml",
            "token": f"{self.home}/worker.token",
            "notes": f"{self.home}/Notes/today.md",
        }


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """The one home folder; what a test changes in its work folder, it has to itself."""
    home = tmp_path_factory.mktemp("ward") / "home"
    work, state = home / "code" / "project", home / "state"
    env = {"PATH": _PATH, "HOME": str(home), "TMPDIR": "/tmp", "LANG": "C.UTF-8"}
    made = Ward(home, work, state, Sandboxes(env, [state, home / "worker.token"]), env)
    work.mkdir(parents=True)
    for place in made.places().values():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).write_text(SECRET)
    made.sandboxes.probe()
    assert made.sandboxes.why_not == {}, "these tests need bubblewrap"
    return made
