"""Durations: from stage to stage, and from the capture of a lead to the first human touch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from operator import attrgetter
from typing import Any

from analytics.rules.facts import STAGE_DATES, BusinessHours, Conventions, LeadFacts
from analytics.rules.periods import DAY_MICROSECONDS, elapsed
from analytics.rules.selection import STAGE_SETS, Selection
from analytics.rules.statistics import P50, P90, kaplan_meier_median, mean, percentile_cont

MINUTE_MICROSECONDS = 60_000_000
STEPS = (
    ("lead", "mql"),
    ("mql", "accepted"),
    ("accepted", "sql"),
    ("sql", "opportunity"),
    ("opportunity", "customer"),
)
CLOCK = ("captured", "deduped", "scored", "routed", "seen", "touched")


def finished_times(leads: Sequence[LeadFacts], step: tuple[str, str], conventions: Conventions) -> list[int]:
    """Microseconds from the first stage's entry to the second's, of the leads that entered both, in order of length."""
    both, zone = attrgetter(STAGE_DATES[step[0]], STAGE_DATES[step[1]]), conventions.zone
    times = []
    for lead in leads:
        start, end = both(lead)
        if start is not None and end is not None:
            times.append(elapsed(start, end, zone))
    times.sort()
    return times


def waiting_times(leads: Sequence[LeadFacts], step: tuple[str, str], conventions: Conventions) -> list[int]:
    """Microseconds that leads in the first stage were seen waiting for the second: until they left, else until as_of."""
    both = attrgetter(STAGE_DATES[step[0]], STAGE_DATES[step[1]])
    times = []
    for lead in leads:
        start, end = both(lead)
        if start is not None and end is None:
            times.append(elapsed(start, lead.left_at or conventions.as_of, conventions.zone))
    return times


def summary(finished: list[int], waiting: list[int] | None = None, *, unit: int = DAY_MICROSECONDS) -> dict[str, Any]:
    """`{median, mean, p90, finished}` in the unit given, and with `waiting` also `{km_median, waiting}`."""

    def scaled(value: Fraction | int | None) -> float | None:
        return None if value is None else float(Fraction(value) / unit)

    result: dict[str, Any] = {
        "median": scaled(percentile_cont(finished, P50)),
        "mean": scaled(mean(finished)),
        "p90": scaled(percentile_cont(finished, P90)),
    }
    if waiting is not None:
        result["km_median"] = scaled(kaplan_meier_median(finished, waiting))
    result["finished"] = len(finished)
    if waiting is not None:
        result["waiting"] = len(waiting)
    return result


def step_summary(selection: Selection, step: tuple[str, str]) -> dict[str, Any]:
    """The summary in days of one step over the cohort, waiting ones included."""
    leads, conventions = selection.rows("cohort", STAGE_SETS[step[0]]), selection.conventions
    return summary(cohort_times(selection, step), waiting_times(leads, step, conventions))


def cohort_times(selection: Selection, step: tuple[str, str]) -> list[int]:
    """`finished_times` of the cohort, worked out once: figures and their warnings both ask."""
    if step not in selection.times:
        leads = selection.rows("cohort", STAGE_SETS[step[0]])
        selection.times[step] = finished_times(leads, step, selection.conventions)
    return selection.times[step]


def bottleneck(stages: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """`{step, share}`: the step with the largest share of the sum of the medians; None while none is positive."""
    medians = {name: one["median"] for name, one in stages.items() if one["median"] is not None and one["median"] > 0}
    if not medians:
        return None
    slowest = max(medians, key=lambda name: medians[name])
    return {"step": slowest, "share": medians[slowest] / sum(medians.values())}


def business_microseconds(start: datetime, end: datetime, hours: BusinessHours, conventions: Conventions) -> int:
    """The part of [start, end) inside business hours of the workspace's zone; negative when they are reversed."""
    if end < start:
        return -business_microseconds(end, start, hours, conventions)
    zone = conventions.zone
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    total = timedelta()
    while day <= last:
        if day.weekday() in hours.weekdays and day not in hours.holidays:
            opens = datetime.combine(day, hours.opens, tzinfo=zone).astimezone(UTC)
            closes = datetime.combine(day, hours.closes, tzinfo=zone).astimezone(UTC)
            total += max(timedelta(), min(end, closes) - max(start, opens))
        day += timedelta(days=1)
    return total // timedelta(microseconds=1)


def answer_summary(captured: Sequence[LeadFacts], conventions: Conventions, *, business: bool) -> dict[str, Any]:
    """Minutes from capture to the first human touch; all None by business hours where the workspace states none."""
    hours = conventions.business_hours
    finished: list[int] = []
    waiting: list[int] = []
    if not business or hours is not None:
        for lead in captured:
            if lead.captured_at is None:
                continue
            until = lead.touched_at or lead.left_at or conventions.as_of
            if business and hours is not None:
                taken = business_microseconds(lead.captured_at, until, hours, conventions)
            else:
                taken = (until - lead.captured_at) // timedelta(microseconds=1)
            (finished if lead.touched_at is not None else waiting).append(taken)
    finished.sort()
    return summary(finished, waiting, unit=MINUTE_MICROSECONDS)


def answer_steps(captured: Sequence[LeadFacts]) -> dict[str, dict[str, Any]]:
    """Minutes of each part of the way: `captured_to_deduped` ... `seen_to_touched`. A moment that nobody records is passed
    over (`captured_to_routed`), so that the parts still make up the whole way."""
    recorded = [name for name in CLOCK if any(getattr(lead, f"{name}_at") is not None for lead in captured)]
    steps = {}
    for earlier, later in pairwise(recorded if len(recorded) > 1 else CLOCK):
        times = []
        for lead in captured:
            start, end = getattr(lead, f"{earlier}_at"), getattr(lead, f"{later}_at")
            if start is not None and end is not None:
                times.append((end - start) // timedelta(microseconds=1))
        times.sort()
        steps[f"{earlier}_to_{later}"] = summary(times, unit=MINUTE_MICROSECONDS)
    return steps
