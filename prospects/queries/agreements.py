"""The agreement in force, and what a version would have done with the past."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Workspace
from leadgen.core.clock import local_date
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Activity, AgreementVersion, Lead, Stage, StageTransition
from prospects.queries.activities import uncorrected
from prospects.queries.leads import fits_of
from prospects.rules import agreements as rules

TERMS = (
    "lead_clause", "mql_clause", "sql_clause", "points", "half_life_days", "first_touch_minutes",
    "sdr_decision_minutes", "ae_decision_minutes", "reject_reasons", "disqualify_reasons",
)  # fmt: skip
REPLAY_DAYS = 90
REPLAY_LEADS = 500


def signed_agreement() -> AgreementVersion | None:
    """The version in force, or None in a workspace that never had one (actions.agreements makes the first)."""
    return AgreementVersion.objects.filter(state=AgreementVersion.State.SIGNED).first()


def terms_of(version: AgreementVersion) -> dict[str, Any]:
    """The columns that say something, by name: what rules.agreements describes and compares."""
    return {name: getattr(version, name) for name in TERMS}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One lead a version would have treated otherwise: `enters` MQL (or would not have entered), when and why."""

    lead: Lead
    enters: bool
    at: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A version over the leads opened in the last days: how many MQLs it would make, how many were made, who differs."""

    days: int
    leads: int
    limited: bool
    made: int
    would_make: int
    enters: list[Replayed]
    leaves: list[Replayed]


def replay(version: AgreementVersion, *, now: datetime, days: int = REPLAY_DAYS, most: int = REPLAY_LEADS) -> Replay:
    """Walk the ledger of the leads opened in the last `days` (the newest `most`) under this version's clauses and points.

    Fit is today's: the ledger keeps no history of it. Leads without a person have no ledger of their own and are left out.
    """
    since = now - timedelta(days=days)
    leads = list(
        Lead.objects.filter(opened_at__gte=since, opened_at__lte=now, person__isnull=False)
        .select_related("person", "company")
        .order_by("-opened_at", "-id")[: most + 1]
    )
    limited = len(leads) > most
    leads = leads[:most]
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    walks: dict[Any, list[Any]] = {}
    facts = uncorrected(
        Activity.objects.filter(person__in=[lead.person_id for lead in leads], at__gte=since - timedelta(days=days))
    )
    for person_id, kind, hit_class, detail, at in facts.order_by("at", "id").values_list(
        "person_id", "kind", "hit_class", "detail", "at"
    ):
        if kind in rules.EARNING or kind in rules.INTEREST:
            walks.setdefault(person_id, []).append((kind, hit_class, detail, at, local_date(at, zone)))
    was = dict(
        StageTransition.objects.filter(lead__in=leads, to_stage=Stage.MQL)
        .order_by("-position")
        .values_list("lead_id", "at")
    )
    fits = fits_of(leads, version)
    enters, leaves, would = [], [], 0
    for lead in leads:
        base = {**static_facts(lead), **fits.get(lead.pk, {})}
        walk = walks.get(lead.person_id, [])
        found = rules.first_met(
            version.mql_clause,
            version.points,
            version.half_life_days,
            base,
            walk,
            lead.opened_at - timedelta(seconds=1),
        )
        would += found is not None
        if found is not None and lead.pk not in was:
            enters.append(Replayed(lead, True, found[0], f"{found[1].name}: {found[1].words}"))
        elif found is None and lead.pk in was:
            leaves.append(Replayed(lead, False, was[lead.pk], "no alternative of the clause is met"))
    return Replay(days, len(leads), limited, len(was), would, enters, leaves)


def static_facts(lead: Lead) -> dict[str, Any]:
    """Facts of a lead that do not come from its ledger; unknown ones are None."""
    person, company = lead.person, lead.company
    return {
        "origin": lead.origin,
        "seniority": (person.seniority if person else "") or None,
        "department": (person.department if person else "") or None,
        "country": (person.country if person else "") or (company.country if company else "") or None,
        "industry": (company.industry if company else "") or None,
        "employees": company.employees if company else None,
    }
