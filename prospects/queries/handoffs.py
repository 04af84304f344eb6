"""The brief of a hand-off: everything known about a lead at that moment, as plain JSON to be frozen with it."""

from datetime import datetime
from typing import Any

from prospects.models import (
    Activity,
    ActivityKind,
    AgreementVersion,
    CompanyFit,
    Lead,
    Meeting,
    PersonFit,
    Stage,
    StageTransition,
)
from prospects.queries.activities import uncorrected
from prospects.queries.engagement import ledger_of
from prospects.queries.fit import version_of
from prospects.queries.leads import conversation_of, cycle_start, icp_of

PERSON = (
    "title",
    "seniority",
    "department",
    "email",
    "email_status",
    "phone",
    "linkedin_url",
    "country",
    "city",
    "time_zone",
)
COMPANY = (
    "domain",
    "industry",
    "employees",
    "revenue",
    "revenue_currency",
    "country",
    "city",
    "funding_stage",
    "description",
)
MARKS = {"+": "met", "-": "not met", "?": "unknown"}
# Ways in: what a first or last source may be.
SOURCES = (
    ActivityKind.FORM, ActivityKind.PAGE, ActivityKind.CLICKED, ActivityKind.REPLIED, ActivityKind.LINKEDIN_REPLIED,
    ActivityKind.MEETING_BOOKED, ActivityKind.TOUCH, ActivityKind.SENT, ActivityKind.CALLED,
)  # fmt: skip
TIMELINE = 25


def build_brief(lead: Lead, version: AgreementVersion, now: datetime) -> dict[str, Any]:
    """Person, company, fit with criteria, engagement rows, sources, answers, qualification, timeline; nulls are unknown."""
    person, company = lead.person, lead.company
    return {
        "at": now.isoformat(),
        "agreement": version.number,
        "lead": {
            "channel": lead.channel, "subchannel": lead.subchannel, "source": lead.source, "origin": lead.origin,
            "campaign": str(lead.campaign) if lead.campaign_id else None, "opened_at": _iso(lead.opened_at),
            "route_reason": lead.route_reason,
        },
        "person": {"name": str(person), **_facts(person, PERSON)} if person else None,
        "company": {"name": company.name, **_facts(company, COMPANY), "technologies": company.technologies} if company else None,
        "fit": fit_in_words(lead, version),
        "engagement": _engagement(lead, version, now),
        "qualification": _qualification(lead),
        "conversation": conversation_of(lead, now),
        "meetings": [
            {"title": m.title, "state": m.state, "starts_at": _iso(m.starts_at), "notes": m.notes}
            for m in Meeting.objects.filter(lead=lead.pk).order_by("-starts_at")[:10]
        ],
        **_ledger(lead, now),
    }  # fmt: skip


def fit_in_words(lead: Lead, version: AgreementVersion | None) -> dict[str, Any] | None:
    """Grade, score and each criterion as met, not met or unknown; None where no profile scored the lead."""
    icp = icp_of(version)
    if icp is None:
        return None
    fit = None
    if lead.person_id:
        fit = PersonFit.objects.select_related("icp", "version").filter(icp=icp, person=lead.person_id).first()
    if fit is None and lead.company_id:
        fit = CompanyFit.objects.select_related("icp", "version").filter(icp=icp, company=lead.company_id).first()
    if fit is None:
        return None
    scored_by = version_of(fit)
    # Between the signs of criteria and personas stand the must-have's and the exclusion's (rules.fit).
    signs = fit.marks[: len(scored_by.criteria)] + fit.marks[len(scored_by.criteria) + 2 :]
    criteria = [
        {"label": item.get("label") or item.get("name") or item.get("key", ""), "mark": MARKS.get(mark, "unknown"), "weight": item.get("weight")}
        for item, mark in zip([*scored_by.criteria, *scored_by.personas], signs, strict=False)
    ]  # fmt: skip
    return {
        "grade": fit.grade, "score": fit.score, "icp": fit.icp.name, "version": scored_by.number, "criteria": criteria,
    }  # fmt: skip


def _engagement(lead: Lead, version: AgreementVersion, now: datetime) -> dict[str, Any] | None:
    if not lead.person_id:
        return None
    ledger = ledger_of(lead.person_id, version, now)
    return {
        "score": round(ledger.score, 1),
        "rows": [
            {
                "at": _iso(row.at),
                "words": row.words,
                "reason": row.reason,
                "points": row.points,
                "worth": float(row.shown),
            }
            for row in ledger.rows[:15]
        ],
    }


def _qualification(lead: Lead) -> list[dict[str, Any]]:
    moves = StageTransition.objects.filter(lead=lead.pk, to_stage__in=(Stage.MQL, Stage.SQL)).order_by("position")
    return [{"stage": move.to_stage, "at": _iso(move.at), "facts": move.facts} for move in moves]


def _ledger(lead: Lead, now: datetime) -> dict[str, Any]:
    """First and last source, the answers people gave in forms, and the newest facts."""
    empty: dict[str, Any] = {"first_source": None, "last_source": None, "answers": [], "timeline": []}
    about: dict[str, Any] = {"person": lead.person_id} if lead.person_id else {"company": lead.company_id}
    if not any(about.values()):
        return empty
    rows = Activity.objects.filter(**about, at__lte=now)
    ways_in = uncorrected(rows.filter(kind__in=SOURCES, hit_class=Activity.HitClass.HUMAN))
    forms = rows.filter(kind=ActivityKind.FORM, hit_class=Activity.HitClass.HUMAN, at__gte=cycle_start(lead))
    return {
        "first_source": _row(ways_in.order_by("at", "id").first()),
        "last_source": _row(ways_in.order_by("-at", "-id").first()),
        "answers": [
            {"at": _iso(form.at), "form": form.summary, "answers": form.detail.get("answers", {})}
            for form in forms.order_by("-at")[:5]
        ],
        "timeline": [_row(row) for row in rows.order_by("-at", "-id")[:TIMELINE]],
    }


def _row(row: Activity | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "at": _iso(row.at), "kind": row.kind, "channel": row.channel, "summary": row.summary, "hit_class": row.hit_class,
        "utm": row.detail.get("utm"),
    }  # fmt: skip


def _facts(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for name in names:
        value = getattr(row, name)
        found[name] = None if value in ("", None) else value if isinstance(value, str | int) else str(value)
    return found


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
