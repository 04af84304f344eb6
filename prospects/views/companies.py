"""Pages of companies: list, page, fact sheet, deletion, bulk acts."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.errors import AppError, Refused
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.names import country_name
from prospects.actions.companies import assign_companies, create_company, delete_companies, update_company
from prospects.forms.companies import CompanyFilter, CompanyForm
from prospects.models import Company
from prospects.queries import companies as queries
from prospects.queries.activities import GROUPS, group_chips, timeline
from prospects.queries.custom import rows_of
from prospects.queries.duplicates import COMPANIES
from prospects.queries.enrichment import origins_of
from prospects.queries.fit import explain_fit
from prospects.queries.panels import panels
from prospects.queries.signals import signals_card, why_now_of
from prospects.queries.tags import tags_of
from prospects.queries.tasks import open_tasks
from prospects.queries.territories import why_owner
from prospects.rules.industries import tree
from prospects.rules.naics import naics
from prospects.views.cells import dress
from prospects.views.duplicates import where_it_went
from prospects.views.listing import (
    add_app_error,
    build_listing,
    chosen_owner,
    neighbours_in,
    selected_ids,
    sheet_or_page,
)
from prospects.views.saved_views import open_list

LIST: dict[str, Any] = {"orders": queries.ORDERS, "nullable": queries.NULLABLE, "default": "-created_at"}


def _shown(queryset: Any) -> Any:
    return queries.with_fit(queryset).select_related("owner")


@member_view("companies.view")
def company_list(request: MemberRequest) -> HttpResponse:
    """Companies by filters, in keyset pages, with the columns and views of the member."""
    state = open_list(request, "companies")
    if isinstance(state, HttpResponse):
        return state
    try:
        listing = build_listing(request, CompanyFilter, Company.objects.all(), show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    reasons = why_now_of(listing.page.rows, clock.now())
    for company in listing.page.rows:
        company.x_why = reasons.get(company.pk)
    dress(
        listing.page.rows, state.columns, subject="companies", slug=request.workspace.slug, fields=state.fields,
        can_edit=member_allows(request.member, "companies.edit"),
    )  # fmt: skip
    context = (
        listing.context("companies", reverse("company_list_export", args=[request.workspace.slug]))
        | state.context()
        | {"noun": _noun(listing.count.value), "total": str(listing.count)}
    )
    words = f"{listing.count} {'company' if listing.count.value == 1 else 'companies'} match"
    return render_page(request, "prospects/company_list.html", context, partial="results", announce=words)


@member_view("companies.view")
def company_detail(request: MemberRequest, company_id: UUID) -> HttpResponse:
    """Everything known about a company."""
    company = _shown(Company.objects.all()).filter(pk=company_id).first()
    if company is None:
        moved = where_it_went(request, COMPANIES, company_id)
        if moved is None:
            raise Http404("No such company.")
        return moved
    now = clock.now()
    before, after = neighbours_in(request, company, CompanyFilter, Company.objects.all(), show=_shown, **LIST)
    within = request.GET.get("in", "")
    context = {
        "company": company,
        "facts": [*facts_of(company), *rows_of("companies", company)],
        "record": record_of(company),
        "add_person_url": f"{reverse('person_create', args=[request.workspace.slug])}?company={company.pk}",
        "people": queries.people_of(company),
        "leads": queries.leads_of(company),
        "deals": queries.deals_of(company),
        "tasks": list(open_tasks(company=company)[:20]),
        "tags": tags_of("companies", [company.pk]).get(company.pk, []),
        "panels": panels("company", "page", company, now),
        "origins": origins_of(company),
        "enrich_id": company.pk,
        "enrich_subject": "companies",
        "signals": signals_card(company, now),
        "add_signal_url": f"{reverse('signal_create', args=[request.workspace.slug])}?company={company.pk}",
        "all_signals_url": f"{reverse('signal_list', args=[request.workspace.slug])}?company={company.pk}",
        "fit": explain_fit(company, now=now),
        "before": before,
        "after": after,
        "list_url": reverse("company_list", args=[request.workspace.slug]) + (f"?{within}" if within else ""),
        "within": f"?{urlencode({'in': within})}" if within else "",
    }
    return render(request, "prospects/company_detail.html", context | _timeline(request, company))


@member_view("companies.view")
def company_timeline(request: MemberRequest, company_id: UUID) -> HttpResponse:
    """One page of a company's timeline, for the chips, "Show earlier" and after a note."""
    company = get_object_or_404(Company.objects.all(), pk=company_id)
    try:
        context = _timeline(request, company)
    except AppError as error:
        return refusal(request, error)
    part = "items" if request.GET.get("cursor") else "list"
    return render(request, f"prospects/timeline.html#{part}", context)


def _timeline(request: MemberRequest, company: Company) -> dict[str, Any]:
    group = request.GET.get("kinds", "")
    group = group if group in GROUPS else ""
    found = timeline(company=company, group=group, cursor=request.GET.get("cursor", ""))
    url = reverse("company_timeline", args=[request.workspace.slug, company.pk])
    return {
        "timeline": found,
        "timeline_url": url,
        "timeline_group": group,
        "timeline_chips": group_chips(group),
        "timeline_more": f"{url}?{urlencode({'kinds': group, 'cursor': found.older})}" if found.older else "",
    }


@member_view("companies.edit")
def company_create(request: MemberRequest) -> HttpResponse:
    """A new company."""
    form = CompanyForm(request.POST or None, initial={"owner": str(request.member.pk)})
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}
        try:
            company = create_company(by=actor_of(request), now=clock.now(), **values)
        except AppError as error:
            add_app_error(form, error, _link(request, error))
        else:
            return hx_redirect(request, _url(request, company), toast=f"{company.name} is added.")
    context = {"form": form, "company": None}
    return render(request, "prospects/company_form.html", context, status=422 if form.errors else 200)


@member_view("companies.edit")
def company_edit(request: MemberRequest, company_id: UUID) -> HttpResponse:
    """Change the facts of a company."""
    company = get_object_or_404(Company.objects.select_related("owner"), pk=company_id)
    form = CompanyForm(request.POST or None, company=company)
    if request.method == "POST" and form.is_valid():
        try:
            update_company(by=actor_of(request), now=clock.now(), company=company, changes=form.changes())
        except AppError as error:
            add_app_error(form, error, _link(request, error))
        else:
            return hx_redirect(request, _url(request, company), toast="Saved.")
    context = {"form": form, "company": company}
    return render(request, "prospects/company_form.html", context, status=422 if form.errors else 200)


@member_view("companies.delete")
def company_delete(request: MemberRequest, company_id: UUID) -> HttpResponse:
    """Delete one company, after saying what goes and what stays."""
    company = get_object_or_404(Company.objects.all(), pk=company_id)
    if request.method == "POST":
        name = company.name
        delete_companies(by=actor_of(request), now=clock.now(), companies=[company])
        return hx_redirect(request, reverse("company_list", args=[request.workspace.slug]), toast=f"{name} is deleted.")
    return _confirm(request, [company], reverse("company_delete", args=[request.workspace.slug, company.pk]))


@member_view("companies.edit")
@require_POST
def company_bulk(request: MemberRequest) -> HttpResponse:
    """Assign or delete the selected companies. Deleting asks first, with the exact number on the button."""
    url = reverse("company_list", args=[request.workspace.slug])
    back = f"{url}?{request.POST['query']}" if request.POST.get("query") else url
    now, by = clock.now(), actor_of(request)
    try:
        companies = list(Company.objects.filter(pk__in=selected_ids(request)).order_by("name", "id"))
        if request.POST.get("action") == "delete":
            if not member_allows(request.member, "companies.delete"):
                raise Refused(f"Your role ({request.member.get_role_display()}) may not delete companies.")
            if not request.POST.get("confirmed"):
                return _confirm(request, companies, reverse("company_bulk", args=[request.workspace.slug]), back=back)
            count = delete_companies(by=by, now=now, companies=companies)
            return hx_redirect(request, back, toast=f"{count} {_noun(count)} deleted.")
        member = chosen_owner(request)
        count = assign_companies(by=by, now=now, companies=companies, owner=member)
    except AppError as error:
        return refusal(request, error)
    words = (
        f"{count} {_noun(count)} assigned to {member or 'nobody'}."
        if count
        else "Nothing changed: they had this owner."
    )
    return hx_redirect(request, back, toast=words)


@member_view("companies.view")
def company_options(request: MemberRequest) -> HttpResponse:
    """Options of the company field while somebody types."""
    text = request.GET.get("company", "").strip()
    found = queries.containing(Company.objects.all(), text).order_by("name", "id")[:8] if len(text) > 1 else []
    return render(request, "prospects/company_options.html", {"companies": found})


def facts_of(company: Company) -> list[tuple[Any, ...]]:
    """(label, value, note) of what is known, in reading order; None is shown as unknown."""
    from leadgen.core.templatetags.ui_text import money, number

    place = ", ".join(filter(None, [company.city, company.region, country_name(company.country)]))
    industry = " · ".join(filter(None, [company.industry, company.sub_industry]))
    funding = " · ".join(
        filter(
            None,
            [
                company.funding_stage,
                money(company.funding_total, company.funding_currency) if company.funding_total else "",
            ],
        )
    )
    return [
        (
            "Industry",
            industry or None,
            f"LinkedIn: {known.path}" if (known := tree().get(company.industry_code or 0)) else "",
        ),
        ("NAICS", company.naics or None, classed.path if (classed := naics(company.naics)) else ""),
        ("Employees", number(company.employees) if company.employees is not None else None),
        (
            "Revenue",
            f"{money(company.revenue, company.revenue_currency)} a year" if company.revenue is not None else None,
        ),
        ("Where", place or None),
        ("Founded", str(company.founded) if company.founded else None),
        ("Technologies", ", ".join(company.technologies) or None),
        ("Keywords", ", ".join(company.keywords) or None),
        ("Pains", ", ".join(company.pains) or None),
        ("Goals", ", ".join(company.goals) or None),
        ("Funding", funding or None, f"on {company.funded_on:%-d %b %Y}" if company.funded_on else ""),
    ]


def record_of(company: Company) -> list[tuple[Any, ...]]:
    """Where it can be reached, whose it is, and why we have it."""
    website = company.website or (f"https://{company.domain}" if company.domain else "")
    return [
        ("Website", _outside(website, website.partition("://")[2].rstrip("/"))),
        ("LinkedIn", _outside(company.linkedin_url, "page")),
        ("Phone", company.phone or None),
        ("Time zone", company.time_zone or None),
        ("Owner", company.owner or "nobody", why_owner(company)),
        ("Why we have it", company.source or None),
        ("Added", f"{company.created_at:%-d %b %Y}"),
        *([("External id", company.external_id)] if company.external_id else []),
    ]


def _outside(address: str, words: str) -> Any:
    """A link that leaves us. Only web addresses: what stands in a column came from somewhere else."""
    if not address.startswith(("https://", "http://")):
        return address or None
    return format_html('<a class="link" href="{}" target="_blank" rel="noopener noreferrer">{}</a>', address, words)


def _noun(count: int) -> str:
    return "company" if count == 1 else "companies"


def _url(request: MemberRequest, company: Company) -> str:
    return reverse("company_detail", args=[request.workspace.slug, company.pk])


def _link(request: MemberRequest, error: AppError) -> str:
    return reverse("company_detail", args=[request.workspace.slug, error.detail["id"]]) if "id" in error.detail else ""


def _confirm(request: MemberRequest, companies: list[Company], action_url: str, *, back: str = "") -> HttpResponse:
    context = {
        "companies": companies,
        "count": len(companies),
        "noun": _noun(len(companies)),
        "effects": queries.effects_of_deletion([company.pk for company in companies]),
        "action_url": action_url,
        "query": request.POST.get("query", ""),
        "back": back or _url(request, companies[0]),
    }
    return sheet_or_page(request, "prospects/company_delete.html", context)
