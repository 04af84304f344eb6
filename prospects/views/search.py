"""Global search: the top bar's list, and the page behind Enter."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.access import MemberRequest, member_view
from leadgen.core.htmx import is_htmx
from prospects.models import Company, Person
from prospects.queries.search import SHORTEST, search


@member_view("people.view")
def search_view(request: MemberRequest) -> HttpResponse:
    """People and companies that contain `q`."""
    text = request.GET.get("q", "").strip()
    slug = request.workspace.slug
    fragment = is_htmx(request)
    found = search(text, limit=6 if fragment else 30)
    person_rows = [_person(slug, row) for row in found.people]
    company_rows = [_company(slug, row) for row in found.companies]
    if fragment:
        groups = [
            {"label": label, "items": rows}
            for label, rows in (("People", person_rows), ("Companies", company_rows))
            if rows
        ]
        response = render(request, "components/search_results.html", {"groups": groups, "q": text})
        response["Vary"] = "HX-Request"
        response["Cache-Control"] = "no-store"
        return response
    query = urlencode({"q": text})
    context = {
        "q": text,
        "too_short": 0 < len(text) < SHORTEST,
        "people": person_rows,
        "companies": company_rows,
        "more_people": f"{reverse('person_list', args=[slug])}?{query}" if found.more_people else "",
        "more_companies": f"{reverse('company_list', args=[slug])}?{query}" if found.more_companies else "",
    }
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
