"""What stands beside a person or company on every page that shows them, and the room upper apps have there.

An upper app that knows more (the next planned touch, mail) registers a source in its `AppConfig.ready()`:

    from prospects.queries.panels import Panel, register_panel

    def next_touch(person: Person, now: datetime) -> Panel | None:
        return Panel("campaigns/person_next_touch.html", {"enrolment": ...})

    register_panel("person", "next_touch", next_touch)

Slots of "person": `next_touch` (in the contact panel, under reachability), `page` (cards of the person's page). Of
"company": `page`. Of "campaign": `page`, and `effects` (what pausing or ending it does, in the dialog that asks). A
template gets `panel` (its context) beside the page's own context. Imports go down only: nothing here names an upper app,
and a source is a plain function that reads.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadgen.core.visibility import everyone
from prospects.models import Campaign, Company, Consent, Deal, Engagement, Lead, Person
from prospects.queries.activities import Timeline, first_touch, timeline
from prospects.queries.agreements import signed_agreement
from prospects.queries.engagement import score_of
from prospects.queries.fit import explain_fit
from prospects.queries.people import colleagues_of, with_fit
from prospects.queries.suppressions import suppressed_phones, suppressions_of

SLOTS = {"person": ("next_touch", "page"), "company": ("page",), "campaign": ("page", "effects")}


@dataclass(frozen=True, slots=True)
class Panel:
    """A template and the context it is rendered with, as `panel`."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


Source = Callable[[Any, datetime], Panel | None]
_sources: dict[tuple[str, str], list[Source]] = {}


def register_panel(subject: str, slot: str, source: Source) -> None:
    """Add a source; registering the same function again changes nothing. Raises ValueError for an unknown slot."""
    if slot not in SLOTS.get(subject, ()):
        raise ValueError(f"no slot {slot!r} on a {subject}; there are {SLOTS}")
    listed = _sources.setdefault((subject, slot), [])
    if source not in listed:
        listed.append(source)


def panels(subject: str, slot: str, row: Person | Company | Campaign, now: datetime) -> list[Panel]:
    """What the registered sources have to say about a row, in the order they registered."""
    found = (source(row, now) for source in _sources.get((subject, slot), ()))
    return [panel for panel in found if panel is not None]


def contact_panel(person: Person, now: datetime, *, with_timeline: bool = False) -> dict[str, Any]:
    """Context `contact` of templates/prospects/contact_panel.html (product.md D5); about a dozen queries.

    Use: `{% include "prospects/contact_panel.html" with contact=contact %}` where
    `contact = contact_panel(person, clock.now())`. Load `company` and `owner` with the person.
    """
    with everyone():  # who is shown beside what one sees is seen with it
        row: Any = with_fit(Person.objects.filter(pk=person.pk)).select_related("company", "owner").get()
    person = row
    suppression = suppressions_of([person.email]).get(person.email)
    lead = open_or_latest_lead(person)
    return {
        "person": person,
        "company": person.company,
        "local_time": local_time(person, now),
        "lead": lead,
        "stage": _stage(lead),
        "fit_grade": row.x_fit_grade,
        "fit_score": row.x_fit_score,
        "fit": explain_fit(person, now=now),
        "engagement": engagement_of(person, now),
        "suppression": suppression,
        "phone_suppressed": bool(person.phone) and person.phone in suppressed_phones([person.phone]),
        "next_touch": panels("person", "next_touch", person, now),
        "colleagues": colleagues_of(person),
        "open_deals": list(
            Deal.objects.filter(company_id=person.company_id, outcome=Deal.Outcome.OPEN).order_by("-created_at")[:3]
        )
        if person.company_id
        else [],
        "origin": origin_of(person),
        "timeline": timeline(person=person, size=8) if with_timeline else Timeline([], ""),
    }


def _stage(lead: Lead | None) -> str:
    """ "MQL v5": the stage, and the agreement version in force when the lead opened."""
    if lead is None:
        return ""
    return (
        f"{lead.get_stage_display()} v{lead.version.number}" if lead.version is not None else lead.get_stage_display()
    )


def open_or_latest_lead(person: Person) -> Lead | None:
    """The current buying cycle, or the last one."""
    return Lead.objects.filter(person=person).select_related("version", "owner").order_by("-created_at", "-id").first()


def engagement_of(person: Person, now: datetime) -> float | None:
    """Points under the signed agreement, decayed to `now`; None where no agreement is signed or nothing was recorded."""
    version = signed_agreement()
    if version is None or not Engagement.objects.filter(person=person, version=version).exists():
        return None
    return score_of(person, version, now)


def local_time(person: Person, now: datetime) -> dict[str, Any] | None:
    """{"at", "clock" ("10:44"), "zone", "place"} where the person is, by their zone or their company's; None where neither is known."""
    zone = person.time_zone or (person.company.time_zone if person.company_id and person.company else "")
    try:
        there = now.astimezone(ZoneInfo(zone)) if zone else None
    except (ZoneInfoNotFoundError, ValueError):
        # An import may have brought a word that is no zone.
        there = None
    if there is None:
        return None
    return {"at": there, "clock": f"{there:%H:%M}", "zone": zone, "place": zone.rpartition("/")[2].replace("_", " ")}


def origin_of(person: Person) -> dict[str, Any]:
    """Why do we have this person: source, date, lawful basis, first fact, latest consent."""
    return {
        "source": person.source,
        "at": person.created_at,
        "lawful_basis": person.lawful_basis,
        "first": first_touch(person),
        "consent": Consent.objects.filter(person=person).order_by("-at").first(),
    }
