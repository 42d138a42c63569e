"""What a measurement says: one figure beside its reference and what is to be reached."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table: *ours* and *reference* in *unit*, medians of the same run.

    *limit* bounds the ratio, or *ours* itself where *absolute*; from below where *at_least*, else
    from above. Without a limit the line is there to look at. *runs* keeps what the medians are of.
    """

    what: str
    unit: str
    ours: float
    reference: float | None = None
    reference_name: str = ""
    limit: float | None = None
    at_least: bool = False
    absolute: bool = False
    runs: dict[str, list[float]] = field(default_factory=dict)
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the reference, if there is one."""
        return self.ours / self.reference if self.reference else None

    @property
    def reached(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        value = self.ours if self.absolute else self.ratio
        if self.limit is None or value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit

    def to_json(self) -> dict[str, Any]:
        """Return every field, the ratio and the verdict."""
        return {**asdict(self), "ratio": self.ratio, "reached": self.reached}


def median(values: Sequence[float]) -> float:
    """Return the middle of *values*."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that *percent* of *values* do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
