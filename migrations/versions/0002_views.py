"""The views that people ask with the plain ``sqlite3`` program, and an index for one of them.

What: ``history`` (one line for each event), ``task_list`` (one for each task), ``refusals``, ``by_actor``,
``by_day``, and ``days``, which tells from which line of the record on a day's events stand.
Why ``days``: a time has no index, since every index is paid for at each event. But ``seq`` grows with
the time, so a search by halves finds the first event of a day with some twenty looks.
Why no GROUP BY, UNION or window in the first three: with a LIMIT they must not read more than they show.

Times are UTC in ISO 8601, durations seconds. Text from outside is cut to one line of 200 characters,
without the characters by which it could steer a terminal. All that only SQLite understands stands in the
functions from ``_iso`` to ``_joined``.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DAY_MS = 86_400_000
SLACK_MS = 60_000
"""By how much two events may stand in another order than their times."""

# Event type, state before, state after. Where an event can follow several states, it tells which.
MOVES = (
    ("task.submitted", None, "pending"),
    ("task.claimed", "pending", "claimed"),
    ("task.started", "claimed", "running"),
    ("claim.released", "claimed", "pending"),
    ("task.completed", "running", "completed"),
    ("task.failed", "running", "failed"),
    ("task.cancelled", "running", "cancelled"),
    ("task.expired", "pending", "expired"),
    ("lease.expired", "running", "pending"),
    ("task.requeued", "running", "pending"),
    ("task.lost", "running", "unknown"),
)


def upgrade() -> None:
    """Make the views and the index of refusals."""
    op.execute(f"CREATE INDEX events_refused ON events (seq) WHERE {_is_refusal('')}")
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    """Drop them; no content is lost."""
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    op.execute("DROP INDEX events_refused")


def _iso(at: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {at} / 1000.0, 'unixepoch')"


def _day(at: str) -> str:
    return f"date({at} / 1000, 'unixepoch')"


def _member(json: str, name: str) -> str:
    return f"json_extract({json}, '$.{name}')"


def _now() -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


def _id_from(at: str) -> str:
    """The text from which on the ids of tasks made at *at* or later stand."""
    return f"printf('%08x-%04x', ({at}) / 65536, ({at}) % 65536)"


def _line(text: str) -> str:
    for character, shown in (("10", " "), ("13", " "), ("27", "^["), ("155", "^[")):
        text = f"replace({text}, char({character}), '{shown}')"
    return f"substr({text}, 1, 200)"


def _joined(json: str, name: str) -> str:
    return f"(SELECT group_concat(value, ' ') FROM json_each({json}, '$.{name}'))"  # noqa: S608 - our own words


def _seconds(ms: str) -> str:
    return f"round(({ms}) / 1000.0, 3)"


def _what(task: str) -> str:
    """What a task does, in one line; its kind first, since the content of a file is long to look through."""
    payload = f"{task}.payload"
    command = f"coalesce({_member(payload, 'command')}, {_joined(payload, 'argv')})"
    other = f"coalesce({_member(payload, 'path')}, {_member(payload, 'prompt')}, {payload})"
    return (
        f"CASE WHEN {payload} IS NULL THEN '(redacted)'"
        f" WHEN {task}.kind = 'command' THEN {_line(command)} ELSE {_line(other)} END"
    )


def _what_without_task() -> str:
    asked = f"{_member('e.detail', 'method')} || ' ' || {_member('e.detail', 'path')}"
    named = ", ".join(_member("e.detail", name) for name in ("name", "worker", "version"))
    return _line(f"coalesce({asked}, {named})")


def _is_refusal(table: str) -> str:
    """The condition of the index, which a query has to repeat word for word."""
    type_, detail = f"{table}type", f"{table}detail"
    return (
        f"({type_} = 'access.denied' OR {type_} = 'outcome.refused'"
        f" OR {type_} = 'task.failed' AND {_member(detail, 'reason')} = 'policy'"
        f" OR {type_} = 'verdict.given' AND {_member(detail, 'verdict')} <> 'allow')"
    )


def _case(side: int) -> str:
    words = [(move[0], move[side]) for move in MOVES if move[side] is not None]
    whens = " ".join(f"WHEN '{type_}' THEN '{state}'" for type_, state in words)
    return f"CASE e.type {whens} END"


def _ended(state: str) -> str:
    return f"count(*) FILTER (WHERE state = '{state}')"


def _happened(type_: str) -> str:
    return f"count(*) FILTER (WHERE type = '{type_}')"


HISTORY = f"""
SELECT e.seq,
       {_iso("e.at")} AS time,
       e.actor,
       e.type,
       e.task_id AS task,
       t.kind,
       CASE WHEN t.id IS NULL THEN {_what_without_task()} ELSE {_what("t")} END AS what,
       e.attempt,
       coalesce({_member("e.detail", "from_state")}, {_case(1)}) AS from_state,
       {_case(2)} AS to_state,
       {_member("e.detail", "exit_code")} AS exit_code,
       {_line(_member("e.detail", "reason"))} AS reason,
       e.detail
FROM events e LEFT JOIN tasks t ON t.id = e.task_id
"""  # noqa: S608 - every word of these queries is our own

TASK_LIST = f"""
SELECT t.id AS task,
       {_iso("t.created_at")} AS created,
       t.kind,
       {_what("t")} AS what,
       t.submitted_by,
       t.on_behalf_of,
       t.claimed_by AS worker,
       t.state,
       o.exit_code,
       {_line("t.reason")} AS reason,
       {_line("o.error")} AS error,
       t.attempt,
       {_seconds(f"coalesce(t.started_at, t.finished_at, {_now()}) - t.created_at")} AS waited_s,
       {_seconds(f"coalesce(t.finished_at, {_now()}) - t.started_at")} AS ran_s,
       {_iso("t.started_at")} AS started,
       {_iso("t.finished_at")} AS finished,
       o.stdout_bytes,
       o.stderr_bytes,
       t.tags,
       t.session_key,
       t.rerun_of
FROM tasks t LEFT JOIN outcomes o ON o.task_id = t.id AND o.attempt = t.attempt AND o.nr = 0
"""  # noqa: S608

REFUSALS = f"""
SELECT e.seq,
       {_iso("e.at")} AS time,
       CASE e.type WHEN 'access.denied' THEN 'access' WHEN 'outcome.refused' THEN 'outcome' ELSE 'task' END
           AS refused,
       e.actor,
       CASE WHEN t.id IS NULL THEN {_what_without_task()} ELSE {_what("t")} END AS what,
       CASE e.type WHEN 'access.denied' THEN 'status ' || {_member("e.detail", "status")}
                   WHEN 'outcome.refused' THEN 'the lease was over'
                   WHEN 'verdict.given'
                   THEN {_member("e.detail", "verdict")} || ': ' || {_line(_member("e.detail", "rule"))}
                   ELSE coalesce({_line("o.error")}, 'policy') END AS why,
       e.task_id AS task,
       t.submitted_by,
       e.type
FROM events e
     LEFT JOIN tasks t ON t.id = e.task_id
     LEFT JOIN outcomes o ON o.task_id = e.task_id AND o.attempt = e.attempt AND o.nr = 0
WHERE {_is_refusal("e.")}
  AND NOT (e.type = 'task.failed' AND EXISTS (
        SELECT 1 FROM events v
        WHERE v.task_id = e.task_id AND v.attempt = e.attempt AND v.type = 'verdict.given'))
"""  # noqa: S608

BY_ACTOR = f"""
SELECT did.actor,
       did.events,
       coalesce(asked.tasks, 0) AS submitted,
       coalesce(asked.completed, 0) AS completed,
       coalesce(asked.failed, 0) AS failed,
       coalesce(asked.otherwise, 0) AS ended_otherwise,
       coalesce(asked.unfinished, 0) AS unfinished,
       coalesce(worked.tasks, 0) AS ran,
       coalesce(worked.seconds, 0.0) AS ran_s,
       {_iso("did.first_at")} AS first,
       {_iso("did.last_at")} AS last
FROM (SELECT actor, count(*) AS events, min(at) AS first_at, max(at) AS last_at
      FROM events GROUP BY actor) did
     LEFT JOIN (SELECT submitted_by, count(*) AS tasks,
                       {_ended("completed")} AS completed,
                       {_ended("failed")} AS failed,
                       count(*) FILTER (WHERE finished_at IS NULL) AS unfinished,
                       count(*) FILTER (WHERE finished_at IS NOT NULL AND state <> 'completed'
                                        AND state <> 'failed') AS otherwise
                FROM tasks GROUP BY submitted_by) asked ON asked.submitted_by = did.actor
     LEFT JOIN (SELECT claimed_by, count(*) AS tasks,
                       {_seconds("sum(finished_at - started_at)")} AS seconds
                FROM tasks WHERE started_at IS NOT NULL
                GROUP BY claimed_by) worked ON 'worker:' || worked.claimed_by = did.actor
"""  # noqa: S608

BY_DAY = f"""
SELECT {_day(f"day * {DAY_MS}")} AS day,
       events, submitted, started, completed, failed, cancelled, expired, unknown, denied
FROM (SELECT at / {DAY_MS} AS day,
             count(*) AS events,
             {_happened("task.submitted")} AS submitted,
             {_happened("task.started")} AS started,
             {_happened("task.completed")} AS completed,
             {_happened("task.failed")} AS failed,
             {_happened("task.cancelled")} AS cancelled,
             {_happened("task.expired")} AS expired,
             {_happened("task.lost")} AS unknown,
             {_happened("access.denied")} AS denied
      FROM events GROUP BY at / {DAY_MS}) counted
"""  # noqa: S608

DAYS = f"""
WITH RECURSIVE
  ends(first_at, last_at, past) AS (
    SELECT (SELECT at FROM events WHERE seq = (SELECT min(seq) FROM events)),
           (SELECT at FROM events WHERE seq = (SELECT max(seq) FROM events)),
           (SELECT max(seq) + 1 FROM events)),
  begins(at) AS (
    SELECT first_at - first_at % {DAY_MS} FROM ends WHERE first_at IS NOT NULL
    UNION ALL
    SELECT at + {DAY_MS} FROM begins WHERE at + {DAY_MS} <= (SELECT last_at FROM ends))
SELECT {_day("b.at")} AS day,
       (WITH RECURSIVE halves(low, high) AS (
          SELECT 0, (SELECT past FROM ends)
          UNION ALL
          SELECT CASE WHEN e.at < b.at - {SLACK_MS} THEN e.seq + 1 ELSE h.low END,
                 CASE WHEN e.at < b.at - {SLACK_MS} THEN h.high ELSE e.seq END
          FROM halves h CROSS JOIN events e ON e.seq = (h.low + h.high) / 2
          WHERE h.low < h.high)
        SELECT low FROM halves WHERE low = high) AS first_seq,
       {_id_from("b.at")} AS first_task
FROM begins b
"""  # noqa: S608

VIEWS = {
    "history": HISTORY,
    "task_list": TASK_LIST,
    "refusals": REFUSALS,
    "by_actor": BY_ACTOR,
    "by_day": BY_DAY,
    "days": DAYS,
}
