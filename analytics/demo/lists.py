"""Whom the demo's team has its eye on: two segments by rule, and a list of target accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.actions.audit import Actor
from prospects.actions.segments import add_members, create_segment
from prospects.models import Person, Segment
from prospects.rules.segments import ready_made

(QUIET,) = [item.rule for item in ready_made("people") if item.key == "quiet"]
SEGMENTS: tuple[dict[str, Any], ...] = (
    {
        "name": "Good fit, quiet for 30 days", "subject": "people",
        "description": "Fit A or B, nobody wrote or called for a month: whom the next sequence is for.",
        "rule": {"all": [
            {"field": "fit.grade", "op": "in", "value": ["A", "B"]},
            QUIET,
        ]},
    },
    {
        "name": "SAP plants in Iberia and France", "subject": "companies",
        "description": "What the autumn campaign is written for.",
        "rule": {"all": [
            {"field": "company.technologies", "op": "has_any", "value": ["SAP"]},
            {"field": "company.country", "op": "in", "value": ["ES", "PT", "FR"]},
            {"field": "company.employees", "op": "gte", "value": 200},
        ]},
    },
)  # fmt: skip
TARGETS = "Target accounts, this quarter"


def keep_lists(*, people: Sequence[Person], by: Actor, now: datetime) -> int:
    """The segments, and a list of the companies of `people`; how many were made."""
    if Segment.objects.exists():
        return 0
    for said in SEGMENTS:
        create_segment(by=by, now=now, kind="dynamic", **said)
    targets = create_segment(
        by=by, now=now, name=TARGETS, kind="static", subject="companies",
        description="Agreed by marketing and sales: each needs an operations leader who answers.",
    )  # fmt: skip
    ids = [person.company_id for person in people if person.company_id]
    add_members(segment=targets, ids=ids, by=by, now=now)
    return len(SEGMENTS) + 1
