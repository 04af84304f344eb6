"""Pages of offers: list and sheet."""

from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.counts import count_up_to
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions.offers import create_offer, delete_offer, update_offer
from prospects.forms.offers import OfferForm
from prospects.models import Campaign, Channel, Offer
from prospects.views.campaigns import outreach_tabs
from prospects.views.listing import add_app_error

ORDERS = ("name", "created_at")


@member_view("offers.view")
def offer_list(request: MemberRequest) -> HttpResponse:
    """What is sold to whom, with the channels that suit it and the campaigns that carry it."""
    try:
        order = Order.parse(request.GET.get("sort") or "name", allowed=ORDERS)
        page = keyset(Offer.objects.all(), order=order, cursor=request.GET.get("cursor", ""))
    except AppError as error:
        return refusal(request, error)
    named = dict(
        Campaign.objects.filter(offer__in=[offer.pk for offer in page]).values_list("offer_id").annotate(n=Count("id"))
    )
    labels = dict(Channel.choices)
    for offer in page:
        offer.x_campaigns = named.get(offer.pk, 0)
        offer.x_channels = [labels[channel] for channel in offer.channels]
    context = {
        "offers": page.rows, "page": page, "count": count_up_to(Offer.objects.all()), "sort": str(order),
    } | outreach_tabs(request, "offers")  # fmt: skip
    return render_page(request, "prospects/offer_list.html", context, partial="results")


@member_view("offers.edit")
def offer_create(request: MemberRequest) -> HttpResponse:
    """A new offer."""
    form = OfferForm(request.POST or None, initial={"currency": request.workspace.currency})
    if request.method == "POST" and form.is_valid():
        try:
            offer = create_offer(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast=f"{offer} is added.")
    return _form(request, form, None)


@member_view("offers.view", post="offers.edit")
def offer_edit(request: MemberRequest, offer_id: UUID) -> HttpResponse:
    """Change an offer; who may not sees it as it is."""
    offer = _get(offer_id)
    form = OfferForm(request.POST or None, offer=offer)
    if request.method == "POST" and form.is_valid():
        try:
            update_offer(offer=offer, changes=form.changes(), by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast="Saved.")
    return _form(request, form, offer)


@member_view("offers.edit")
@require_POST
def offer_delete(request: MemberRequest, offer_id: UUID) -> HttpResponse:
    """Remove an offer; its campaigns stay."""
    offer = _get(offer_id)
    name = str(offer)
    count = delete_offer(offer=offer, by=actor_of(request), now=clock.now())
    words = f"{name} is deleted." + (f" {count} campaigns stay without an offer." if count else "")
    return hx_redirect(request, _list(request), toast=words)


def _get(offer_id: UUID) -> Offer:
    found: Offer = get_object_or_404(Offer.objects.all(), pk=offer_id)
    return found


def _list(request: MemberRequest) -> str:
    return reverse("offer_list", args=[request.workspace.slug])


def _form(request: MemberRequest, form: OfferForm, offer: Offer | None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "offer": offer, "back": _list(request), "nav_active": "sequences"}
    if offer is not None:
        context["campaigns"] = list(Campaign.objects.filter(offer=offer).order_by("-created_at", "-id")[:20])
        context["campaign_count"] = Campaign.objects.filter(offer=offer).count()
    return render(request, "prospects/offer_form.html", context, status=422 if form.errors else 200)
