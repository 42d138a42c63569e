"""Which session of an agent a task means, whether it goes on or begins, and in which folder."""

import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from worker.executors.agents.cli import Cli
from worker.executors.agents.payload import AgentTrouble, Payload
from worker.executors.agents.sessions import Known, Sessions
from worker.executors.agents.stored import Stored
from worker.executors.paths import resolve

LEAST_PREFIX = 8
_MOST_CANDIDATES = 5
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PREFIX = re.compile(r"[0-9a-f-]{8,35}")
_OURS = uuid.UUID("5a3c1f0e-9d0b-5a57-8c1d-3f6e2b7a9c40")
"""The name space of ids that are made of what tasks call their sessions; never to be changed."""


@dataclass(frozen=True)
class Disk:
    """Where agents keep their files: the variables that say so, and the home folder."""

    env: Mapping[str, str]
    home: Path

    def find(self, cli: Cli, real: str) -> Stored | None:
        """Find the session that has this id, which has to be one in form."""
        return next((one for one in cli.stored(self.env, self.home, real) if one.id == real), None)


@dataclass(frozen=True)
class Target:
    """The session that is meant: *real* is its own id, None where the agent is to choose one."""

    real: str | None
    resume: bool
    cwd: Path


def find_target(
    cli: Cli, payload: Payload, *, sessions: Sessions, disk: Disk, home_folder: Path | None
) -> Target:
    """Decide by what is on disk and what was noted. Raises ``AgentTrouble``, ``FileTrouble``.

    A session goes on in the folder that it began in: agents find it from there alone. An id that is no UUID,
    as chats have them, gets a UUID made of it, always the same.
    """
    named = None if payload.cwd is None else Path(os.path.realpath(resolve(payload.cwd)))
    anywhere = named or Path(os.path.realpath(home_folder or disk.home))
    asked = payload.session_id
    if not asked or (payload.resume_latest and payload.is_new):
        return Target(None, resume=payload.resume_latest is True, cwd=anywhere)
    known = sessions.find(cli.name, asked) or _by_itself(cli, asked, payload, sessions, disk)
    found = None if known.real is None else disk.find(cli, known.real)
    if found is None or known.real is None:
        return Target(
            None if cli.chooses_ids else known.real, resume=False, cwd=named or known.cwd or anywhere
        )
    folder = known.cwd or cli.about(found)[0]
    if folder is not None and named is not None and named != Path(os.path.realpath(folder)):
        raise AgentTrouble(
            f"Session {asked} belongs to {folder}, not to {named}: leave out cwd, or begin another"
        )
    return Target(known.real, resume=True, cwd=anywhere if folder is None else Path(os.path.realpath(folder)))


def _by_itself(cli: Cli, asked: str, payload: Payload, sessions: Sessions, disk: Disk) -> Known:
    """Give what an id stands for that was never asked for here."""
    if _UUID.fullmatch(asked.lower()):
        return Known(asked.lower(), None)
    if _PREFIX.fullmatch(asked) and not payload.is_new:
        candidates = {one.id: Known(one.id, None) for one in cli.stored(disk.env, disk.home, asked)}
        candidates |= sessions.beginning(cli.name, asked)
        if len(candidates) > 1:
            some = ", ".join(sorted(candidates)[:_MOST_CANDIDATES])
            more = (
                ""
                if len(candidates) <= _MOST_CANDIDATES
                else f" and {len(candidates) - _MOST_CANDIDATES} more"
            )
            raise AgentTrouble(f"Session {asked} may be any of {some}{more}: give more of the id")
        for known in candidates.values():
            return known
    return Known(str(uuid.uuid5(_OURS, f"{cli.name}:{asked}")), None)
