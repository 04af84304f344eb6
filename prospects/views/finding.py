"""Pages of finding: searches and their history, what was found, and what is added at which price."""

import uuid
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, refusal
from leadgen.core.pagination import Order, keyset
from prospects.actions.finding import cancel_run, create_search, delete_search, start_run, update_search
from prospects.actions.finding_orders import choose, open_orders, order_results
from prospects.forms.finding import FindingForm, FindingSaveForm, initial_of
from prospects.models import Company, EnrichmentProvider, FindingRun, FindingSearch, Icp, Segment
from prospects.queries import finding as queries
from prospects.queries.companies import primary_icp
from prospects.queries.finding_directory import unanswered
from prospects.queries.fit import current_version
from prospects.queries.segments import members_of
from prospects.rules.finding import MAX_DOMAINS, from_profile, in_words, price_words
from prospects.rules.icps import content_of, parse_profile
from prospects.views.listing import add_app_error, selected_ids, sheet_or_page

SHOWN = 200


def finding_tabs(request: MemberRequest) -> list[dict[str, Any]]:
    slug = request.workspace.slug
    url = reverse("finding_list", args=[slug])
    return [
        {"key": "searches", "label": "Searches", "url": url},
        {"key": "saved", "label": "Saved", "url": f"{url}?saved=1"},
        {"key": "providers", "label": "Providers", "url": reverse("finding_provider_list", args=[slug])},
    ]


@member_view("finding.view")
def finding_list(request: MemberRequest) -> HttpResponse:
    """Searches, the newest first, with what they cost; `?saved=1`: the kept ones."""
    saved = request.GET.get("saved") == "1"
    rows = FindingSearch.objects.select_related("provider", "member")
    rows = rows.filter(is_saved=True) if saved else rows
    try:
        page = keyset(rows, order=Order("created_at", descending=True), cursor=request.GET.get("cursor", ""))
    except Invalid as error:
        return refusal(request, error)
    more = "saved=1&" if saved else ""
    context = {
        "entries": queries.history(page.rows), "next_url": f"?{more}cursor={page.next}" if page.next else "",
        "previous_url": f"?{more}cursor={page.previous}" if page.previous else "", "saved": saved,
        "finding_tabs": finding_tabs(request), "finding_tab": "saved" if saved else "searches",
        "has_provider": bool(queries.providers("companies") or queries.providers("people")),
    }  # fmt: skip
    return render(request, "prospects/finding_list.html", context)


@member_view("finding.run")
def finding_create(request: MemberRequest) -> HttpResponse:
    """A new search, prefilled: `?subject=`, `?icp=`, `?persona=`, `?company=` or `?segment=` (people there), or as an earlier
    one (`?like=`)."""
    like = chosen(FindingSearch.objects.select_related("icp"), request.GET.get("like"))
    subject = like.subject if like else "people" if request.GET.get("subject") == "people" else "companies"
    icp = like.icp if like else chosen(Icp.objects.filter(is_archived=False), request.GET.get("icp"))
    icp = icp or primary_icp()
    version = current_version(icp) if icp is not None else None
    profile = parse_profile(content_of(version), person=subject == "people") if version is not None else None
    persona = request.GET.get("persona", "")
    begin = from_profile(profile, persona) if profile is not None else {}
    company = chosen(Company.objects.all(), request.GET.get("company"))
    if company is not None and company.domain:
        keep = ("titles", "seniorities", "departments", "person_countries")
        begin = {name: value for name, value in begin.items() if name in keep} | {"domains": [company.domain]}
    if subject == "companies":
        begin = {
            name: value
            for name, value in begin.items()
            if not name.startswith(("titles", "senior", "depart", "person"))
        }
    if like:
        begin = like.criteria
    initial = initial_of(begin) | {"icp": str(icp.pk) if icp else "", "segment": request.GET.get("segment", "")}
    if like:
        initial |= {"provider": str(like.provider_id), "wanted": like.wanted}
    form = FindingForm(request.POST or None, subject=subject, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            search = _create(request, form, subject)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _url(request, search), toast="Look at what it costs, then search.")
    context = {
        "form": form, "subject": subject, "back": reverse("finding_list", args=[request.workspace.slug]), "icp": icp,
        "personas": [part.label for part in profile.personas] if profile is not None and subject == "people" else [],
        "persona": persona, "company": company, "like": like, "has_provider": bool(queries.providers(subject)),
    }  # fmt: skip
    return render(request, "prospects/finding_form.html", context, status=422 if form.errors else 200)


def _create(request: MemberRequest, form: FindingForm, subject: str) -> FindingSearch:
    data, criteria = form.cleaned_data, form.criteria()
    segment = chosen(Segment.objects.filter(subject="companies"), data.get("segment"))
    if segment is not None:
        there = members_of(segment, now=clock.now()).exclude(domain="").order_by("pk")
        criteria["domains"] = list(there.values_list("domain", flat=True)[:MAX_DOMAINS])
        if not criteria["domains"]:
            raise Invalid("No company of this list has a domain to look by.", field="segment")
    return create_search(
        by=actor_of(request), now=clock.now(), subject=subject, criteria=criteria,
        provider=get_object_or_404(EnrichmentProvider.objects.all(), pk=data["provider"]),
        icp=chosen(Icp.objects.all(), data.get("icp")), wanted=data["wanted"],
    )  # fmt: skip


@member_view("finding.view")
def finding_detail(request: MemberRequest, findingsearch_id: UUID) -> HttpResponse:
    """What was found, the best first, with what stands against adding it; the last run's news, or all (`?show=all`)."""
    search = _search(findingsearch_id)
    run, now = queries.latest_run(search), clock.now()
    show = request.GET.get("show", "new")
    rows = list(queries.results(search, run if show != "all" else None)[:SHOWN]) if run is not None else []
    quote = queries.quote_search(search.provider, search.subject, search.wanted, now)
    price = queries.cost(search.provider, search.subject).result
    lines = queries.lines(search, rows)
    context = {
        "search": search, "run": run, "lines": lines, "words": in_words(search.criteria), "quote": quote, "price": price, "price_words": price_words(price),
        "left": quote.left, "token": uuid.uuid4().hex, "show": show, "earlier": queries.has_results(search), "back": reverse("finding_list", args=[request.workspace.slug]),
        "unanswered": unanswered(search.provider, search.subject, search.criteria),
        "openings": sum(line.standing.open for line in lines), "orders": open_orders(search),
        "amount": price_words(quote.amount), "save_form": FindingSaveForm(search=search),
        "chips": [
            {"key": "new", "label": "New in the last run", "url": "?show=new"},
            {"key": "all", "label": "All that was found", "url": "?show=all"},
        ],
    }  # fmt: skip
    return render(request, "prospects/finding_detail.html", context)


@member_view("finding.run")
@require_POST
def finding_run(request: MemberRequest, findingsearch_id: UUID) -> HttpResponse:
    """Run it, at the price the page showed (`amount`), once a `token`."""
    search = _search(findingsearch_id)
    try:
        start_run(
            search=search, by=actor_of(request), now=clock.now(), token=request.POST.get("token", ""),
            confirmed=_amount(request),
        )  # fmt: skip
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _url(request, search), toast="Searching. The page follows by itself.")


@member_view("finding.run")
@require_POST
def finding_cancel(request: MemberRequest, findingrun_id: UUID) -> HttpResponse:
    """Ask no further."""
    run: FindingRun = get_object_or_404(FindingRun.objects.select_related("search"), pk=findingrun_id)
    try:
        cancel_run(run=run, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _url(request, run.search), toast="Stopped. What was found stays.")


@member_view("finding.run")
@require_POST
def finding_order(request: MemberRequest, findingsearch_id: UUID) -> HttpResponse:
    """The exact number and price of the selected rows, or of the best under a price (`act=best`); with `act=confirm`, add
    them."""
    search, now = _search(findingsearch_id), clock.now()
    act = request.POST.get("act", "ask")
    try:
        if act == "confirm":
            order_results(
                search=search, by=actor_of(request), now=now, ids=posted_ids(request), token=request.POST.get("token", ""),
                count=int(request.POST.get("count") or 0), confirmed=_amount(request),
            )  # fmt: skip
            return hx_redirect(
                request, _url(request, search), toast="They are being added. This can be undone like an import."
            )
        if act == "best":
            under, best = request.POST.get("under") or None, int(request.POST.get("best") or 0)
            if best < 1:
                raise Invalid("Write how many rows, 1 or more.")
            rows = choose(search, best=best, under=_decimal(under) if under else None)
            asked = len(rows)
        else:
            ids = selected_ids(request)
            rows, asked = choose(search, ids=ids), len(ids)
        if not rows:
            raise Invalid("None of these can be added: they are yours already, suppressed, or beyond the price.")
    except ValueError:
        return refusal(request, Invalid("Write a whole number of rows."))
    except AppError as error:
        return refusal(request, error)
    quote = queries.quote_rows(search, len(rows), now)
    context = {
        "search": search, "rows": rows[:10], "ids": [row.pk for row in rows], "quote": quote, "skipped": asked - len(rows),
        "token": uuid.uuid4().hex, "amount": price_words(quote.amount), "back": _url(request, search),
        "more": max(len(rows) - 10, 0), "lines": queries.lines(search, rows[:10]),
    }  # fmt: skip
    return render(request, "prospects/finding_order.html", context)


@member_view("finding.run")
@require_POST
def finding_save(request: MemberRequest, findingsearch_id: UUID) -> HttpResponse:
    """Keep it under a name, to run it again; `act=forget`: no longer."""
    search = _search(findingsearch_id)
    keep = request.POST.get("act") != "forget"
    update_search(search=search, by=actor_of(request), now=clock.now(), name=request.POST.get("name"), is_saved=keep)
    return hx_redirect(request, _url(request, search), toast="Saved. Run it again to see what is new since." if keep else "No longer among the saved ones.")  # fmt: skip


@member_view("finding.run")
def finding_delete(request: MemberRequest, findingsearch_id: UUID) -> HttpResponse:
    """Delete a search with its results."""
    search = _search(findingsearch_id)
    if request.method == "POST":
        delete_search(search=search, by=actor_of(request), now=clock.now())
        return hx_redirect(
            request, reverse("finding_list", args=[request.workspace.slug]), toast="The search is deleted."
        )
    context = {
        "title": "Delete this search?", "button_words": "Delete the search", "back": _url(request, search),
        "words": "Its results go too. What was added from it stays, and so does what it cost.",
        "action_url": reverse("finding_delete", args=[request.workspace.slug, search.pk]),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/signal_delete.html", context)


def _search(key: UUID) -> FindingSearch:
    found: FindingSearch = get_object_or_404(FindingSearch.objects.select_related("provider", "icp"), pk=key)
    return found


def _url(request: MemberRequest, search: FindingSearch) -> str:
    return reverse("finding_detail", args=[request.workspace.slug, search.pk])


def chosen(rows: Any, key: Any) -> Any:
    """The row somebody means, None for none and for what is no id of ours."""
    try:
        return rows.filter(pk=UUID(str(key))).first() if key else None
    except ValueError:
        return None


def posted_ids(request: MemberRequest) -> list[str]:
    """All that were confirmed: more than a page's selection may hold."""
    try:
        return [str(UUID(key)) for key in dict.fromkeys(request.POST.getlist("selected"))]
    except ValueError as error:
        raise Invalid("The selection cannot be read. Reload the page.") from error


def _amount(request: MemberRequest) -> Decimal:
    return _decimal(request.POST.get("amount") or "0")


def _decimal(text: str) -> Decimal:
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation as error:
        raise Invalid("Write an amount in digits, such as 12.50.") from error
    if not found.is_finite():
        raise Invalid("Write an amount in digits, such as 12.50.")
    return found
