"""One campaign: a server, a worker with secrets, somebody who hears all; tasks that print; the search."""

import json
import random
import string
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.planting import printing
from benchmarks.planting.eavesdropping import Eavesdropper
from benchmarks.planting.searching import files_of, found_in, needles
from benchmarks.processes import ROOT, Running, free_port, listens, wait_until
from clawtrail import Client
from clawtrail.result import Result
from clawtrail.tasks import Task

TOKEN = "a-token-for-both-of-them"  # noqa: S105 - made up, on the loopback, for a minute
_PATIENCE_S = 20
_OPEN = "this-stands-openly-in-a-file"
_POLICY = """default = "ask"

[[rule]]
name = "planting"
verdict = "allow"
kinds = ["command"]
shell = true
env = ["S"]
stdin = true
secrets = ["planted-*"]

[[rule]]
name = "files"
verdict = "allow"
kinds = ["file-read", "file-edit"]
paths = ["FOLDER/**"]
"""


@dataclass
class Report:
    """What a campaign did and found. *faults* has to be empty."""

    secrets: int
    forms: int
    masked: int = 0
    bytes_searched: int = 0
    places: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def values(count: int, seed: int) -> dict[str, str]:
    """Make secrets of many lengths and characters."""
    rnd = random.Random(seed)
    letters, signs = string.ascii_letters + string.digits, string.punctuation + " äß€"
    made = {}
    for number in range(count):
        length = rnd.choice((8, 9, 10, 11, 12, 16, 20, 24, 32, 40, 56, 64))
        alphabet = letters if number % 2 else letters + signs
        # One that begins with "-" or has blanks at its ends is as good as any other.
        made[f"planted-{number}"] = "".join(rnd.choices(alphabet, k=length))
    return made


def run(folder: Path, *, secrets: int, seed: int) -> Report:
    """Plant *secrets* secrets in all forms, and search every byte of server, worker and traffic for them."""
    planted = values(secrets, seed)
    report = Report(secrets, len(printing.forms("x" * 8)))
    work, kept = folder / "work", folder / "kept"
    _prepare(work, planted)
    kept.mkdir(parents=True)
    port = free_port()
    server = [sys.executable, "-m", "clawtrail", "serve", "--port", str(port), "--data", str(kept / "data")]
    worker = [sys.executable, "-m", "clawtrail", "worker", "--state", str(kept / "state")]
    quiet = {"WORKER_TOKEN": TOKEN, "CLAWTRAIL_LOG_LEVEL": "DEBUG"}
    with Running(server, log=kept / "server.log", env=quiet) as serving:
        wait_until(lambda: listens(port), serving, "server")
        ear = Eavesdropper(port)
        with (
            Running(worker, log=kept / "worker.log", env=_worker_env(work, ear.port)),
            Client(f"http://127.0.0.1:{ear.port}", TOKEN) as client,
        ):
            report.masked = sum(_masked(result) for result in _plant(client, work, list(planted)))
            _ask(client)
            # While both run: the write-ahead logs, and what a closing would tidy up.
            _search(report, planted, kept, b"")
        ear.close()
    _search(report, planted, kept, ear.heard)
    return report


def _prepare(work: Path, planted: Mapping[str, str]) -> None:
    work.mkdir(parents=True)
    secrets = "".join(f"{name} = {json.dumps(value)}\n" for name, value in planted.items())
    _write(work / "secrets.toml", secrets)
    _write(work / "policy.toml", _POLICY.replace("FOLDER", str(work)))
    _write(work / "open.txt", _OPEN)
    _write(work / "all.txt", "".join(f"{name} is {value}\n" for name, value in planted.items()))


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _worker_env(work: Path, port: int) -> dict[str, str]:
    settings = {"URL": f"http://127.0.0.1:{port}", "TOKEN": TOKEN, "LOG_LEVEL": "DEBUG", "NAME": "wim"}
    settings |= {"SECRETS": str(work / "secrets.toml"), "POLICY": str(work / "policy.toml")}
    return {f"CLAWTRAIL_WORKER_{name}": value for name, value in settings.items()}


def _plant(client: Client, work: Path, names: list[str]) -> list[Result]:
    """Have each secret printed by a task, all of them read from a file, and one shown in a diff."""
    script, everything = str(ROOT / "benchmarks/planting/printing.py"), str(work / "all.txt")
    argv = [sys.executable, script, str(work / "open.txt")]
    tasks = [
        Task.make(argv=argv, env={"S": f"secret://{name}"}, stdin=f"secret://{name}", timeout=60)
        for name in names
    ]
    tasks += [
        Task({"path": everything}, "/files/read"),
        Task.file_read(everything),
        Task.file_edit(everything, "planted-0 is", "planted-0 was"),
    ]
    return [client.run_task(task) for task in tasks]


def _ask(client: Client) -> None:
    """Have people be asked about a secret, too."""
    client.submit(argv=["true"], env={"T": "secret://planted-0"})
    end = time.monotonic() + _PATIENCE_S
    while not client.questions.list().members:
        assert time.monotonic() < end, "nobody is asked"
        time.sleep(0.05)


def _masked(result: Result) -> int:
    count = result.metadata.get("masked", 0)
    return count if isinstance(count, int) else 0


def _search(report: Report, planted: Mapping[str, str], kept: Path, heard: bytes) -> None:
    """Look for every secret everywhere; what stands openly has to be found, or the search is no good."""
    places = dict(files_of(kept)) | ({"traffic": heard} if heard else {})
    openly = {place for place, data in places.items() if any(found_in(data, {"open": _OPEN.encode()}))}
    expected = {"traffic"} if heard else {"data/clawtrail.db", "data/clawtrail.db-wal"}
    if not openly & expected:
        report.faults.append(f"what stands openly is not found in {' or '.join(sorted(expected))}")
    for name, value in planted.items():
        wanted = needles(value)
        for place, data in places.items():
            report.faults += [f"{name} ({value!r}), {form}, in {place}" for form in found_in(data, wanted)]
    report.places = sorted({*report.places, *places})
    report.bytes_searched = max(report.bytes_searched, sum(map(len, places.values())))
