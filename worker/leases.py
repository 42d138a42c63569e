"""What the worker has in its hands, and what is on its way: leases, syncs, reports."""

from dataclasses import dataclass, field

from worker import clock
from worker.answers import Claim


@dataclass
class Held:
    """One lease in this worker's hands. Written under the lock of ``Slots``, read by any thread."""

    claim: Claim
    expires: float
    """On the lease clock: until then the service is known to keep the lease."""
    lost: bool = False
    cancelled: bool = False
    over: bool = False
    """Its run is over and its outcome noted; it is held until that is told."""
    lent: bool = False
    """Its run is over and its slot is offered by a report on its way."""

    def gone(self) -> bool:
        """Tell whether the lease is over, by the service's word or by the clock."""
        return self.lost or clock.now() > self.expires


@dataclass(frozen=True)
class Asking:
    """One sync on its way: what it offered and named, and when it was sent."""

    offer: int
    leases: tuple[str, ...]
    cancelling: tuple[str, ...]
    """The tasks whose cancellation is known; the service need not answer because of them."""
    settles: bool
    """Whether what it does not name was never received: no other request can bring claims meanwhile."""
    wait: float
    sent: float
    drained: bool = False
    """Whether the service said last that this worker is drained."""


@dataclass
class Lending:
    """One report on its way: how many slots it offers, and when it was sent."""

    offer: int
    sent: float
    ending: list[str] = field(default_factory=list)
