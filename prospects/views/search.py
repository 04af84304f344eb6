"""Global search: the top bar's list, and the page behind Enter."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.access import MemberRequest, member_view
from leadgen.core.htmx import is_htmx
from leadgen.core.templatetags.ui_text import money
from prospects.models import Company, Deal, Person
from prospects.queries.search import SHORTEST, search


@member_view("people.view")
def search_view(request: MemberRequest) -> HttpResponse:
    """People, companies and deals that contain `q`, or words near to it."""
    text = request.GET.get("q", "").strip()
    slug = request.workspace.slug
    fragment = is_htmx(request)
    found = search(text, limit=6 if fragment else 30)
    kinds = [
        ("People", [_person(slug, row) for row in found.people], "person_list" if found.more_people else ""),
        ("Companies", [_company(slug, row) for row in found.companies], "company_list" if found.more_companies else ""),
        ("Deals", [_deal(slug, row) for row in found.deals], "deal_list" if found.more_deals else ""),
    ]
    if fragment:
        groups = [{"label": label, "items": rows} for label, rows, _ in kinds if rows]
        response = render(
            request, "components/search_results.html", {"groups": groups, "q": text, "meant": found.meant}
        )
        response["Vary"] = "HX-Request"
        response["Cache-Control"] = "no-store"
        return response
    query = urlencode({"q": text})
    groups = [
        {
            "label": label,
            "items": rows,
            "more": f"{reverse(name, args=[slug])}?{query}" if name and not found.meant else "",
        }
        for label, rows, name in kinds
        if rows
    ]
    context = {"q": text, "too_short": 0 < len(text) < SHORTEST, "groups": groups, "meant": found.meant}
    return render(request, "prospects/search.html", context)


def _person(slug: str, row: Person) -> dict[str, Any]:
    company = row.company.name if row.company_id and row.company is not None else ""
    return {
        "url": reverse("person_detail", args=[slug, row.pk]), "title": str(row), "icon": "user",
        "detail": " · ".join(filter(None, [row.title, company])) or row.email, "email": row.email,
    }  # fmt: skip


def _company(slug: str, row: Company) -> dict[str, Any]:
    return {
        "url": reverse("company_detail", args=[slug, row.pk]), "title": row.name, "icon": "building-2",
        "detail": row.domain or row.industry,
    }  # fmt: skip


def _deal(slug: str, row: Deal) -> dict[str, Any]:
    company = row.company.name if row.company_id and row.company is not None else ""
    state = row.get_stage_display() if row.outcome == Deal.Outcome.OPEN else row.get_outcome_display()
    worth = money(row.value, row.currency) if row.value is not None else ""
    return {
        "url": reverse("deal_detail", args=[slug, row.pk]), "title": row.name, "icon": "handshake",
        "detail": " · ".join(filter(None, [company, state, worth])),
    }  # fmt: skip
