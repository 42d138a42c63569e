"""Clients that submit without pause and repeat, under the same key, whatever was not answered."""

import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks.crash import marking

EFFECTS = ("mutating", "mutating", "idempotent")
UNANSWERED = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass
class Acknowledged:
    """What clients were told: the task of each token, and results that were seen.

    *lock* guards all; the clients write, the check reads when they have stopped.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    tasks: dict[str, str] = field(default_factory=dict)
    effects: dict[str, str] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    faults: list[str] = field(default_factory=list)


class Client(threading.Thread):
    """One client with one connection; `stop` ends it after the task in hand is acknowledged."""

    def __init__(
        self, name: str, *, url: str, headers: dict[str, str], marks: Path, told: Acknowledged, seed: int
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._url = url
        self._headers = headers
        self._marks = marks
        self._told = told
        self._dice = random.Random(seed)
        self._session = requests.Session()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Submit nothing new from now on."""
        self._stopping.set()

    def run(self) -> None:
        """Submit one task after the other, now and then one twice on purpose."""
        number = 0
        while not self._stopping.is_set():
            number += 1
            token = f"{self.name}-{number}"
            effect = self._dice.choice(EFFECTS)
            argv = marking.command(self._marks, token, self._dice.choice((0, 0.02, 0.3)))
            body = {"argv": argv, "effect": effect, "timeout": 20_000}
            wait = self._dice.choice(("", "?wait=2000"))
            self._submit(token, body, wait)
            if self._dice.random() < 0.1:
                self._submit(token, body, "")
            self._stopping.wait(self._dice.uniform(0, 0.05))

    def _submit(self, token: str, body: dict[str, object], wait: str) -> None:
        """Send *body* until it is acknowledged, and note what was said."""
        headers = {**self._headers, "Idempotency-Key": token}
        while True:
            try:
                answer = self._session.post(
                    f"{self._url}/tasks{wait}", json=body, headers=headers, timeout=10
                )
            except UNANSWERED:
                self._again()
                continue
            if answer.status_code == 200:
                self._note(token, str(body["effect"]), answer.json())
                return
            if answer.status_code not in {429, 500, 502, 503, 504}:
                self._told.faults.append(f"{token} was answered {answer.status_code}: {answer.text[:200]}")
                return
            if answer.status_code == 500:
                self._told.faults.append(f"{token} was answered 500: {answer.text[:200]}")
            self._again()

    def _again(self) -> None:
        with self._told.lock:
            self._told.repeats += 1
        # Not on the stop event: what is in hand is repeated until it is acknowledged.
        threading.Event().wait(self._dice.uniform(0.02, 0.1))

    def _note(self, token: str, effect: str, said: dict[str, object]) -> None:
        task_id = str(said["taskId"])
        with self._told.lock:
            before = self._told.tasks.setdefault(token, task_id)
            self._told.effects[token] = effect
            if before != task_id:
                self._told.faults.append(f"{token} was acknowledged as {before}, then as {task_id}")
            if isinstance(code := said.get("exitCode"), int):
                self._told.exit_codes[token] = code
