"""One line of the benchmark table."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`ratio` = value / reference (larger is better); `target` is the least ratio wanted, None where none is set yet."""

    name: str
    value: float
    unit: str
    reference: float
    reference_name: str
    target: float | None = None

    @property
    def ratio(self) -> float:
        return self.value / self.reference if self.reference else float("inf")

    def as_dict(self) -> dict[str, Any]:
        met = None if self.target is None else self.ratio >= self.target
        found = asdict(self) | {"ratio": round(self.ratio, 4), "met": met}
        return found | {"value": round(self.value, 2), "reference": round(self.reference, 2)}


def rate(count: int, act: Callable[[], Any]) -> float:
    """`count` divided by the seconds `act` takes."""
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)
