"""Pages of campaigns: list, page, sheet, and the steps of its life."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.context import mounted
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.actions.campaigns import (
    create_campaign,
    end_campaign,
    pause_campaign,
    resume_campaign,
    start_campaign,
    update_campaign,
)
from prospects.forms.campaigns import CampaignFilter, CampaignForm, ConfirmForm, PauseForm
from prospects.models import Campaign, Lead, Offer
from prospects.queries import campaigns as queries
from prospects.queries.panels import panels
from prospects.queries.spend import spend_of
from prospects.views.listing import add_app_error, build_listing
from prospects.views.stages import form_act

LIST: dict[str, Any] = {"orders": queries.ORDERS, "nullable": queries.NULLABLE, "default": "-created_at"}
# Key, label, URL name and permission of the pages around outreach; those of upper apps by name only.
TABS = [
    ("sequences", "Sequences", "sequence_list", "sequences.view"),
    ("campaigns", "Campaigns", "campaign_list", "campaigns.view"),
    ("messages", "Messages", "message_list", "messages.view"),
    ("mailboxes", "Mailboxes", "mailbox_list", "mailboxes.view"),
    ("offers", "Offers", "offer_list", "offers.view"),
    ("spend", "Spend", "spend_list", "spend.view"),
]
STATE_TONES = {"draft": "neutral", "active": "success", "paused": "neutral", "ended": "neutral"}


def outreach_tabs(request: MemberRequest, active: str) -> dict[str, Any]:
    """Tabs of the pages around campaigns, as far as the role sees them."""
    slug = request.workspace.slug
    items = [
        {"key": key, "label": label, "url": reverse(name, args=[slug])}
        for key, label, name, permission in TABS
        if member_allows(request.member, permission) and mounted(name)
    ]
    return {"outreach_tabs": items, "outreach_tab": active, "nav_active": "sequences"}


def _shown(queryset: Any) -> Any:
    return queryset.select_related("owner", "offer")


def _get(campaign_id: UUID) -> Campaign:
    found: Campaign = get_object_or_404(Campaign.objects.select_related("owner", "offer", "icp"), pk=campaign_id)
    return found


def _url(request: MemberRequest, campaign: Campaign) -> str:
    return reverse("campaign_detail", args=[request.workspace.slug, campaign.pk])


@member_view("campaigns.view")
def campaign_list(request: MemberRequest) -> HttpResponse:
    """Campaigns by filters, in keyset pages, with budget against spend."""
    try:
        listing = build_listing(request, CampaignFilter, Campaign.objects.all(), show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    figures = queries.figures_of(listing.page.rows)
    for campaign in listing.page.rows:
        campaign.x_figures = figures[campaign.pk]
        campaign.x_tone = STATE_TONES[campaign.state]
    context = listing.context("campaigns") | outreach_tabs(request, "campaigns")
    context["shows_spend"] = member_allows(request.member, "spend.view")
    words = f"{listing.count} campaigns match"
    return render_page(request, "prospects/campaign_list.html", context, partial="results", announce=words)


@member_view("campaigns.view")
def campaign_detail(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Goal, offer and ICP, budget against spend, what runs in it, and the leads it opened."""
    campaign, now = _get(campaign_id), clock.now()
    figures = queries.figures_of([campaign])[campaign.pk]
    shows_spend = member_allows(request.member, "spend.view")
    leads = Lead.objects.filter(campaign=campaign).select_related("person", "company", "owner")
    context = {
        "campaign": campaign,
        "tone": STATE_TONES[campaign.state],
        "facts": _facts(campaign),
        "figures": figures,
        "open_words": f"{figures.open_leads} open",
        "share": figures.share_of(campaign.budget),
        "left": figures.left_of(campaign.budget),
        "shows_spend": shows_spend,
        "spend": spend_of(campaign) if shows_spend else [],
        "doubt": queries.channel_doubt(campaign),
        "leads": list(leads.order_by("-created_at", "-id")[:10]),
        "panels": panels("campaign", "page", campaign, now),
    } | outreach_tabs(request, "campaigns")
    return render(request, "prospects/campaign_detail.html", context)


@member_view("campaigns.edit")
def campaign_create(request: MemberRequest) -> HttpResponse:
    """A new campaign, as a draft or running at once; `?offer=` fills in what the offer knows."""
    initial: dict[str, Any] = {
        "owner": str(request.member.pk),
        "currency": request.workspace.currency,
        "channel": "email",
    }
    if request.method == "GET":
        offer = _asked_offer(request)
        if offer is not None:
            initial |= {"offer": offer.pk, "channel": offer.channels[0] if offer.channels else "email"}
    form = CampaignForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        start = request.POST.get("start") == "1"
        try:
            campaign = create_campaign(by=actor_of(request), now=clock.now(), start=start, **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            words = "runs." if start else "is a draft: nothing goes out before it is started."
            return hx_redirect(request, _url(request, campaign), toast=f"{campaign} {words}")
    return _form(request, form, None, reverse("campaign_list", args=[request.workspace.slug]))


@member_view("campaigns.view", post="campaigns.edit")
def campaign_edit(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Change the sheet of a campaign."""
    campaign = _get(campaign_id)
    form = CampaignForm(request.POST or None, campaign=campaign)
    if request.method == "POST" and form.is_valid():
        try:
            update_campaign(campaign=campaign, changes=form.changes(), by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _url(request, campaign), toast="Saved.")
    return _form(request, form, campaign, _url(request, campaign))


@member_view("campaigns.edit")
@require_POST
def campaign_start(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Let a draft run."""
    campaign = _get(campaign_id)
    try:
        start_campaign(campaign=campaign, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _url(request, campaign), toast=f"{campaign} runs.")


@member_view("campaigns.view", post="campaigns.edit")
def campaign_pause(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Hold everything of a campaign, with the reason."""
    campaign = _get(campaign_id)

    def do(values: dict[str, Any]) -> str:
        pause_campaign(campaign=campaign, reason=values["reason"], by=actor_of(request), now=clock.now())
        return f"{campaign} is paused."

    return form_act(
        request, PauseForm(request.POST or None), title="Pause the campaign", subject=str(campaign), label="Pause",
        back=_url(request, campaign), do=do, nav="sequences", note=_effects(campaign, "pause"),
    )  # fmt: skip


@member_view("campaigns.edit")
@require_POST
def campaign_resume(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Let a paused campaign go on."""
    campaign = _get(campaign_id)
    try:
        resume_campaign(campaign=campaign, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _url(request, campaign), toast=f"{campaign} goes on; what waited is looked at now.")


@member_view("campaigns.view", post="campaigns.edit")
def campaign_end(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """End a campaign for good, after saying who is still inside."""
    campaign = _get(campaign_id)

    def do(values: dict[str, Any]) -> str:
        end_campaign(campaign=campaign, by=actor_of(request), now=clock.now())
        return f"{campaign} has ended."

    return form_act(
        request, ConfirmForm(request.POST if request.method == "POST" else None), title="End the campaign",
        subject=str(campaign), label="End the campaign", back=_url(request, campaign), do=do, danger=True,
        nav="sequences", note=_effects(campaign, "end"),
    )  # fmt: skip


def _effects(campaign: Campaign, act: str) -> str:
    """What it does, in words; upper apps add how many people wait or stop."""
    words = {
        "pause": "Nothing of it is sent until it is resumed. Tasks that are open stay open.",
        "end": "It cannot be started again. Leads, deals and spend stay as they are.",
    }[act]
    said = [str(panel.context.get(act, "")) for panel in panels("campaign", "effects", campaign, clock.now())]
    return " ".join(filter(None, [*said, words]))


def _facts(campaign: Campaign) -> list[tuple[Any, ...]]:
    """(label, value, note) of what a campaign is; None is shown as unknown."""
    return [
        ("Goal", campaign.goal or None),
        ("Motion", campaign.get_motion_display()),
        ("Channel", campaign.get_channel_display()),
        ("Owner", str(campaign.owner) if campaign.owner else None),
        ("ICP", str(campaign.icp) if campaign.icp else None),
        ("Starts", campaign.starts_on),
        ("Ends", campaign.ends_on),
        ("External id", campaign.external_id or None),
    ]


def _asked_offer(request: MemberRequest) -> Offer | None:
    text = request.GET.get("offer", "")
    try:
        found: Offer | None = Offer.objects.filter(pk=UUID(text)).first() if text else None
    except ValueError:
        return None
    return found


def _form(request: MemberRequest, form: CampaignForm, campaign: Campaign | None, back: str) -> HttpResponse:
    context = {"form": form, "campaign": campaign, "back": back, "nav_active": "sequences"}
    return render(request, "prospects/campaign_form.html", context, status=422 if form.errors else 200)
