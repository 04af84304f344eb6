"""How a segment changed: its numbers day by day, and who entered and left."""

from dataclasses import dataclass
from typing import Any

from leadgen.core.pagination import Order, Page, keyset
from prospects.models import Segment, SegmentChange, SegmentSnapshot

DAYS = 90


@dataclass(frozen=True, slots=True)
class Chart:
    """The last days, oldest first. `changed`: days on which the rule became another."""

    days: list[SegmentSnapshot]

    @property
    def values(self) -> list[int]:
        return [day.count for day in self.days]

    @property
    def label(self) -> str:
        first, last = self.days[0], self.days[-1]
        return f"{first.count:,} on {first.on:%-d %b}, {last.count:,} on {last.on:%-d %b}"

    @property
    def option(self) -> dict[str, Any]:
        changed = [{"xAxis": f"{day.on:%-d %b}", "name": "rule changed"} for day in self.days if day.rule_changed]
        return {
            "tooltip": {"trigger": "axis"},
            "grid": {"left": 8, "right": 12, "top": 24, "bottom": 8, "containLabel": True},
            "xAxis": {"type": "category", "data": [f"{day.on:%-d %b}" for day in self.days]},
            "yAxis": {"type": "value", "minInterval": 1},
            "series": [
                {
                    "type": "line", "name": "In the segment", "data": self.values, "color": "primary",
                    "showSymbol": len(self.days) < 15,
                    "markLine": {"symbol": "none", "silent": True, "label": {"formatter": "{b}"}, "data": changed[1:]},
                },
            ],
        }  # fmt: skip


def chart_of(segment: Segment) -> Chart | None:
    """None before there are two days to compare."""
    days = list(SegmentSnapshot.objects.filter(segment=segment).order_by("-on")[:DAYS])[::-1]
    return Chart(days) if len(days) > 1 else None


def moves(segment: Segment, *, only: str = "", cursor: str = "", size: int = 50) -> Page:
    """Who entered and left, the latest first. Raises Invalid for a broken cursor."""
    rows = SegmentChange.objects.filter(segment=segment)
    if only in ("entered", "left"):
        rows = rows.filter(entered=only == "entered")
    return keyset(
        rows.select_related("person__company", "company"), order=Order("at", descending=True), cursor=cursor, size=size
    )
