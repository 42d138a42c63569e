"""Tasks a second through twenty clients and eight slots, beside other queues."""

from contextlib import ExitStack

from benchmarks.contenders import Contender, start_client
from benchmarks.figures import Figure, median
from benchmarks.peers.starting import start_peers
from benchmarks.service import Service
from benchmarks.setting import Setting

CLIENTS = 20
SLOTS = 8


def measure(setting: Setting) -> list[Figure]:
    """Let each contender run for some seconds in turn, everybody else paused, several times."""
    folder = setting.place("throughput")
    rates: dict[str, list[float]] = {}
    with ExitStack() as stack:
        contenders = [_start_ours(stack, setting)]
        if setting.peers:
            contenders += start_peers(stack, folder, SLOTS)
        for number in range(setting.pick(5, 1)):
            for contender in contenders:
                used = contender.cpu_seconds()
                rate = contender.ask(act="throughput", seconds=setting.pick(5.0, 1.0), clients=CLIENTS)
                rates.setdefault(contender.name, []).append(rate)
                shares = {name: now - used[name] for name, now in contender.cpu_seconds().items()}
                told = " ".join(f"{name} {seconds:.1f}" for name, seconds in shares.items())
                setting.say(f"throughput {number + 1}: {contender.name} {rate:.0f}/s (cpu seconds: {told})")
    return _figures(rates)


def _start_ours(stack: ExitStack, setting: Setting) -> Contender:
    folder = setting.place("throughput")
    service = Service(stack, folder)
    running = [service.serve(), service.work(SLOTS)]
    client = start_client(stack, "benchmarks.ours", log=folder / "client.log", env={"BENCH_URL": service.url})
    return Contender("ours", running, client)


def _figures(rates: dict[str, list[float]]) -> list[Figure]:
    middle = {name: median(values) for name, values in rates.items()}
    ours = middle.pop("ours")
    what = f"tasks a second, {CLIENTS} clients, {SLOTS} slots"
    if not middle:
        note = "nothing to compare with: --peers does"
        return [Figure(what=what, unit="/s", ours=ours, runs=rates, note=note)]
    celery = max((rate for name, rate in middle.items() if name.startswith("celery")), default=None)
    found = []
    for name, rate in middle.items():
        limit = 1.5 if rate == celery else 1.0 if name == "huey" else None
        found.append(
            Figure(
                what=f"{what}, beside {name}",
                unit="/s",
                ours=ours,
                reference=rate,
                reference_name=name,
                limit=limit,
                at_least=True,
                runs={"ours": rates["ours"], name: rates[name]},
            )
        )
    return found
