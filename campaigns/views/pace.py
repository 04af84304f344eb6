"""A mailbox's pace: caps, gaps and window, its ramp, a rest, and giving its people to another mailbox."""

from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions.health import end_ramp, rest_mailbox, start_ramp, zone_of
from campaigns.actions.mailboxes import update_mailbox
from campaigns.actions.moves import move_unwritten, unwritten
from campaigns.actions.pacing import RoomNow, rooms_of
from campaigns.forms.pace import EndRampForm, MoveForm, PaceForm, RestForm
from campaigns.models import Mailbox
from campaigns.queries.mailboxes import TONES, usage_of
from campaigns.queries.pace import bounce_rates, ramp_of, standings
from campaigns.rules import pacing
from campaigns.rules.bulk_senders import AS_OF, WARN_FROM
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect
from prospects.views.listing import sheet_or_page


def pace_of(mailbox: Mailbox, now: datetime) -> dict[str, Any]:
    """What the pages say about a mailbox's pace: state, room this moment, ramp, bounce rate, its rules in words."""
    usage = usage_of([mailbox], now)[mailbox.pk]
    room = rooms_of([mailbox], used={mailbox.pk: usage.used}, now=now)[mailbox.pk]
    return {
        "usage": usage, "room": room, "tone": TONES[mailbox.state], "ramp": ramp_of(mailbox),
        "rate": bounce_rates([mailbox.pk])[mailbox.pk], "rate_limit": pacing.RATE_LIMIT,
        "goes": goes_words(mailbox, room, now), "not_connected": not_connected(mailbox), "rules": rule_words(mailbox),
    }  # fmt: skip


def goes_words(mailbox: Mailbox, room: RoomNow, now: datetime) -> str:
    """ "now", "Thu 09:12", or why nobody knows."""
    if mailbox.sends and not_connected(mailbox):
        return "when it is connected"
    if not room.code:
        return "now"
    return pacing.clock_words(room.free_at, now=now, zone=zone_of(mailbox)) if room.free_at else "when it is released"


def not_connected(mailbox: Mailbox) -> bool:
    """Nobody has agreed at Google or Microsoft yet, so nothing can leave."""
    return mailbox.auth != Mailbox.Auth.PASSWORD and not mailbox.oauth_sealed


def rule_words(mailbox: Mailbox) -> list[tuple[str, str]]:
    """Its rules as facts."""
    gap = f"at least {mailbox.min_gap_seconds} s" if mailbox.min_gap_seconds else "no gap"
    if mailbox.gap_jitter_seconds:
        gap = f"{mailbox.min_gap_seconds} to {mailbox.min_gap_seconds + mailbox.gap_jitter_seconds} s"
    window = pacing.own_window(mailbox.window_start, mailbox.window_end, mailbox.window_weekdays)
    return [
        ("Daily limit", f"{mailbox.daily_cap:,} in any 24 hours"),
        ("Gap between e-mails", gap),
        ("Per company", f"{mailbox.domain_cap:,} in any 24 hours" if mailbox.domain_cap else "no limit"),
        (
            "Working hours",
            f"{window.words()}, {_days(mailbox.window_weekdays)}" if window else "whenever the sequence may",
        ),
        ("Weight in a pool", str(mailbox.weight)),
    ]


def _days(weekdays: list[int]) -> str:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return "Mon to Fri" if sorted(weekdays) == [0, 1, 2, 3, 4] else " ".join(names[day] for day in sorted(weekdays))


@member_view("mailboxes.view", post="mailboxes.edit")
def mailbox_pace(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Caps, gaps and window to change; the ramp with its evidence; how near the bulk senders' rules are."""
    mailbox = get_object_or_404(Mailbox.objects.select_related("member"), pk=mailbox_id)
    now = clock.now()
    form = PaceForm(request.POST or None, mailbox=mailbox)
    if request.method == "POST" and form.is_valid():
        try:
            changed = update_mailbox(mailbox=mailbox, changes=form.values(), by=actor_of(request), now=now)
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
            mailbox.refresh_from_db()
        else:
            return hx_redirect(request, _url(request, mailbox), toast="Saved." if changed else "Nothing changed.")
    context = pace_of(mailbox, now) | {
        "mailbox": mailbox, "form": form, "standings": standings(now, domain=mailbox.domain), "as_of": AS_OF,
        "warn_from": WARN_FROM, "unwritten": unwritten(mailbox).count(), "ramp_start": pacing.RAMP_START,
        "ramp_step": pacing.RAMP_STEP, "rate_least": pacing.RATE_LEAST, "nav_active": "settings",
    }  # fmt: skip
    return render(request, "campaigns/mailbox_pace.html", context, status=422 if form.errors else 200)


@member_view("mailboxes.edit")
def mailbox_rest(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Send nothing until a day, then go on by itself."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    now = clock.now()
    zone = ZoneInfo(zone_of(mailbox))
    form = RestForm(request.POST or None, today=now.astimezone(zone).date())
    if request.method == "POST" and form.is_valid():
        until = datetime.combine(form.cleaned_data["until"], time(0), zone)
        try:
            rest_mailbox(
                mailbox=mailbox, until=until, reason=form.cleaned_data["reason"], by=actor_of(request), now=now
            )
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return hx_redirect(request, _url(request, mailbox, "mailbox_detail"), toast=f"{mailbox.address} rests.")
    return _sheet(request, mailbox, form, "Let it rest", "Let it rest", "mailbox_rest")


@member_view("mailboxes.edit")
def mailbox_ramp_end(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """It is warmed up already: say why."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    form = EndRampForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ended = end_ramp(mailbox=mailbox, by=actor_of(request), now=clock.now(), **form.cleaned_data)
        words = f"{mailbox.address} may send {mailbox.daily_cap:,} a day now." if ended else "It is not warming up."
        return hx_redirect(request, _url(request, mailbox), toast=words)
    return _sheet(request, mailbox, form, "End the warm-up", "It is warmed up", "mailbox_ramp_end")


@member_view("mailboxes.edit")
@require_POST
def mailbox_ramp_start(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Warm it up from the start again."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    begun = start_ramp(mailbox=mailbox, by=actor_of(request), now=clock.now())
    words = f"{mailbox.address} starts again with {pacing.RAMP_START} a day." if begun else "There is nothing to ramp."
    return hx_redirect(request, _url(request, mailbox), toast=words)


@member_view("mailboxes.edit")
def mailbox_move(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Give the people nobody wrote to yet to another mailbox."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    form = MoveForm(request.POST or None, mailbox=mailbox)
    if request.method == "POST" and form.is_valid():
        target = form.cleaned_data["to"]
        try:
            moved = move_unwritten(source=mailbox, target=target, by=actor_of(request), now=clock.now())
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            people = "1 person goes" if moved == 1 else f"{moved:,} people go"
            return hx_redirect(request, _url(request, mailbox), toast=f"{people} on with {target.address}.")
    count = unwritten(mailbox).count()
    return _sheet(request, mailbox, form, "Move people", "Move them", "mailbox_move", count=count)


def _sheet(
    request: MemberRequest, mailbox: Mailbox, form: Any, title: str, act: str, name: str, **more: Any
) -> HttpResponse:
    context = more | {
        "mailbox": mailbox, "form": form, "sheet_title": title, "act": act, "action_url": _url(request, mailbox, name),
        "back": _url(request, mailbox), "kind": name,
    }  # fmt: skip
    return sheet_or_page(request, "campaigns/mailbox_pace_dialog.html", context, status=422 if form.errors else 200)


def _url(request: MemberRequest, mailbox: Mailbox, name: str = "mailbox_pace") -> str:
    return reverse(name, args=[request.workspace.slug, mailbox.pk])
