"""Whose token came with a request: the valid tokens in memory, read anew when they change."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.domain.roles import SHARED_NAME, Principal, Role
from app.services import access
from app.services.access import KnownToken

Load = Callable[[], tuple[tuple[int, int], list[KnownToken]]]


class TokenBook:
    """The valid tokens. ``find`` may be called by any thread; the janitor calls ``refresh``."""

    def __init__(self, load: Load, shared_token: str | None) -> None:
        self._load = load
        self._shared = []
        if shared_token is not None:
            shared = Principal(SHARED_NAME, frozenset({Role.CLIENT, Role.WORKER}))
            self._shared = [KnownToken(shared, access.token_hash(shared_token))]
        self._version = (-1, -1)
        self._known: list[KnownToken] = []
        self._valid: frozenset[int] = frozenset()
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> bool:
        """Read the tokens anew; return whether any was made, revoked or ran out."""
        with self._lock:
            version, known = self._load()
            changed = version != self._version or len(known) + len(self._shared) != len(self._known)
            self._version = version
            # Whole lists are put in place, so that readers need no lock.
            self._known = [*self._shared, *known]
            self._valid = frozenset(one.principal.token_id for one in self._known)
            return changed

    def find(self, authorization: str | None, *, now: int) -> Principal | None:
        """Return who sends this ``Authorization`` header (``Bearer TOKEN`` or the bare token)."""
        token = token_of(authorization)
        return None if token is None else access.check(self._known, token, now=now)

    def is_valid(self, principal: Principal, *, now: int) -> bool:
        """Say whether the token of a request that is still parked would be let in now."""
        expired = principal.expires_at is not None and principal.expires_at <= now
        return principal.token_id in self._valid and not expired


def token_of(authorization: str | None) -> str | None:
    """Return the token in an ``Authorization`` header, or None when there is none."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if not token:
        return scheme or None
    return token.strip() if scheme.lower() == "bearer" else None
