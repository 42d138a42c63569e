"""The tables as the code sees them; the migrations own the truth and a test holds the two together."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Row, Table, Text

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of any query; its columns are named by the query."""

metadata = MetaData()
BIG = BigInteger().with_variant(Integer(), "sqlite")

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("payload", Text),
    Column("payload_salt", LargeBinary),
    Column("payload_digest", LargeBinary, nullable=False),
    Column("effect", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("labels", Text),
    Column("tags", Text),
    Column("session_key", Text),
    Column("submitted_by", Text, nullable=False),
    Column("on_behalf_of", Text),
    Column("rerun_of", Text),
    Column("idempotency_key", Text),
    Column("idempotency_digest", LargeBinary),
    Column("timeout_ms", BIG, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("not_before_at", BIG),
    Column("expires_at", BIG),
    Column("claimed_by", Text),
    Column("lease_hash", LargeBinary),
    Column("lease_expires_at", BIG),
    Column("cancel_requested_at", BIG),
    Column("created_at", BIG, nullable=False),
    Column("claimed_at", BIG),
    Column("started_at", BIG),
    Column("finished_at", BIG),
    Column("approval_id", Text),
    Column("pinned_to", Text),
    Column("signature", Text),
    Column("signature_digest", LargeBinary),
    sqlite_strict=True,
)

events = Table(
    "events",
    metadata,
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("at", BIG, nullable=False),
    Column("type", Text, nullable=False),
    Column("task_id", Text),
    Column("attempt", Integer),
    Column("actor", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    sqlite_strict=True,
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("nr", Integer, primary_key=True),
    Column("accepted", Integer, nullable=False),
    Column("exit_code", BIG, nullable=False),
    Column("reason", Text),
    Column("error", Text),
    Column("duration_ms", BIG),
    Column("metadata", Text),
    Column("stdout_bytes", BIG, nullable=False),
    Column("stderr_bytes", BIG, nullable=False),
    Column("stdout_digest", LargeBinary),
    Column("stderr_digest", LargeBinary),
    Column("truncated", Integer, nullable=False),
    Column("lease_hash", LargeBinary),
    Column("salt", LargeBinary),
    Column("digest", LargeBinary, nullable=False),
    Column("reported_at", BIG, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

output = Table(
    "output",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("offset", BIG, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("at", BIG, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

tiles = Table(
    "tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("nr", BIG, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BIG, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", BIG, nullable=False),
    sqlite_strict=True,
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("task_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker_id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("policy_hash", Text, nullable=False),
    Column("describe", Text),
    Column("describe_salt", LargeBinary),
    Column("describe_digest", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_at", BIG, nullable=False),
    Column("expires_at", BIG, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", BIG),
    Column("comment", Text),
    Column("used_at", BIG),
    Column("signature", Text),
    Column("signature_digest", LargeBinary),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

redactions = Table(
    "redactions",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("content", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("redacted_at", BIG, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("expires_at", BIG),
    Column("revoked_at", BIG),
    Column("max_cost_micros", BIG),
    sqlite_strict=True,
)

callback_tokens = Table(
    "callback_tokens",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BIG, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

recent_sessions = Table(
    "recent_sessions",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("cli", Text, primary_key=True),
    Column("sessions", Text, nullable=False),
    Column("told_at", BIG, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("paused_why", Text),
    Column("cron", Text, nullable=False),
    Column("tz", Text, nullable=False),
    Column("misfire", Text, nullable=False),
    Column("overlap", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text),
    Column("payload_salt", LargeBinary),
    Column("payload_digest", LargeBinary, nullable=False),
    Column("timeout_ms", BIG, nullable=False),
    Column("effect", Text),
    Column("priority", Integer, nullable=False),
    Column("labels", Text),
    Column("tags", Text),
    Column("session_key", Text),
    Column("max_attempts", Integer),
    Column("ttl_ms", BIG),
    Column("created_by", Text, nullable=False),
    Column("created_at", BIG, nullable=False),
    Column("next_at", BIG),
    Column("last_at", BIG),
    Column("last_task_id", Text),
    sqlite_strict=True,
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("version", Text),
    Column("policy_hash", Text),
    Column("free", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_seen_at", BIG, nullable=False),
    Column("last_seen_at", BIG, nullable=False),
    Column("sandboxes", Text),
    sqlite_strict=True,
)
