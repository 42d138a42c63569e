"""A thousand parked polls: what they cost other requests, memory, and how fast they wake."""

import resource
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks import loaders
from benchmarks.figures import Figure, median, percentile
from benchmarks.loaders import Request
from benchmarks.processes import Running, free_port
from benchmarks.service import TOKEN, Service
from benchmarks.setting import Setting

CONNECTIONS = 8
MIX: list[Request] = [
    ("GET", "/health", None, None),
    ("POST", "/tasks", TOKEN, {"argv": ["true"], "timeout": 5000}),
]


def measure(setting: Setting) -> list[Figure]:
    """Load the server with and without parked polls in turn, weigh it, then wake them one by one."""
    folder = setting.place("parked")
    count = setting.pick(1000, 50)
    allow_files(4 * count + 1000)
    with ExitStack() as stack:
        service = Service(stack, folder, wait_port=free_port())
        trial = Trial(
            setting=setting,
            port=service.port,
            server=service.serve(),
            loader=loaders.start(stack, folder),
            lot=loaders.start(stack, folder, "benchmarks.parking"),
            count=count,
        )
        trial.lot.ask({"port": service.port, "wait_port": service.wait_port, "token": TOKEN})
        for _ in range(setting.pick(3, 1)):
            trial.run()
        trial.park()
        woken = trial.lot.ask({"act": "wake", "times": setting.pick(500, 20)})
    return _figures(trial, woken)


def allow_files(number: int) -> None:
    """Raise this process's limit of open files, which the processes it starts inherit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = number if hard == resource.RLIM_INFINITY else min(number, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


@dataclass
class Trial:
    """One server, a load generator beside it, and the lot where *count* polls park."""

    setting: Setting
    port: int
    server: Running
    loader: Running
    lot: Running
    count: int
    without: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Measure the other requests once without and once with the polls parked; weigh the server."""
        self.without.append(self._rate())
        self.park()
        self.beside.append(self._rate())
        self.megabytes.append(self.server.rss_bytes() / 1e6)
        assert self.lot.ask({"act": "leave"}) == self.count
        time.sleep(self.setting.pick(3.0, 1.5))  # until the server noticed
        told = f"{self.beside[-1]:.0f}/s with, {self.without[-1]:.0f}/s without"
        self.setting.say(f"parked: {told}, {self.megabytes[-1]:.0f} MB")

    def park(self) -> None:
        """Park all polls, and wait until the server holds them."""
        self.lot.ask({"act": "park", "count": self.count})
        time.sleep(self.setting.pick(3.0, 1.0))

    def _rate(self) -> float:
        seconds = self.setting.pick(4.0, 0.5)
        return loaders.load(self.loader, self.port, MIX, connections=CONNECTIONS, seconds=seconds)["rate"]


def _figures(trial: Trial, woken: list[float]) -> list[Figure]:
    return [
        Figure(
            what=f"other requests with {trial.count} parked polls",
            unit="/s",
            ours=median(trial.beside),
            reference=median(trial.without),
            reference_name="without",
            limit=0.75,
            at_least=True,
            runs={"with": trial.beside, "without": trial.without},
        ),
        Figure(
            what=f"memory of the server with {trial.count} parked polls",
            unit="MB",
            ours=median(trial.megabytes),
            limit=110,
            absolute=True,
            runs={"MB": trial.megabytes},
        ),
        Figure(
            what="submit to the woken poll's answer, p99",
            unit="ms",
            ours=percentile(woken, 99),
            limit=50,
            absolute=True,
            runs={"ms": woken},
            note=f"p50 {median(woken):.1f} ms",
        ),
    ]
