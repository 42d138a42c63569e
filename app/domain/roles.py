"""The roles of a token, and the principal that a checked token stands for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Role(StrEnum):
    """What a token may be used for."""

    CLIENT = "client"
    WORKER = "worker"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


TOKEN_PREFIXES: dict[Role, str] = {
    Role.CLIENT: "ctc_",
    Role.WORKER: "ctw_",
    Role.APPROVER: "ctv_",
    Role.AUDITOR: "ctr_",
    Role.ADMIN: "cta_",
}

SHARED_NAME = "shared"
"""The name of the principal behind the one shared token of old deployments."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: the holder of a valid token. *token_id* tells tokens of one name apart.

    *max_cost_micros* is its own budget for agents, in millionths of a dollar.
    """

    name: str
    roles: frozenset[Role]
    expires_at: int | None = None
    token_id: int = 0
    max_cost_micros: int | None = None

    def actor(self, role: Role) -> str:
        """Return the name under which the record knows this principal acting in *role*."""
        return f"{role}:{self.name}"

    def acting_role(self, allowed: frozenset[Role]) -> Role | None:
        """Return the role in which this principal may do what *allowed* allows, or None."""
        return _acting_role(self.roles, allowed)

    def worker_id(self, machine: str) -> str:
        """Return the worker's full id: a token of its own is its name, a shared one is told apart."""
        return self.name if machine == self.name else f"{self.name}/{machine}"

    def owns_worker(self, worker_id: str) -> bool:
        """Say whether *worker_id* was registered with this principal's token."""
        return worker_id.split("/", 1)[0] == self.name


@cache
def _acting_role(has: frozenset[Role], allowed: frozenset[Role]) -> Role | None:
    return next((role for role in Role if role in allowed and role in has), None)
