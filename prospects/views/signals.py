"""Pages of signals: the list with what waits, telling one by hand, matching, dismissing."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid, Refused
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.actions.companies import find_or_create_company
from prospects.actions.signals import dismiss_signals, match_signal, match_waiting, record_signal, restore_signal
from prospects.forms.signals import SignalFilter, SignalForm
from prospects.models import Company, Person, Signal
from prospects.queries import signals as queries
from prospects.rules import normalise
from prospects.rules.signals import freshness
from prospects.views.listing import add_app_error, build_listing, sheet_or_page

LIST: dict[str, Any] = {"orders": queries.ORDERS, "nullable": (), "default": "-at"}


def signal_tabs(request: MemberRequest, waiting: int | None = None) -> list[dict[str, Any]]:
    """The pages around signals."""
    slug = request.workspace.slug
    url = reverse("signal_list", args=[slug])
    count = queries.waiting() if waiting is None else waiting
    return [
        {"key": "matched", "label": "Signals", "url": url},
        {"key": "unmatched", "label": "Not matched", "url": f"{url}?state=unmatched", "count": count},
        {"key": "sources", "label": "Sources", "url": reverse("signal_source_list", args=[slug])},
        {"key": "triggers", "label": "Triggers", "url": reverse("signal_trigger_list", args=[slug])},
    ]


@member_view("signals.view")
def signal_list(request: MemberRequest) -> HttpResponse:
    """Signals by filters; without one, those that were matched."""
    state = request.GET.get("state", "")
    rows = Signal.objects.all() if state else Signal.objects.filter(state=Signal.State.MATCHED)
    try:
        listing = build_listing(request, SignalFilter, rows, show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    now = clock.now()
    guesses = queries.guesses(listing.page.rows)
    for row in listing.page.rows:
        row.x_percent = round(freshness(row.kind, row.at, now) * 100)
        row.x_icon, row.x_guess = queries.ICONS[row.kind], guesses.get(row.pk)
    context = listing.context("signals") | {
        "signal_tabs": signal_tabs(request), "signal_tab": "unmatched" if state == Signal.State.UNMATCHED else "matched",
        "state": state,
    }  # fmt: skip
    words = f"{listing.count} {'signal' if listing.count.value == 1 else 'signals'} match"
    return render_page(request, "prospects/signal_list.html", context, partial="results", announce=words)


def _shown(queryset: Any) -> Any:
    return queryset.select_related("company", "person", "source", "decided_by")


@member_view("signals.edit")
def signal_create(request: MemberRequest) -> HttpResponse:
    """Tell a signal by hand; `?company=` or `?person=` says about whom."""
    company, person = _about(request, Company, "company"), _about(request, Person, "person")
    form = SignalForm(request.POST or None)
    if company is not None or person is not None:
        for name in ("domain", "company_name", "email"):
            del form.fields[name]
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if value not in ("", None)}
        try:
            signal, new = record_signal(by=actor_of(request), now=clock.now(), company=company, person=person, **values)
        except AppError as error:
            add_app_error(form, error)
        else:
            words = "Signal added." if new else "It was there already."
            if signal.state == Signal.State.UNMATCHED:
                return hx_redirect(
                    request, f"{_list(request)}?state=unmatched", toast=f"{words} It is matched to nobody yet."
                )
            return hx_redirect(request, _page_of(request, signal), toast=words)
    context = {
        "form": form, "about": company or person, "action_url": request.get_full_path(),
        "back": _page(request, company, person) or _list(request),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/signal_form.html", context, status=422 if form.errors else 200)


@member_view("signals.edit")
def signal_match(request: MemberRequest, signal_id: UUID) -> HttpResponse:
    """Say whom a waiting signal is about: one of those it looks like, a company by its domain, or a new one."""
    signal = _get(signal_id)
    context: dict[str, Any] = {
        "signal": signal, "candidates": queries.candidates(signal), "back": f"{_list(request)}?state=unmatched",
        "domain": request.POST.get("domain", signal.about_domain), "error": "",
    }  # fmt: skip
    if request.method != "POST":
        return sheet_or_page(request, "prospects/signal_match.html", context)
    try:
        company = _chosen(request, signal)
        count = match_signal(signal=signal, by=actor_of(request), now=clock.now(), company=company, person=None)
    except AppError as error:
        context["error"] = error.message
        return sheet_or_page(request, "prospects/signal_match.html", context, status=422)
    words = f"{count} signals are about {company} now." if count > 1 else f"Matched to {company}."
    return hx_redirect(request, context["back"], toast=words)


def _chosen(request: MemberRequest, signal: Signal) -> Company:
    text = request.POST.get("company", "")
    if text and text != "other":
        try:
            company = Company.objects.filter(pk=UUID(text)).first()
        except ValueError:
            company = None
        if company is None:
            raise Invalid("Choose a company from the list.", field="company")
        return company
    domain = request.POST.get("domain", "").strip()
    if not domain:
        raise Invalid("Choose a company, or give the domain of another.", field="domain")
    try:
        key = normalise.domain(domain)
    except normalise.Unusable as error:
        raise Invalid(f"{error} {error.remedy}".strip(), field="domain") from error
    known = Company.objects.filter(domain=key).first()
    if known is not None:
        return known
    if not member_allows(request.member, "companies.edit"):
        raise Refused(f"There is no company with the domain {key}, and your role may not add one.")
    return find_or_create_company(
        by=actor_of(request),
        now=clock.now(),
        domain=key,
        name=signal.about_company,
        source=f"signal: {signal.origin}"[:120],
    )


@member_view("signals.edit")
@require_POST
def signal_dismiss(request: MemberRequest, signal_id: UUID) -> HttpResponse:
    """Not of interest."""
    signal = _get(signal_id)
    dismiss_signals(signals=[signal], by=actor_of(request), now=clock.now())
    return hx_redirect(request, _back(request, signal), toast="Dismissed. It stays in the list of dismissed signals.")


@member_view("signals.edit")
@require_POST
def signal_restore(request: MemberRequest, signal_id: UUID) -> HttpResponse:
    """Take a dismissal back."""
    signal = _get(signal_id)
    try:
        restore_signal(signal=signal, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, f"{_list(request)}?state=dismissed", toast="It counts again.")


@member_view("signals.edit")
@require_POST
def signal_rematch(request: MemberRequest) -> HttpResponse:
    """Look again for companies of the domains that wait."""
    count = match_waiting(now=clock.now())
    words = (
        f"{count} {'signal' if count == 1 else 'signals'} matched." if count else "Still no company has these domains."
    )
    return hx_redirect(request, f"{_list(request)}?state=unmatched", toast=words)


def _get(signal_id: UUID) -> Signal:
    found: Signal = get_object_or_404(queries.listed(), pk=signal_id)
    return found


def _about(request: MemberRequest, model: Any, name: str) -> Any:
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        key = UUID(text)
    except ValueError:
        return None
    return get_object_or_404(model.objects.all(), pk=key)


def _list(request: MemberRequest) -> str:
    return reverse("signal_list", args=[request.workspace.slug])


def _page(request: MemberRequest, company: Company | None, person: Person | None) -> str:
    slug = request.workspace.slug
    if person is not None:
        return reverse("person_detail", args=[slug, person.pk])
    return reverse("company_detail", args=[slug, company.pk]) if company is not None else ""


def _page_of(request: MemberRequest, signal: Signal) -> str:
    return _page(request, signal.company, signal.person) or _list(request)


def _back(request: MemberRequest, signal: Signal) -> str:
    if request.POST.get("from") == "page":
        return _page_of(request, signal)
    return (
        f"{_list(request)}?state=unmatched"
        if signal.company_id is None and signal.person_id is None
        else _list(request)
    )


__all__ = ["render", "signal_list", "signal_tabs"]
