"""From the submit of `true` to its result, one client, against bare round trips and a bare spawn."""

import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack

import requests

from benchmarks.contenders import Contender
from benchmarks.figures import Figure, median
from benchmarks.peers.starting import start_peers
from benchmarks.service import Service, start_reference
from benchmarks.setting import Setting

ROUND_TRIPS = 4  # submit and result, start, outcome and the next claim: what one task needs on the wire


def measure(setting: Setting) -> list[Figure]:
    """Time tasks, round trips and spawns in turn, and the peers' tasks in blocks between them."""
    folder = setting.place("latency")
    took: dict[str, list[float]] = {}
    with ExitStack() as stack:
        service = Service(stack, folder)
        running = [service.serve(), service.work(slots=8)]
        port = start_reference(stack, folder)
        peers = start_peers(stack, folder, slots=8) if setting.peers else []
        for number in range(setting.pick(5, 1)):
            setting.say(f"latency: round {number + 1}")
            for one in running:
                one.resume()
            _ours(service, port, setting.pick(100, 20), took)
            for one in running if peers else []:
                one.pause()
            _peers(peers, setting.pick(100, 20), took)
    return _figures(took)


def _ours(service: Service, port: int, tasks: int, took: dict[str, list[float]]) -> None:
    """Time *tasks* of each sort, one after the other and in turn, after a few that warm up."""
    session = requests.Session()
    bare = f"http://127.0.0.1:{port}/bare"
    acts: dict[str, Callable[[], object]] = {
        "ours": lambda: service.run_true(session),
        "round trip": lambda: session.post(bare, json={"argv": ["true"]}, timeout=10).json(),
        "spawn": lambda: subprocess.run(["true"], check=True),
    }
    for number in range(-5, tasks):
        for name, act in acts.items():
            before = time.perf_counter()
            act()
            if number >= 0:
                took.setdefault(name, []).append((time.perf_counter() - before) * 1000)


def _peers(peers: list[Contender], tasks: int, took: dict[str, list[float]]) -> None:
    for peer in peers:
        seconds = peer.ask(act="latency", tasks=tasks)
        took.setdefault(peer.name, []).extend(one * 1000 for one in seconds)


def _figures(took: dict[str, list[float]]) -> list[Figure]:
    p50 = {name: median(values) for name, values in took.items()}
    trip, spawn = p50["round trip"], p50["spawn"]
    found = [
        Figure(
            what="submit to result of true, p50",
            unit="ms",
            ours=p50["ours"],
            reference=ROUND_TRIPS * trip + spawn,
            reference_name=f"{ROUND_TRIPS} bare round trips of {trip:.2f} + a spawn of {spawn:.2f}",
            limit=1.3,
            runs=took,
        )
    ]
    celery = min((value for name, value in p50.items() if name.startswith("celery")), default=None)
    for name, value in p50.items():
        if name in {"ours", "round trip", "spawn"}:
            continue
        limit = 1.0 if value == celery else None
        found.append(
            Figure(what=f"the same beside {name}", unit="ms", ours=p50["ours"], reference=value, limit=limit)
        )
    return found
