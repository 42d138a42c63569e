"""Putting the service together from its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from flask import Flask, request
from flask_limiter import Limiter
from sqlalchemy import Connection, Engine

from app.api import (
    documents,
    errors,
    events,
    files,
    health,
    old_worker,
    tasks,
    worker,
    workers,
)
from app.api.access_log import AccessLog
from app.api.routing import Routes, all_endpoints
from app.api.service import Service, now_ms
from app.api.tokens import TokenBook, token_of
from app.backlog import Backlog
from app.domain.event_types import EventType
from app.janitor import Janitor
from app.services import access, lookup, record, recovery
from app.storage import engine, migrating
from app.storage.readers import Readers
from app.storage.writer import Writer
from app.waiting import Doorway, WaitingRoom
from app.waking import waker
from config.server import ServerSettings

SUBJECTS: tuple[Routes, ...] = (
    tasks.routes,
    files.routes,
    events.routes,
    worker.routes,
    old_worker.routes,
    workers.routes,
    health.routes,
    documents.routes,
)
READERS = 8


FAILURES = "clawtrail.failures"
"""The key in ``app.extensions`` of the calls to make when a commit failed: the process should end."""


def create_app(settings: ServerSettings, *, clock: Callable[[], int] = now_ms) -> Flask:
    """Return the Task API as a Flask application, its database locked, migrated and opened.

    When a commit fails, nothing can be trusted but the disk: the calls in
    ``app.extensions[FAILURES]`` are made once. Raises ``DatabaseInUse``, ``UnsupportedDatabase``,
    ``SchemaFromTheFuture``. ``close_app`` gives everything back.
    """
    path = engine.sqlite_path(settings.url)
    engine.prepare(path)
    lock = engine.lock(path)
    writing = engine.writing_engine(path)
    migrating.upgrade(writing)
    room, backlog = WaitingRoom(), Backlog()
    failures: list[Callable[[], None]] = []
    writer = Writer(writing, committed=waker(room, backlog), failed=lambda: [call() for call in failures])
    reader = Readers(engine.reading_engine(path, connections=READERS), connections=READERS)
    writer.perform(lambda conn: _begin(conn, clock()))
    _count(reader, backlog)
    service = Service(
        settings=settings,
        writer=writer,
        reader=reader,
        room=room,
        doorway=Doorway(settings.max_waiting),
        backlog=backlog,
        tokens=TokenBook(_token_loader(reader, clock), settings.shared_token),
        clock=clock,
    )
    janitor = Janitor(
        writer=writer,
        reader=reader,
        room=room,
        backlog=backlog,
        refresh_tokens=service.tokens.refresh,
        clock=clock,
        database=path,
    )
    app = _flask(service)
    app.extensions["clawtrail"] = service
    app.extensions[FAILURES] = failures
    app.extensions["clawtrail.janitor"] = janitor
    app.extensions["clawtrail.close"] = _closer(service, janitor, writing, lock)
    janitor.start()
    return app


def close_app(app: Flask) -> None:
    """Answer all who wait, commit what is in hand, say so on the record, and let go of the database."""
    app.extensions["clawtrail.close"]()


def _flask(service: Service) -> Flask:
    app = Flask("clawtrail", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = service.settings.max_body_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    documents.describe(all_endpoints(SUBJECTS))
    app.wsgi_app = AccessLog(app.wsgi_app, service)  # type: ignore[method-assign]
    errors.register(app)
    limit = _limiter(app, service.settings.rate_limit)
    for routes in SUBJECTS:
        app.register_blueprint(routes.blueprint(service, limit))
    return app


def _limiter(app: Flask, rate: str) -> Callable[..., Callable[..., object]]:
    if not rate:
        return lambda view: view
    limiter = Limiter(_source, app=app, storage_uri="memory://", strategy="fixed-window")
    return limiter.shared_limit(rate, scope="submissions")


def _source() -> str:
    return access.token_hash(token_of(request.headers.get("Authorization")) or "").hex()


def _begin(conn: Connection, now: int) -> None:
    record.append(conn, EventType.SERVER_STARTED, at=now, actor="system:server", version=health.VERSION)
    recovery.give_time(conn, now=now)


def _count(reader: Readers, backlog: Backlog) -> None:
    with reader.connect() as conn:
        pending, unfinished = lookup.count_pending(conn), lookup.count_unfinished(conn)
        finished = lookup.count_finished(conn)
    backlog.set(pending=pending, held=unfinished - pending, finished=finished)


def _token_loader(
    reader: Readers, clock: Callable[[], int]
) -> Callable[[], tuple[tuple[int, int], list[access.KnownToken]]]:
    def load() -> tuple[tuple[int, int], list[access.KnownToken]]:
        with reader.connect() as conn:
            return access.version(conn), access.load(conn, now=clock())

    return load


def _closer(service: Service, janitor: Janitor, writing: Engine, lock: IO[str]) -> Callable[[], None]:
    def close() -> None:
        service.room.close()
        janitor.stop()
        service.writer.farewell(
            lambda conn: record.append(
                conn, EventType.SERVER_STOPPED, at=service.clock(), actor="system:server"
            ),
        )
        service.reader.dispose()
        writing.dispose()
        lock.close()

    return close
