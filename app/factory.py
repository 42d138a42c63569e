"""Putting the service together from its settings."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from flask import Flask, Response, request
from flask_limiter import Limiter, RateLimitExceeded
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from app.api import (
    agents,
    approvals,
    documents,
    errors,
    events,
    files,
    health,
    log,
    mcp,
    notifications,
    old_worker,
    receipts,
    schedules,
    tasks,
    worker,
    workers,
)
from app.api.access_log import AccessLog
from app.api.routing import Routes, all_endpoints
from app.api.service import Service, now_ms
from app.api.tokens import TokenBook, token_of
from app.auditing.background import BackgroundCheck
from app.auditing.faults import Fault
from app.backlog import Backlog
from app.domain.event_types import EventType
from app.janitor import Janitor
from app.scheduling import Scheduling
from app.services import access, checkpoints, lookup, record, recovery
from app.signing import Signing
from app.storage import engine, key_file, migrating, sealing
from app.storage.readers import Readers
from app.storage.writer import Writer
from app.waiting import Doorway, WaitingRoom
from app.waking import waker
from clawtrail.formats.notes import Signer
from config.server import ServerSettings

SUBJECTS: tuple[Routes, ...] = (
    tasks.routes,
    files.routes,
    agents.routes,
    mcp.routes,
    schedules.routes,
    notifications.routes,
    events.routes,
    receipts.routes,
    log.routes,
    approvals.routes,
    worker.routes,
    old_worker.routes,
    workers.routes,
    health.routes,
    documents.routes,
)
READERS = 8

_log = logging.getLogger("clawtrail.server")


FAILURES = "clawtrail.failures"
"""The key in ``app.extensions`` of the calls to make when a commit failed: the process should end."""


def create_app(settings: ServerSettings, *, clock: Callable[[], int] = now_ms) -> Flask:
    """Return the Task API as a Flask application, its database locked, migrated and opened.

    When a commit fails, nothing can be trusted but the disk: the calls in
    ``app.extensions[FAILURES]`` are made once. Raises ``DatabaseInUse``, ``UnsupportedDatabase``,
    ``SchemaFromTheFuture``, ``KeyUnusable``, ``RecordContradicted``. ``close_app`` gives everything back.
    """
    path = engine.sqlite_path(settings.url)
    engine.prepare(path)
    with ExitStack() as opened:
        lock = opened.enter_context(engine.lock(path))
        writing = engine.writing_engine(path)
        opened.callback(writing.dispose)
        app = _put_together(settings, clock, path, lock, writing)
        opened.pop_all()
    return app


def close_app(app: Flask) -> None:
    """Answer all who wait, commit what is in hand, say so on the record, sign it, let go of the database."""
    app.extensions["clawtrail.close"]()


def _put_together(
    settings: ServerSettings, clock: Callable[[], int], path: Path, lock: IO[str], writing: Engine
) -> Flask:
    migrating.upgrade(writing)
    signer = key_file.ensure(key_file.key_path(path), origin=settings.log_origin)
    room, backlog = WaitingRoom(), Backlog()
    failed = threading.Event()
    failures: list[Callable[[], None]] = [failed.set]
    writer = Writer(writing, committed=waker(room, backlog), failed=lambda: [call() for call in failures])
    reader = Readers(engine.reading_engine(path, connections=READERS), connections=READERS)
    accept = settings.accept_contradiction
    writer.perform(lambda conn: _begin(conn, signer, accept=accept, now=clock()))
    _count(reader, backlog)
    signing = Signing(signer=signer, writer=writer, reader=reader, clock=clock)
    audit = BackgroundCheck(
        path,
        every_ms=settings.audit_every_ms,
        started_at=clock(),
        tell=lambda fault: _say_failed(writer, fault, now=clock()),
    )
    service = Service(
        settings=settings,
        writer=writer,
        reader=reader,
        room=room,
        doorway=Doorway(settings.max_waiting),
        backlog=backlog,
        tokens=TokenBook(_token_loader(reader, clock), settings.shared_token),
        signing=signing,
        audit=audit,
        sealer=sealing.ensure(sealing.key_path(path)),
        clock=clock,
    )
    janitor = _janitor(service, path)
    app = _flask(service)
    app.extensions["clawtrail"] = service
    app.extensions[FAILURES] = failures
    app.extensions["clawtrail.janitor"] = janitor
    app.extensions["clawtrail.close"] = _closer(service, janitor, writing, lock, failed)
    janitor.start()
    return app


def _janitor(service: Service, database: Path) -> Janitor:
    return Janitor(
        writer=service.writer,
        reader=service.reader,
        room=service.room,
        backlog=service.backlog,
        refresh_tokens=service.tokens.refresh,
        fire=Scheduling(writer=service.writer, reader=service.reader, house=service.house).fire,
        sign=service.signing.keep_up,
        check=service.audit.look,
        clock=service.clock,
        database=database,
    )


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

    def later(error: Exception) -> Response:
        response = errors.present(error)
        reached = limiter.current_limit
        if reached is not None:
            response.headers["Retry-After"] = str(max(1, math.ceil(reached.reset_at - time.time())))
        return response

    app.register_error_handler(RateLimitExceeded, later)
    return limiter.shared_limit(rate, scope="submissions")


def _source() -> str:
    return access.token_hash(token_of(request.headers.get("Authorization")) or "").hex()


def _begin(conn: Connection, signer: Signer, *, accept: bool, now: int) -> None:
    checkpoints.check(conn, signer, accept=accept, now=now)
    record.append(conn, EventType.SERVER_STARTED, at=now, actor="system:server", version=health.VERSION)
    recovery.give_time(conn, now=now)


def _say_failed(writer: Writer, fault: Fault, *, now: int) -> None:
    writer.perform(
        lambda conn: record.append(
            conn,
            EventType.AUDIT_FAILED,
            at=now,
            actor="system:janitor",
            seq=fault.seq,
            task=fault.task_id,
            what=fault.what,
        )
    )


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


def _sign_last(service: Service, writing: Engine) -> None:
    """Sign the record at its very end; without that, the next start does."""
    try:
        with writing.connect() as conn, conn.begin():
            service.signing.sign_last(conn)
    except (DBAPIError, writing.dialect.loaded_dbapi.Error):
        _log.warning("the last checkpoint could not be kept", exc_info=True)


def _closer(
    service: Service, janitor: Janitor, writing: Engine, lock: IO[str], failed: threading.Event
) -> Callable[[], None]:
    def close() -> None:
        service.room.close()
        janitor.stop()
        service.audit.stop()
        service.writer.farewell(
            lambda conn: record.append(
                conn, EventType.SERVER_STOPPED, at=service.clock(), actor="system:server"
            ),
        )
        if not failed.is_set():  # after a failed commit nothing more is written
            _sign_last(service, writing)
        service.reader.dispose()
        writing.dispose()
        lock.close()

    return close
