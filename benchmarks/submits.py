"""Durable submits a second against a bare Flask route, and batches of a thousand."""

from contextlib import ExitStack

from benchmarks import loaders
from benchmarks.figures import Figure, median
from benchmarks.loaders import Request
from benchmarks.service import TOKEN, Service, start_reference
from benchmarks.setting import Setting

CONNECTIONS = 16
BATCH = 1000
TASK = {"argv": ["true"], "timeout": 5000}


def measure(setting: Setting) -> list[Figure]:
    """Load both services in turn; nobody works the tasks off meanwhile."""
    folder = setting.place("submits")
    seconds = setting.pick(4.0, 0.5)
    submit: list[Request] = [("POST", "/tasks", TOKEN, TASK)]
    bare: list[Request] = [("POST", "/bare", TOKEN, TASK)]
    batch: list[Request] = [("POST", "/tasks/batch", TOKEN, {"tasks": [TASK] * BATCH})]
    rates: dict[str, list[float]] = {"submits": [], "bare": [], "batches": []}
    with ExitStack() as stack:
        service = Service(stack, folder)
        service.serve()
        port = start_reference(stack, folder)
        loader = loaders.start(stack, folder)
        for number in range(setting.pick(5, 1)):
            one = loaders.load(loader, service.port, submit, connections=CONNECTIONS, seconds=seconds)
            rates["submits"].append(one["rate"])
            one = loaders.load(loader, port, bare, connections=CONNECTIONS, seconds=seconds)
            rates["bare"].append(one["rate"])
            many = loaders.load(loader, service.port, batch, connections=1, seconds=seconds)
            rates["batches"].append(many["rate"] * BATCH)
            told = " ".join(f"{name} {values[-1]:.0f}/s" for name, values in rates.items())
            setting.say(f"submits {number + 1}: {told}")
    return [
        Figure(
            what=f"durable submits, {CONNECTIONS} connections",
            unit="/s",
            ours=median(rates["submits"]),
            reference=median(rates["bare"]),
            reference_name="a bare Flask route",
            limit=0.6,
            at_least=True,
            runs=rates,
        ),
        Figure(
            what=f"tasks submitted in batches of {BATCH}",
            unit="/s",
            ours=median(rates["batches"]),
            limit=5000,
            at_least=True,
            absolute=True,
        ),
    ]
