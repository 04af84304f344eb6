"""Messages in their five states: list, page, and a person's word on what is unknown."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions.outcomes import settle_unknown
from campaigns.actions.settlement import WAIT_FOR_EVIDENCE, send_again
from campaigns.forms.messages import MessageFilter
from campaigns.models import Message
from campaigns.queries import messages as queries
from campaigns.queries.hits import hits_of
from campaigns.views.sequences import get_sequence, head
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.models import Campaign
from prospects.views.campaigns import outreach_tabs
from prospects.views.listing import build_listing

LIST: dict[str, Any] = {"orders": queries.ORDERS, "nullable": queries.NULLABLE, "default": "-created_at"}
# Filters that come by links only: they stay when another is chosen.
SETTLED = {
    "sent": "It counts as sent; the sequence goes on.",
    "skip": "Skipped; the sequence goes on.",
    "again": "It is planned once more, with the same Message-ID. If the first is proven before it goes, it is stopped.",
}
HIDDEN = ("sequence", "campaign", "mailbox", "person", "enrolment", "reason_code")


@member_view("messages.view")
def message_list(request: MemberRequest) -> HttpResponse:
    """Every message by filters, in keyset pages; the five states of a campaign add up above its rows."""
    within = _campaign_of(request)
    scope: dict[str, Any] = {"campaign": within} if within is not None else {}
    context = outreach_tabs(request, "messages") | {"within": within}
    return _list(request, Message.objects.all(), scope, context, "campaigns/message_list.html")


@member_view("messages.view")
def sequence_messages(request: MemberRequest, sequence_id: UUID) -> HttpResponse:
    """The messages of one sequence."""
    sequence = get_sequence(sequence_id)
    rows = Message.objects.filter(enrolment__sequence=sequence)
    context = head(request, sequence, "messages")
    return _list(request, rows, {"enrolment__sequence": sequence}, context, "campaigns/sequence_messages.html")


def _list(
    request: MemberRequest, rows: Any, scope: dict[str, Any], context: dict[str, Any], template: str
) -> HttpResponse:
    try:
        listing = build_listing(request, MessageFilter, rows, show=queries.with_related, **LIST)
    except AppError as error:
        return refusal(request, error)
    for message in listing.page.rows:
        message.x_tone = queries.TONES[message.state]
    counts = queries.balance(**scope)
    state, query = request.GET.get("state", ""), request.GET.copy()
    for gone in ("state", "cursor"):
        query.pop(gone, None)
    tail = f"&{query.urlencode()}" if query else ""
    context |= listing.context("rows") | {
        "balance": [
            row | {"url": f"?state={row['state']}{tail}", "on": state == row["state"]}
            for row in queries.balance_rows(counts)
        ],
        "hidden_filters": {name: request.GET[name] for name in HIDDEN if request.GET.get(name)},
        "balance_all": counts["all"],
        "all_url": f"?{query.urlencode()}",
    }  # fmt: skip
    words = f"{listing.count} messages match"
    return render_page(request, template, context, partial="results", announce=words)


@member_view("messages.view")
def message_detail(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """What was or will be sent, frozen; its headers, the server's answer, clicks and replies."""
    message = _get(message_id)
    context = {
        "message": message,
        "tone": queries.TONES[message.state],
        "state_help": queries.STATE_HELP[message.state],
        "headers": _headers(message),
        "facts": _facts(message),
        "clicks": hits_of(message),
        "links": queries.links_of(message),
        "replies": queries.replies_to(message),
        "copies": queries.copies_in_words(message),
        "is_unknown": message.state == Message.State.UNKNOWN,
        "skipped_at": message.submitted_at + WAIT_FOR_EVIDENCE if message.submitted_at else None,
        "back": reverse("sequence_messages", args=[request.workspace.slug, message.enrolment.sequence_id])
        if message.enrolment
        else reverse("message_list", args=[request.workspace.slug]),
        "nav_active": "sequences",
    }
    return render(request, "campaigns/message_detail.html", context)


@member_view("messages.settle")
@require_POST
def message_settle(request: MemberRequest, message_id: UUID) -> HttpResponse:
    """A person decides about an unknown message: it counts as sent, is skipped, or is planned once more."""
    message, by, now = _get(message_id), actor_of(request), clock.now()
    outcome = request.POST.get("outcome", "")
    if outcome not in SETTLED:
        return hx_redirect(request, _url(request, message), toast="Choose sent, skip or again.", tone="warning")
    try:
        if outcome == "again":
            send_again(message=message, by=by, now=now)
        else:
            settle_unknown(message=message, sent=outcome == "sent", by=by, now=now)
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _url(request, message), toast=SETTLED[outcome])


def _campaign_of(request: MemberRequest) -> Campaign | None:
    """The campaign of `?campaign=`, where it is one here."""
    try:
        found: Campaign | None = Campaign.objects.filter(pk=UUID(request.GET.get("campaign", ""))).first()
    except ValueError:
        return None
    return found


def _url(request: MemberRequest, message: Message) -> str:
    return reverse("message_detail", args=[request.workspace.slug, message.pk])


def _get(message_id: UUID) -> Message:
    found: Message = get_object_or_404(queries.with_related(Message.objects.all()), pk=message_id)
    return found


def _headers(message: Message) -> list[tuple[str, Any]]:
    """The headers that say who, to whom and in which thread, as the mail carries them."""
    found: list[tuple[str, Any]] = [
        ("From", f"{message.mailbox.from_name} <{message.mailbox.address}>"),
        ("To", f"{message.to_name} <{message.to_address}>" if message.to_name else message.to_address),
        ("Subject", message.subject or "(none)"),
        ("Message-ID", f"<{message.message_id}>" if message.message_id else "(made when it is sent)"),
    ]
    if message.in_reply_to:
        found.append(("In-Reply-To", f"<{message.in_reply_to}>"))
    if message.kind == Message.Kind.STEP and message.text:
        found.append(("List-Unsubscribe", "their own link, one click (RFC 8058)"))
    return found


def _facts(message: Message) -> list[tuple[Any, ...]]:
    """(label, value, note) of a message's way."""
    rows: list[tuple[Any, ...]] = [
        ("Campaign", str(message.campaign) if message.campaign else None),
        ("Written", message.created_at),
        ("Due", message.due_at),
    ]
    if message.first_submitted_at and message.first_submitted_at != message.submitted_at:
        rows.append(
            ("First copy handed over", message.first_submitted_at, "its answer was lost; a person sent it again")
        )
    if message.submitted_at:
        rows.append(("Handed over", message.submitted_at, f"attempt {message.attempt}"))
    if message.settled_at:
        rows.append(("Settled", message.settled_at, f"by {message.settled_by}" if message.settled_by else ""))
    if message.response:
        rows.append(("The server said", message.response))
    if message.bounced_at:
        rows.append(("Bounced", message.bounced_at, message.bounce_type))
    if message.replied_at:
        rows.append(("Replied", message.replied_at))
    return rows
