"""Starting the peers: a redis that syncs every write, celery, huey and rq."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.contenders import Contender, start_client
from benchmarks.processes import ROOT, Running, free_port, listens, wait_until

PROGRAMS = ROOT / ".venv-bench" / "bin"


class PeersMissing(Exception):
    """The virtual environment of the peers is not there; `make bench-peers` makes it."""


class Peers:
    """Starts each peer with *slots* slots and its data in *folder*; *stack* ends them all.

    Raises `PeersMissing` when they are not installed.
    """

    def __init__(self, stack: ExitStack, folder: Path, slots: int) -> None:
        if not (PROGRAMS / "celery").exists():
            raise PeersMissing("no .venv-bench: `make bench-peers` installs the peers and measures")
        self.stack = stack
        self.folder = folder
        self.slots = slots
        self.redis_port = free_port()
        self.redis = self._start_redis()
        self.env = {"BENCH_REDIS_PORT": str(self.redis_port), "PYTHONPATH": str(ROOT)}

    def celery(self, pool: str, database: int) -> Contender:
        """Start celery with a *pool* of processes ("prefork") or "threads"; it uses two databases."""
        command = ["celery", "-A", "benchmarks.peers.on_celery", "worker", "-P", pool]
        command += ["-c", str(self.slots), "-l", "WARNING"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        extra = {"BENCH_REDIS_DB": str(database)}
        return self._contender(f"celery-{pool}", "on_celery", command, extra, [self.redis])

    def huey(self) -> Contender:
        """Start huey with worker threads that look often enough for the pause not to be measured."""
        command = ["huey_consumer", "benchmarks.peers.on_huey.huey", "-k", "thread", "-q"]
        command += ["-w", str(self.slots), "-d", "0.005", "-m", "0.02", "-b", "1.15"]
        extra = {"BENCH_HUEY_FILE": str(self.folder / "huey.db")}
        return self._contender("huey", "on_huey", command, extra, [])

    def rq(self) -> Contender:
        """Start rq with workers that run tasks themselves instead of forking for each."""
        url = f"redis://127.0.0.1:{self.redis_port}/8"
        command = ["rq", "worker-pool", "-n", str(self.slots), "-w", "rq.worker.SimpleWorker"]
        return self._contender("rq", "on_rq", [*command, "-u", url, "-q", "bench"], {}, [self.redis])

    def _start_redis(self) -> Running:
        command = ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "always"]
        redis = self.stack.enter_context(Running(command, log=self.folder / "redis.log"))
        wait_until(lambda: listens(self.redis_port), redis, "redis-server")
        return redis

    def _contender(
        self, name: str, module: str, command: Sequence[str], extra: Mapping[str, str], behind: list[Running]
    ) -> Contender:
        """Start a worker and its client, and run a few tasks, so that both are warm."""
        env = {**self.env, **extra}
        command = [str(PROGRAMS / command[0]), *command[1:]]
        worker = self.stack.enter_context(Running(command, log=self.folder / f"{name}.log", env=env))
        client = start_client(
            self.stack,
            f"benchmarks.peers.{module}",
            python=str(PROGRAMS / "python"),
            log=self.folder / f"{name}-client.log",
            env=env,
        )
        contender = Contender(name, [*behind, worker], client)
        contender.ask(act="latency", tasks=5)
        return contender


def start_peers(stack: ExitStack, folder: Path, slots: int) -> list[Contender]:
    """Start celery in both its pools, huey and rq; see `Peers`."""
    peers = Peers(stack, folder, slots)
    return [peers.celery("prefork", 0), peers.celery("threads", 2), peers.huey(), peers.rq()]
