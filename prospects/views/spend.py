"""Pages of spend: lines, month totals by channel, what is missing."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.clock import local_date
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.actions.spend import create_spend, delete_spend, label_of, update_spend
from prospects.forms.spend import SpendFilter, SpendForm
from prospects.models import Campaign, Channel, Spend
from prospects.queries.spend import ORDERS, month_totals
from prospects.views.campaigns import outreach_tabs
from prospects.views.listing import add_app_error, build_listing


def _shown(queryset: Any) -> Any:
    return queryset.select_related("campaign")


@member_view("spend.view")
def spend_list(request: MemberRequest) -> HttpResponse:
    """Lines by filters, in keyset pages, under the totals of the last months by channel."""
    try:
        listing = build_listing(
            request, SpendFilter, Spend.objects.all(), show=_shown, orders=ORDERS, nullable=(), default="-starts_on"
        )
    except AppError as error:
        return refusal(request, error)
    context = listing.context("spend") | outreach_tabs(request, "spend")
    if not context["page"].previous and not request.headers.get("HX-Request"):
        context["totals"] = month_totals(today=local_date(clock.now(), request.workspace.time_zone))
    words = f"{listing.count} lines match"
    return render_page(request, "prospects/spend_list.html", context, partial="results", announce=words)


@member_view("spend.edit")
def spend_create(request: MemberRequest) -> HttpResponse:
    """A new line; `?campaign=` or `?channel=` fills in where it went."""
    today = local_date(clock.now(), request.workspace.time_zone)
    initial: dict[str, Any] = {"currency": request.workspace.currency, "starts_on": today}
    if request.GET.get("channel", "") in Channel.values:
        initial["channel"] = request.GET["channel"]
    campaign = _asked_campaign(request)
    if campaign is not None:
        initial |= {"campaign": campaign.pk, "channel": campaign.channel, "currency": campaign.currency}
    form = SpendForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            spend = create_spend(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _back(request, campaign), toast=f"Added: {label_of(spend)}.")
    return _form(request, form, None, _back(request, campaign))


@member_view("spend.view", post="spend.edit")
def spend_edit(request: MemberRequest, spend_id: UUID) -> HttpResponse:
    """Change a line."""
    spend = _get(spend_id)
    form = SpendForm(request.POST or None, spend=spend)
    if request.method == "POST" and form.is_valid():
        try:
            update_spend(spend=spend, changes=form.changes(), by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _back(request, None), toast="Saved.")
    return _form(request, form, spend, _back(request, None))


@member_view("spend.edit")
@require_POST
def spend_delete(request: MemberRequest, spend_id: UUID) -> HttpResponse:
    """Remove a line."""
    spend = _get(spend_id)
    words = label_of(spend)
    delete_spend(spend=spend, by=actor_of(request), now=clock.now())
    return hx_redirect(request, _back(request, None), toast=f"Deleted: {words}.")


def _get(spend_id: UUID) -> Spend:
    found: Spend = get_object_or_404(Spend.objects.select_related("campaign"), pk=spend_id)
    return found


def _asked_campaign(request: MemberRequest) -> Campaign | None:
    text = request.GET.get("campaign", "")
    try:
        found: Campaign | None = Campaign.objects.filter(pk=UUID(text)).first() if text else None
    except ValueError:
        return None
    return found


def _back(request: MemberRequest, campaign: Campaign | None) -> str:
    slug = request.workspace.slug
    return reverse("campaign_detail", args=[slug, campaign.pk]) if campaign else reverse("spend_list", args=[slug])


def _form(request: MemberRequest, form: SpendForm, spend: Spend | None, back: str) -> HttpResponse:
    context = {"form": form, "spend": spend, "back": back, "nav_active": "sequences"}
    if spend is not None:
        context["label"] = label_of(spend)
    return render(request, "prospects/spend_form.html", context, status=422 if form.errors else 200)
