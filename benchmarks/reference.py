"""The bare Flask service that ours is compared with, under the same waitress."""

import argparse
import sqlite3
import threading
import uuid
from pathlib import Path

import flask
import waitress


def create_app(database: Path) -> flask.Flask:
    """Make a service that does next to nothing: /bare parses and answers, /commit also commits alone."""
    app = flask.Flask("reference")
    conn = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE IF NOT EXISTS tasks(id TEXT PRIMARY KEY, command TEXT) STRICT")
    lock = threading.Lock()

    @app.post("/bare")
    def bare() -> dict[str, object]:
        task = flask.request.get_json()
        return {"taskId": str(uuid.uuid4()), "kind": task.get("kind", "command")}

    @app.post("/commit")
    def commit() -> dict[str, object]:
        task = flask.request.get_json()
        task_id = str(uuid.uuid4())
        with lock:
            conn.execute("INSERT INTO tasks VALUES (?, ?)", (task_id, str(task)))
        return {"taskId": task_id}

    return app


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    given = parser.parse_args()
    waitress.serve(
        create_app(given.database),
        host="127.0.0.1",
        port=given.port,
        threads=given.threads,
        asyncore_use_poll=True,
        channel_request_lookahead=1,
        connection_limit=2000,
    )


if __name__ == "__main__":
    main()
