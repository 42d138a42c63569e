"""What a sandbox adds to a run: ``python -m benchmarks.sandboxing``."""

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from config.worker import SHELL
from worker.executors.command import Commands
from worker.items import Ending
from worker.orders import Decision, Order, Plan
from worker.output import StreamName
from worker.sandboxing.confines import Confines, Limits
from worker.sandboxing.sandboxes import Sandboxes

ROUNDS = 200
GOAL_MS = 15.0
_LIMITS = Limits(cpu_seconds=3600, memory=16384, processes=4096, file_size=16384)


class _Quiet:
    def write(self, stream: StreamName, data: bytes) -> None:
        """Take in nothing."""

    def used_tool(self, tool: str, said: str, verdict: str | None = None) -> None:
        """Take in nothing."""

    def ask(self, rule: str, digest: str, describe: str) -> Decision:
        """Say no."""
        return Decision(allowed=False, why=f"nobody is here: {rule} {digest} {describe}")

    def pulse(self) -> Ending | None:
        """Let it run."""
        return None


def main() -> None:
    """Run ``true`` plainly and confined by turns; print medians, and what each sort adds to the plain run."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(os.path.realpath(folder))
        work = home / "code" / "project"
        work.mkdir(parents=True)
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}
        sandboxes = Sandboxes(env)
        sandboxes.probe()
        for profile, reason in sandboxes.why_not.items():
            print(f"{profile} is not measured: {reason}")
        commands = Commands(env=env, shell=SHELL, sandboxes=sandboxes)
        sorts: dict[str, Confines | None] = {"plain": None, "limits alone": Confines(limits=_LIMITS)}
        sorts |= {name: Confines(name, tree=work, limits=_LIMITS) for name in sandboxes.names}
        program = Path(os.path.realpath("/usr/bin/true"))
        plans = {name: Plan(("true",), program, work, confines=confines) for name, confines in sorts.items()}
        _print(_measured({name: _run_of(commands, plan) for name, plan in plans.items()}))


def _run_of(commands: Commands, plan: Plan) -> Callable[[], Ending]:
    order = replace(Order("benchmark", {"argv": ["true"]}, 10_000), plan=plan)
    return lambda: commands.run(order, _Quiet())


def _measured(runs: dict[str, Callable[[], Ending]]) -> dict[str, list[tuple[float, float]]]:
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began, used = time.perf_counter(), _processor()
            ending = run()
            took[name].append(((time.perf_counter() - began) * 1000, (_processor() - used) * 1000))
            if ending.exit_code:
                raise SystemExit(f"{name}: {ending}")
    return took


def _processor() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _print(took: dict[str, list[tuple[float, float]]]) -> None:
    plain = statistics.median(wall for wall, _ in took["plain"])
    print(
        f"{'confined to':<14}{'median':>10}{'added':>10}{'processor':>12}   to reach: at most {GOAL_MS:g} ms"
    )
    for name, pairs in took.items():
        wall = statistics.median(wall for wall, _ in pairs)
        processor = statistics.mean(processor for _, processor in pairs)
        verdict = "" if name == "plain" else "reached" if wall - plain <= GOAL_MS else "MISSED"
        print(f"{name:<14}{wall:7.2f} ms{wall - plain:7.2f} ms{processor:9.2f} ms   {verdict}")


if __name__ == "__main__":
    main()
