"""Submits on a disk whose every sync takes 5 ms longer, against one commit a request."""

import subprocess
from contextlib import ExitStack
from pathlib import Path

from benchmarks import loaders
from benchmarks.figures import Figure, median
from benchmarks.loaders import Request
from benchmarks.service import TOKEN, Service, start_reference
from benchmarks.setting import Setting

CLIENTS = 32
TASK = {"argv": ["true"], "timeout": 5000}
LONGER_US = 5000


def measure(setting: Setting) -> list[Figure]:
    """Load both services in turn, both with the slow disk."""
    folder = setting.place("slow-disk")
    seconds = setting.pick(4.0, 0.5)
    env = {"LD_PRELOAD": str(_build(folder)), "SLOW_SYNC_US": str(LONGER_US)}
    submit: list[Request] = [("POST", "/tasks", TOKEN, TASK)]
    commit: list[Request] = [("POST", "/commit", TOKEN, TASK)]
    ours: list[float] = []
    alone: list[float] = []
    with ExitStack() as stack:
        service = Service(stack, folder, env=env)
        service.serve()
        port = start_reference(stack, folder, env)
        loader = loaders.start(stack, folder)
        for number in range(setting.pick(5, 1)):
            ours.append(
                loaders.load(loader, service.port, submit, connections=CLIENTS, seconds=seconds)["rate"]
            )
            alone.append(loaders.load(loader, port, commit, connections=CLIENTS, seconds=seconds)["rate"])
            setting.say(f"slow disk {number + 1}: {ours[-1]:.0f}/s, one commit a request {alone[-1]:.0f}/s")
    return [
        Figure(
            what=f"submits, {CLIENTS} clients, each sync {LONGER_US / 1000:.0f} ms longer",
            unit="/s",
            ours=median(ours),
            reference=median(alone),
            reference_name="one commit a request",
            limit=10,
            at_least=True,
            runs={"ours": ours, "one commit a request": alone},
        )
    ]


def _build(folder: Path) -> Path:
    """Compile the shim that slows the syncs and return its path."""
    shim = folder / "slow_sync.so"
    source = Path(__file__).with_name("slow_sync.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", shim, source, "-ldl"], check=True)
    return shim
