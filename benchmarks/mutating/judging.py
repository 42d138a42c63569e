"""What became of one alteration: found by `verify`, by a witness only, or by nobody, and then why."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from app.auditing import verifying
from app.auditing.untold import GAPS, UNTOLD
from app.auditing.vouching import Claim
from app.storage import engine, key_file
from benchmarks.mutating import attacks, cells
from benchmarks.mutating.cells import TABLES, Change
from benchmarks.mutating.past import Past
from clawtrail.formats.checkpoints import open_checkpoint
from clawtrail.formats.notes import Signer, Verifier

BY_VERIFY, BY_WITNESS, UNSEEN, DEFECT = "by verify", "by a witness only", "by nobody", "not, and should be"
OUTPUT_GAP, CHECKPOINT_GAP = GAPS


class Bench:
    """One past, altered again and again in a copy; rows of *other*, a strange past, are brought into it."""

    def __init__(self, past: Past, other: sqlite3.Connection, folder: Path) -> None:
        self.past = past
        self.signer = key_file.load(key_file.key_path(past.database))
        kept = open_checkpoint(past.note, self.signer.verifier)
        self._claim = Claim(kept.size, kept.root, "the note that somebody kept")
        self._path = folder / "altered.db"
        self._other = other
        with sqlite3.connect(past.database) as conn:
            query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
            self._triggers: list[tuple[str, str]] = conn.execute(query).fetchall()
            self._columns = {table: cells.columns(conn, table) for table in TABLES}
            # Of these runs the record holds a digest of the output.
            self._vouched = set(conn.execute("SELECT task_id, attempt FROM outcomes WHERE nr = 0"))
        conn.close()

    def alter(self, chance: random.Random) -> tuple[Change, str, str]:
        """Alter a fresh copy; return what was done, what became of it, and what verify said or why not."""
        change, verifier = self._altered(chance)
        while change is None:
            change, verifier = self._altered(chance)
        return (change, *self._judge(change, verifier))

    def _altered(self, chance: random.Random) -> tuple[Change | None, Verifier]:
        way = chance.random()
        if way < 0.02:
            return self._replace_files(chance)
        if way < 0.12:
            attack = chance.choice(attacks.IN_PLACE)
            keep = attack is not attacks.drop_trigger
            change = self._in_copy(lambda conn: attack(conn, chance, self.signer), keep=keep)
        else:
            change = self._in_copy(lambda conn: self._small(conn, chance, way))
        return change, self.signer.verifier

    def _small(self, conn: sqlite3.Connection, chance: random.Random, way: float) -> Change | None:
        table = chance.choice(TABLES)
        if way < 0.72:
            every = [(table, column) for table in TABLES for column in self._columns[table]]
            return cells.edit(conn, chance, *chance.choice(every))
        if way < 0.79:
            return cells.delete(conn, chance, table)
        if way < 0.86:
            return cells.copy(conn, chance, table)
        if way < 0.93:
            return cells.bring(conn, chance, table, self._other)
        return cells.swap(conn, chance, table)

    def _in_copy(
        self, act: Callable[[sqlite3.Connection], Change | None], *, keep: bool = True
    ) -> Change | None:
        """Alter a copy with the triggers and checks out of the way, and put the triggers back (*keep*)."""
        shutil.copy(self.past.database, self._path)
        conn = sqlite3.connect(self._path, isolation_level=None)
        try:
            conn.execute("PRAGMA journal_mode = OFF")
            conn.execute("PRAGMA synchronous = OFF")
            conn.execute("PRAGMA ignore_check_constraints = ON")
            for name, _sql in self._triggers if keep else ():
                conn.execute(f"DROP TRIGGER {name}")
            change = act(conn)
            for _name, sql in self._triggers if keep else ():
                conn.execute(sql)
        except (sqlite3.IntegrityError, sqlite3.OperationalError):
            # A key that is there already, a type that STRICT refuses, no JSON where an index reads it.
            return None
        finally:
            conn.close()
        return change

    def _replace_files(self, chance: random.Random) -> tuple[Change, Verifier]:
        way = chance.randrange(3)
        if way == 0:
            shutil.copy(self.past.database, self._path)
            other = Signer(self.signer.name, chance.randbytes(32)).verifier
            return Change("the key file was replaced"), other
        if way == 1 and self.past.without_log is not None:
            shutil.copy(self.past.without_log, self._path)
            return Change("the write-ahead log was removed"), self.signer.verifier
        shutil.copy(chance.choice(self.past.older), self._path)
        return Change("the whole file was rolled back"), self.signer.verifier

    def _judge(self, change: Change, verifier: Verifier) -> tuple[str, str]:
        reading = engine.reading_engine(self._path, connections=1)
        with reading.connect() as conn:
            report = verifying.verify(conn, verifiers=[verifier], now=0)
            if report.faults:
                found = (BY_VERIFY, str(report.faults[0]))
            elif verifying.verify(conn, verifiers=[verifier], now=0, claims=[self._claim]).faults:
                found = (BY_WITNESS, change.what)
            else:
                reason = self._reason(change)
                found = (UNSEEN, reason) if reason else (DEFECT, f"{change}")
        reading.dispose()
        return found

    def _reason(self, change: Change) -> str | None:
        """Return under which heading an alteration that nothing shows is listed; None when it is not."""
        untold = UNTOLD.get(change.table, {})
        if change.column and all(name in untold for name in change.column.split(",")):
            return f"{change.table}.{change.column}"
        if change.table == "checkpoints" and not change.column:
            return CHECKPOINT_GAP
        row = change.row or {}
        if change.table == "output" and (row["task_id"], row["attempt"]) not in self._vouched:
            return OUTPUT_GAP
        return None
