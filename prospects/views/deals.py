"""Pages of deals: board, list, page, fact sheet, moving, winning, losing."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.clock import local_date, start_of_day
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, is_htmx, refusal, render_page
from prospects.actions.deals import create_deal, delete_deal, edit_deal, lose_deal, move_deal, win_deal
from prospects.forms.deals import DealFilter, DealForm, LoseForm, WinForm
from prospects.models import Channel, Company, Deal, Lead
from prospects.queries.activities import GROUPS, group_chips, timeline
from prospects.queries.deals import board, weighted_value
from prospects.queries.panels import contact_panel
from prospects.rules.deals import OPEN_STAGES
from prospects.views.leads import meetings_of, moment
from prospects.views.listing import add_app_error, build_listing, neighbours_in
from prospects.views.stages import form_act, posted

LIST: dict[str, Any] = {
    "orders": ("created_at", "opened_at", "closed_at", "value", "expected_close"),
    "nullable": ("opened_at", "closed_at", "value", "expected_close"), "default": "-created_at",
}  # fmt: skip
TONES = {"open": "primary", "won": "success", "lost": "danger"}


def _shown(queryset: Any) -> Any:
    return queryset.select_related("company", "person", "owner", "lead", "customer", "campaign")


def _get(deal_id: UUID) -> Deal:
    found: Deal = get_object_or_404(_shown(Deal.objects.all()), pk=deal_id)
    return found


def _url(request: MemberRequest, deal: Deal) -> str:
    return reverse("deal_detail", args=[request.workspace.slug, deal.pk])


def deal_tabs(request: MemberRequest, active: str) -> dict[str, Any]:
    """The tabs above every page around deals."""
    slug = request.workspace.slug
    pages = [
        ("board", "Board", "deal_board"),
        ("deals", "List", "deal_list"),
        ("customers", "Customers", "customer_list"),
    ]
    tabs = [{"key": key, "label": label, "url": reverse(name, args=[slug])} for key, label, name in pages]
    return {"deal_tabs": tabs, "deal_tab": active, "nav_active": "deals"}


@member_view("deals.view")
def deal_list(request: MemberRequest) -> HttpResponse:
    """Deals by filters, in keyset pages; also the set behind a figure."""
    try:
        listing = build_listing(request, DealFilter, Deal.objects.all(), show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    for deal in listing.page.rows:
        deal.x_tone = TONES[deal.outcome]
    context = listing.context("deals") | deal_tabs(request, "deals")
    words = f"{listing.count} deals match"
    return render_page(request, "prospects/deal_list.html", context, partial="results", announce=words)


@member_view("deals.view")
def deal_board(request: MemberRequest) -> HttpResponse:
    """Open deals as columns, with totals of the whole set."""
    return _board(request)


def _board(request: MemberRequest, toast: str | None = None) -> HttpResponse:
    filters = DealFilter(request.GET, queryset=Deal.objects.all(), request=request)
    context = {
        "columns": board(filters.qs, clock.now()), "form": filters.offer_owners(), "chips": filters.chips(),
        "stages": [(stage, Deal.DealStage(stage).label) for stage in OPEN_STAGES],
        "board_query": request.GET.urlencode(),
    }  # fmt: skip
    context |= deal_tabs(request, "board")
    return render_page(request, "prospects/deal_board.html", context, partial="results", toast=toast)


@member_view("deals.view")
def deal_detail(request: MemberRequest, deal_id: UUID) -> HttpResponse:
    """One deal: money, stage, lead, meetings, timeline, with the contact panel at the side."""
    deal, now = _get(deal_id), clock.now()
    before, after = neighbours_in(request, deal, DealFilter, Deal.objects.all(), show=_shown, **LIST)
    within = request.GET.get("in", "")
    reached = OPEN_STAGES.index(deal.stage) if deal.stage in OPEN_STAGES else len(OPEN_STAGES)
    context = {
        "deal": deal,
        "tone": TONES[deal.outcome],
        "is_open": deal.outcome == Deal.Outcome.OPEN,
        "stages": [
            (
                stage,
                Deal.DealStage(stage).label,
                "done" if number < reached else "current" if number == reached else "ahead",
            )
            for number, stage in enumerate(OPEN_STAGES)
        ],
        "weighted": weighted_value(deal),
        "facts": facts_of(deal),
        "meetings": meetings_of(now, deal=deal),
        "contact": contact_panel(deal.person, now) if deal.person else None,
        "before": before,
        "after": after,
        "within": f"?{urlencode({'in': within})}" if within else "",
        "list_url": reverse("deal_list", args=[request.workspace.slug]) + (f"?{within}" if within else ""),
        "nav_active": "deals",
    }
    return render(request, "prospects/deal_detail.html", context | _timeline(request, deal))


@member_view("deals.view")
def deal_timeline(request: MemberRequest, deal_id: UUID) -> HttpResponse:
    """One page of a deal's timeline."""
    try:
        context = _timeline(request, _get(deal_id))
    except AppError as error:
        return refusal(request, error)
    part = "items" if request.GET.get("cursor") else "list"
    return render(request, f"prospects/timeline.html#{part}", context)


@member_view("deals.edit")
def deal_create(request: MemberRequest) -> HttpResponse:
    """A new deal; `?lead=` or `?company=` fills in what they know."""
    lead = _asked(request, "lead", Lead)
    company = _asked(request, "company", Company) or (lead.company if lead else None)
    initial = {
        "owner": str(request.member.pk), "currency": request.workspace.currency, "stage": OPEN_STAGES[0], "company": company,
        "channel": lead.channel if lead else Channel.UNKNOWN, "campaign": lead.campaign_id if lead else None,
        "person": lead.person if lead else None, "name": str(company or (lead.person if lead else "") or ""),
    }  # fmt: skip
    form = DealForm(posted(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            deal = create_deal(by=actor_of(request), now=clock.now(), lead=lead, **form.values())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _url(request, deal), toast=f"{deal} is open.")
    return _form(request, form, None, reverse("deal_list", args=[request.workspace.slug]))


@member_view("deals.view", post="deals.edit")
def deal_edit(request: MemberRequest, deal_id: UUID) -> HttpResponse:
    """Change the facts of a deal."""
    deal = _get(deal_id)
    form = DealForm(posted(request), deal=deal)
    if request.method == "POST" and form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            edit_deal(deal=deal, changes=changes, by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _url(request, deal), toast="Saved.")
    return _form(request, form, deal, _url(request, deal))


@member_view("deals.edit")
@require_POST
def deal_stage(request: MemberRequest, deal_id: UUID) -> HttpResponse:
    """Move a deal by menu or by drag. From the board the board comes back, with its sums."""
    deal = _get(deal_id)
    try:
        move_deal(deal=deal, stage=request.POST.get("stage", ""), by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"{deal} is in {deal.get_stage_display().lower()}."
    if is_htmx(request):
        return _board(request, toast=words)
    return hx_redirect(request, _url(request, deal), toast=words)


@member_view("deals.view", post="deals.edit")
def deal_won(request: MemberRequest, deal_id: UUID) -> HttpResponse:
    """Close a deal as won."""
    deal = _get(deal_id)

    def do(values: dict[str, Any]) -> str:
        win_deal(deal=deal, at=_moment(request, values["on"]), by=actor_of(request), now=clock.now())
        return f"Won: {deal}. {deal.customer} is a customer."

    return form_act(
        request, WinForm(posted(request), initial={"on": local_date(clock.now(), request.workspace.time_zone)}),
        title="Won", subject=str(deal), label="Close as won", back=_url(request, deal), do=do, nav="deals",
        note="Makes the company a customer, or extends it, and takes the lead to its end.",
    )  # fmt: skip


@member_view("deals.view", post="deals.edit")
def deal_lost(request: MemberRequest, deal_id: UUID) -> HttpResponse:
    """Close a deal as lost, with the reason."""
    deal = _get(deal_id)

    def do(values: dict[str, Any]) -> str:
        lose_deal(
            deal=deal, reason=values["reason"], at=_moment(request, values["on"]), by=actor_of(request), now=clock.now()
        )
        return f"Lost: {deal}."

    return form_act(
        request, LoseForm(posted(request), initial={"on": local_date(clock.now(), request.workspace.time_zone)}),
        title="Lost", subject=str(deal), label="Close as lost", back=_url(request, deal), do=do, danger=True, nav="deals",
        note="The lead is lost with its last open deal. This cannot be undone.",
    )  # fmt: skip


@member_view("deals.edit")
@require_POST
def deal_delete(request: MemberRequest, deal_id: UUID) -> HttpResponse:
    """Delete a deal that was entered by mistake."""
    deal = _get(deal_id)
    name = str(deal)
    try:
        delete_deal(deal=deal, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, reverse("deal_list", args=[request.workspace.slug]), toast=f"{name} is deleted.")


def facts_of(deal: Deal) -> list[tuple[Any, ...]]:
    """(label, value, note) beside the money."""
    rows: list[tuple[Any, ...]] = [
        ("Owner", str(deal.owner) if deal.owner else "nobody"),
        ("Company", str(deal.company) if deal.company else None),
        ("Contact", str(deal.person) if deal.person else None),
        ("Channel", deal.get_channel_display()),
        ("Campaign", str(deal.campaign) if deal.campaign else "none"),
        ("Expected close", date_format(deal.expected_close, "j M Y") if deal.expected_close else None),
        ("Next step", deal.next_step or "none"),
        ("Opened", moment(deal.opened_at) or "undated"),
    ]
    if deal.outcome != Deal.Outcome.OPEN:
        rows.append(("Closed", moment(deal.closed_at) or "undated", deal.reason or None))
    return [*rows, ("External id", deal.external_id)] if deal.external_id else rows


def _moment(request: MemberRequest, day: Any) -> Any:
    """Now for today (or no date), else midnight of the day in the workspace's zone."""
    zone = request.workspace.time_zone
    return None if day is None or day == local_date(clock.now(), zone) else start_of_day(day, zone)


def _asked(request: MemberRequest, name: str, model: Any) -> Any:
    text = request.GET.get(name, "")
    try:
        return get_object_or_404(model.objects.all(), pk=UUID(text)) if text else None
    except ValueError:
        return None


def _form(request: MemberRequest, form: DealForm, deal: Deal | None, back: str) -> HttpResponse:
    context = {
        "form": form, "deal": deal, "back": back, "nav_active": "deals",
        "people_url": reverse("lead_people", args=[request.workspace.slug]),
    }  # fmt: skip
    return render(request, "prospects/deal_form.html", context, status=422 if form.errors else 200)


def _timeline(request: MemberRequest, deal: Deal) -> dict[str, Any]:
    group = request.GET.get("kinds", "")
    group = group if group in GROUPS else ""
    found = timeline(deal=deal, group=group, cursor=request.GET.get("cursor", ""))
    url = reverse("deal_timeline", args=[request.workspace.slug, deal.pk])
    return {
        "timeline": found, "timeline_url": url, "timeline_group": group, "timeline_chips": group_chips(group),
        "timeline_more": f"{url}?{urlencode({'kinds': group, 'cursor': found.older})}" if found.older else "",
    }  # fmt: skip
