"""Where the demo's next companies come from and whose they are: a made-up directory with a search and an order, and territories."""

import random
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.actions.audit import Actor
from analytics.demo.cast import FIRST, INDUSTRIES, LAST, PLACES, TITLES, as_csv
from leadgen.core import lanes
from leadgen.core.tenancy import workspace_scope
from prospects.actions import territories_run
from prospects.actions.enrichment_providers import create_provider
from prospects.actions.finding import create_search, run_searches, start_run
from prospects.actions.finding_directory import read_upload, run_uploads, upload
from prospects.actions.finding_orders import choose, order_results, run_orders
from prospects.actions.territories import create_territory
from prospects.models import Company, EnrichmentProvider, FindingSearch, Territory
from prospects.queries.finding import quote_rows, quote_search

REGISTER = "Plant register (made up)"
SEARCH = "Makers in Germany, Portugal and Spain"
CRITERIA = {"countries": ["DE", "PT", "ES"], "employees_min": 200, "employees_max": 3000}
ORDERED = 3
ONCE = "demo"  # names the run and the order, as a form's click does
# Makers nobody in the workspace knows yet; beside them the register names some that are there.
STEMS = ("Aurich", "Baltia", "Coimbra", "Duero", "Ebro", "Falken", "Guadiana", "Hansa", "Inn", "Jade", "Kocher", "Lech")
TAILS = ("Forge", "Hydraulics", "Mills", "Turbines")
# name, rule, the roles whose members get what is in it; the first that fits decides. Elsewhere nobody is chosen by rule.
TERRITORIES: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("Large plants, 1,000 and more", {"field": "company.employees", "op": "gte", "value": 1000}, ("ae",)),
    ("Germany", {"field": "company.country", "op": "in", "value": ["DE"]}, ("sdr",)),
    ("Iberia", {"field": "company.country", "op": "in", "value": ["PT", "ES"]}, ("sdr", "ae")),
)


def find_more(*, workspace_id: UUID, known: Sequence[dict[str, object]], by: Actor, now: datetime) -> str:
    """A directory, one search in it, and an order of the best. What was done, in words; '' where it was done before.

    One transaction: the workers that run beside the demo see it when all of it is there.
    """
    with workspace_scope(workspace_id):
        if EnrichmentProvider.objects.exists() or FindingSearch.objects.exists():
            return ""
        priced = {"companies": {"price": {"result": "0.40"}}, "people": {"price": {"result": "0.15"}}}
        provider = create_provider(
            by=by, now=now, kind="directory", name=REGISTER, operations=priced, monthly_budget=Decimal(40)
        )
        firms, people = register(known)
        for subject, rows in (("companies", firms), ("people", people)):
            file = upload(
                provider=provider, subject=subject, name=f"register-{subject}.csv", content=as_csv(rows), by=by, now=now
            )
            read_upload(row=file, columns=file.columns, by=by, now=now)
        run_uploads(workspace_id, now=now)
        provider.refresh_from_db()
        search = create_search(
            by=by,
            now=now,
            subject="companies",
            provider=provider,
            criteria=CRITERIA,
            name=SEARCH,
            wanted=50,
            is_saved=True,
        )
        price = quote_search(provider, search.subject, search.wanted, now).amount
        start_run(search=search, by=by, now=now, token=ONCE, confirmed=price)
        run_searches(workspace_id, now=now)
        best = choose(search, best=ORDERED, under=Decimal(10))
        price = quote_rows(search, len(best), now).amount
        order_results(
            search=search, by=by, now=now, ids=[row.pk for row in best], token=ONCE, count=len(best), confirmed=price
        )
        run_orders(workspace_id, now=now)
        names = ", ".join(row.values["name"] for row in best)
        return f"{len(firms)} companies in a directory; {names} added from a search in it."


def register(known: Sequence[dict[str, object]]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """(companies, people) of the register, the same every time; some companies are `known` ones."""
    draw = random.Random(23)
    firms = [
        {name: row[name] for name in ("Company", "Domain", "Industry", "Employees", "Country", "City", "Technologies")}
        for row in known[:6]
    ]
    people: list[dict[str, object]] = []
    for number, (stem, tail) in enumerate((stem, tail) for tail in TAILS[:2] for stem in STEMS):
        name, domain = f"{stem} {tail}", f"{stem}-{tail}.example".lower()
        country, _, city, _ = PLACES[number % len(PLACES)]
        size, industry = draw.randint(80, 3600), INDUSTRIES[draw.choice((0, 0, 3, 5, 7))]
        firms.append(
            {
                "Company": name, "Domain": domain, "Industry": industry, "Employees": size, "Country": country, "City": city,
                "Technologies": draw.choice(("SAP; MES", "SAP", "Oracle", "")),
            }
        )  # fmt: skip
        first, last = draw.choice(FIRST), draw.choice(LAST)
        people.append(
            {
                "First name": first, "Last name": last, "Job title": draw.choice(TITLES[:5]), "Country": country,
                "Email": f"{first}.{last}@{domain}".lower(), "Company": name, "Company domain": domain,
                "Industry": industry, "Employees": size,
            }
        )  # fmt: skip
    return firms, people


def draw_territories(*, workspace_id: UUID, actors: dict[str, Actor], now: datetime) -> str:
    """Whose the companies and people are, by country and size, handed out over everything that has no owner."""
    with workspace_scope(workspace_id):
        if Territory.objects.exists():
            return ""
        by = actors["ops"]
        for name, rule, roles in TERRITORIES:
            members = [member.pk for role in roles if (member := actors[role].member) is not None]
            create_territory(by=by, now=now, name=name, rule=rule, members=members)
        run = territories_run.start_run(by=by, now=now)
        territories_run.apply_run(run=run, by=by, now=now)
    # A worker beside the demo may have taken it up by now: then it is at it.
    lane = lanes.take_key(workspace_id=workspace_id, kind=territories_run.LANE, key="", lease_seconds=300)
    if lane is not None:
        lanes.settle_key(lane, next_due=territories_run.run_lane(lane, clock=lambda: now))
    with workspace_scope(workspace_id):
        owned = Company.objects.filter(owner__isnull=False).count()
    return f"{len(TERRITORIES)} territories; {owned} companies have an owner."
