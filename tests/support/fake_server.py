"""A stand-in for the service, for tests of the worker: a real HTTP server that speaks the wire contract."""

import base64
import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any, Self

from tests.support.fake_http import Alive, Answer, Json, Listener
from tests.support.fake_task import FakeTask

TOKEN = "wim-token-0123456789"


Meddle = Callable[[str, Json], Answer | None]


class FakeServer:
    """Listens on a free port of loopback. All fields are guarded by ``changed``.

    *before* may answer a request instead of the service, which then never sees it; *after* may replace
    the answer of a request that was served, as when a connection breaks on the way back. *strange* stands in
    each right answer, beside what belongs there.
    """

    def __init__(self, *, lease_ms: int = 60000, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.changed = threading.Condition()
        self.lease_ms = lease_ms
        self.token = TOKEN
        self.drain = False
        self.tasks: dict[str, FakeTask] = {}
        self.requests: list[tuple[str, Json]] = []
        self.questions: dict[str, Json] = {}
        self.replies: list[Json] = []
        self.most_offered = 0
        self.strange: Json = {}
        self.before: Meddle = lambda _path, _body: None
        self.after: Meddle = lambda _path, _body: None
        self._numbers = itertools.count(1)
        self._newest: dict[str, int] = {}
        self._offers: dict[int, int] = {}
        self._closed = False
        self._http = Listener(port, self._answer, tls)
        self.port = self._http.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; parked syncs are cut off."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()
        self._http.shutdown()
        self._http.server_close()
        self._http.cut_all()
        self._thread.join()

    @property
    def parked(self) -> int:
        """How many syncs are held at the moment."""
        return len(self._offers)

    @property
    def offered(self) -> int:
        """How many tasks the held syncs would take at the moment."""
        return sum(self._offers.values())

    @property
    def connections(self) -> int:
        """How many connections were ever made."""
        return self._http.connections

    def submit(self, kind: str = "command", *, timeout: int = 30000, **payload: Any) -> FakeTask:  # noqa: ANN401
        """Add a task for whoever asks next; ``callback_token`` in *payload* comes beside it."""
        with self.changed:
            token = payload.pop("callback_token", None)
            task = FakeTask(f"task-{token_hex(4)}", kind, payload, timeout, callback_token=token)
            self.tasks[task.id] = task
            self.changed.notify_all()
            return task

    def cancel(self, task: FakeTask) -> None:
        """Ask for the end of *task*."""
        with self.changed:
            task.cancel = True
            self.changed.notify_all()

    def approve(self, task: FakeTask) -> None:
        """Say yes to what was asked last about *task*."""
        with self.changed:
            digest = task.verdicts[-1]["digest"]
            task.approval = {"id": "a-1", "digest": digest, "by": "approver:ann", "at": 1}
            task.state = "pending"
            self.changed.notify_all()

    def refuse(self, task: FakeTask, comment: str) -> None:
        """Say no to what was asked about *task*."""
        with self.changed:
            task.state, task.refusal = "denied", comment
            self.changed.notify_all()

    def reply(self, question: str, decision: str, comment: str | None) -> None:
        """Answer a question of a run."""
        with self.changed:
            self.replies.append({"approval": question, "decision": decision, "comment": comment})
            self.changed.notify_all()

    def lose(self, task: FakeTask) -> None:
        """End the lease of *task* at once."""
        with self.changed:
            task.state, task.lease_until = "unknown", 0.0
            self.changed.notify_all()

    def until(self, true: Callable[[], object], *, within: float = 40.0) -> None:
        """Wait until *true*, looked at after each request and each change. Raises ``TimeoutError``."""
        with self.changed:
            if not self.changed.wait_for(true, within):
                last = [(path, list(body)) for path, body in self.requests[-5:]]
                raise TimeoutError(f"not within {within} s; the last requests: {last}")

    def ended(self, task: FakeTask, *, within: float = 40.0) -> Json:
        """Wait for the result of *task* and give it. Raises ``TimeoutError``."""
        self.until(lambda: task.results, within=within)
        return task.result

    def told(self, path: str) -> list[Json]:
        """List the bodies of all requests to *path*, oldest first."""
        return [body for asked, body in self.requests if asked == path]

    def items(self, kind: str | None = None) -> list[Json]:
        """List all items that were reported, or those of one type."""
        items = [item for body in self.told("/worker/report") for item in body["items"]]
        return [item for item in items if kind in {None, item["type"]}]

    def _answer(self, path: str, authorization: str, body: Json, alive: Alive) -> Answer:
        answer = self.before(path, body)
        if answer is None and authorization != f"Bearer {self.token}":
            answer = Answer(401, b'{"error":"Unauthorized","code":"unauthorized"}')
        with self.changed:
            self.requests.append((path, body))
            self.changed.notify_all()
        if answer is not None:
            return answer
        said = self._sync(body, alive) if path == "/worker/sync" else self._report(body)
        return self.after(path, body) or Answer(200, json.dumps(self.strange | said).encode())

    def _sync(self, body: Json, alive: Alive) -> Json:
        with self.changed:
            number = next(self._numbers)
            self._newest[body["session"]] = number
            self._offers[number] = body["free"]
            self._renew(body)
            told = set(body.get("cancelling", []))
            self.changed.notify_all()
            lost = [lease for lease in body["leases"] if not self._is_held(lease)]
            drain = self.drain
            until = time.monotonic() + body["wait"] / 1000
            claims: list[Json] = []
            while not self._closed:
                self._note_offers()
                lost += [task.lease for task in self._given_up() if task.lease in body["leases"]]
                cancel = {task.id for task in self._held() if task.cancel}
                if self._newest[body["session"]] != number:
                    break
                claims = self._claim(body["free"]) if alive() else []
                fresh = {one["approval"] for one in self.replies} - set(body.get("heard", []))
                ended = self._ended(body.get("awaiting", []))
                if claims or lost or fresh or ended or cancel - told or self.drain != drain:
                    break
                self.changed.wait(min(max(0.0, until - time.monotonic()), self._next_expiry()))
                if time.monotonic() >= until:
                    break
            del self._offers[number]
            return {
                "tasks": claims,
                "cancel": [task.id for task in self._held() if task.cancel],
                "lost": lost,
                "drain": self.drain,
                "now": int(time.time() * 1000),
                "leaseMs": self.lease_ms,
                "startMs": 15000,
                "answers": list(self.replies),
                "ended": self._ended(body.get("awaiting", [])),
                **({"superseded": True} if self._newest[body["session"]] != number else {}),
            }

    def _report(self, body: Json) -> Json:
        with self.changed:
            results = [self._take_news(item) or self._take(item) for item in body["items"]]
            claims = self._claim(body.get("free", 0))
            cancel = [task.id for task in self._held() if task.cancel]
            self.changed.notify_all()
            return {"results": results, "tasks": claims, "cancel": cancel}

    def _take_news(self, item: Json) -> Json | None:
        if item["type"] != "question":
            return {"ok": True} if item["type"] in {"recent", "tool_used", "callback"} else None
        name = f"q-{len(self.questions)}"
        self.questions[name] = {**item, "approval": name}
        return {"ok": True, "approval": name}

    def _take(self, item: Json) -> Json:
        task = next((task for task in self.tasks.values() if task.lease == item["lease"]), None)
        if task is None:
            return {"ok": False, "code": "lease_lost", "kept": True}
        if item["type"] == "output":
            task.outputs[item["stream"]][item["offset"]] = base64.b64decode(item["data"], validate=True)
            return {"ok": True}
        if item["type"] in {"result", "verdict"}:
            return self._end(task, item) if item["type"] == "result" else self._hear_verdict(task, item)
        if task.cancel:
            task.state = "cancelled"
            return {"ok": False, "code": "cancelled"}
        if not self._is_held(task.lease):
            return {"ok": False, "code": "lease_lost"}
        task.state = "running"
        return {"ok": True, "leaseExpiresAt": int(time.time() * 1000) + self.lease_ms}

    def _hear_verdict(self, task: FakeTask, item: Json) -> Json:
        if not self._is_held(task.lease):
            return {"ok": False, "code": "lease_lost"}
        task.verdicts.append(item)
        if item["verdict"] == "ask" and (task.approval or {}).get("digest") != item["digest"]:
            task.state = "awaiting_approval"
        return {"ok": True}

    def _end(self, task: FakeTask, item: Json) -> Json:
        if task.state == "claimed" and item["reason"] not in {"policy", "failed", "cancelled"}:
            return {"ok": False, "code": "illegal_transition"}
        task.results.append(item)
        held, task.state = self._is_held(task.lease), "finished"
        return {"ok": True} if held else {"ok": False, "code": "lease_lost", "kept": True}

    def _claim(self, free: int) -> list[Json]:
        claims = []
        for task in [task for task in self.tasks.values() if task.state == "pending"][:free]:
            task.state, task.attempt = "claimed", task.attempt + 1
            task.lease = f"lease-{task.id}-{task.attempt}-{next(self._numbers)}"
            task.lease_until = time.monotonic() + self.lease_ms / 1000
            claims.append(
                {
                    "taskId": task.id,
                    "attempt": task.attempt,
                    "lease": task.lease,
                    "kind": task.kind,
                    "payload": task.payload,
                    "timeout": task.timeout,
                    "leaseExpiresAt": int(time.time() * 1000) + self.lease_ms,
                    "submittedBy": "client:ada",
                    "createdAt": int(time.time() * 1000),
                    **({"approval": task.approval} if task.approval else {}),
                    **({"callbackToken": task.callback_token} if task.callback_token else {}),
                }
            )
        return claims

    def _ended(self, awaited: list[str]) -> list[Json]:
        refused = [task for task in self.tasks.values() if task.id in awaited and task.state == "denied"]
        return [{"taskId": task.id, "state": "denied", "reason": task.refusal} for task in refused]

    def _renew(self, body: Json) -> None:
        for task in self._held():
            if task.lease in body["leases"] and self._is_held(task.lease):
                task.lease_until = time.monotonic() + self.lease_ms / 1000
            elif task.state == "claimed" and body["inFlight"] == 0:
                task.state, task.attempt, task.lease = "pending", task.attempt - 1, ""

    def _held(self) -> list[FakeTask]:
        return [task for task in self.tasks.values() if task.state in {"claimed", "running"}]

    def _given_up(self) -> list[FakeTask]:
        return [
            task
            for task in self.tasks.values()
            if task.state in {"claimed", "running", "unknown"} and not self._is_held(task.lease)
        ]

    def _is_held(self, lease: str) -> bool:
        return any(task.lease == lease and time.monotonic() < task.lease_until for task in self._held())

    def _next_expiry(self) -> float:
        times = [task.lease_until - time.monotonic() for task in self._held() if task.lease_until]
        return max(0.01, min(times, default=60.0))

    def _note_offers(self) -> None:
        offered = sum(self._offers.values()) + len(self._held())
        self.most_offered = max(self.most_offered, offered)
