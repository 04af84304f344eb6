"""Mailboxes in the settings: list, sheet, connection test, hold and release, the inbound endpoint and its key."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions import mailboxes as actions
from campaigns.forms.mailboxes import HoldForm, MailboxForm
from campaigns.models import InboundMail, Mailbox, SequenceMailbox
from campaigns.queries.mailboxes import TONES, check_of, usage_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.views.listing import sheet_or_page


@member_view("mailboxes.view")
def mailbox_list(request: MemberRequest) -> HttpResponse:
    """Every sending identity with today's use, by address. A workspace has tens of them, not thousands."""
    now = clock.now()
    rows = list(Mailbox.objects.select_related("member").order_by("address")[:500])
    usage = usage_of(rows, now)
    for row in rows:
        row.usage, row.tone, row.check = usage[row.pk], TONES[row.state], check_of(row, now)
    return render(request, "campaigns/mailbox_list.html", {"mailboxes": rows})


@sensitive_post_parameters("password")
@member_view("mailboxes.edit")
def mailbox_create(request: MemberRequest) -> HttpResponse:
    """A new mailbox; its connection is tested at once, by a worker."""
    form = MailboxForm(
        request.POST or None, initial={"member": str(request.member.pk), "from_name": str(request.member)}
    )
    if request.method == "POST" and form.is_valid():
        now, by = clock.now(), actor_of(request)
        try:
            mailbox = actions.create_mailbox(by=by, now=now, password=form.password_given() or "", **form.values())
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            actions.ask_check(mailbox=mailbox, by=by, now=now)
            return hx_redirect(request, _url(request, mailbox), toast=f"{mailbox.address} is added.")
    return render(
        request, "campaigns/mailbox_form.html", {"form": form, "mailbox": None}, status=422 if form.errors else 200
    )


@sensitive_post_parameters("password")
@member_view("mailboxes.edit")
def mailbox_edit(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Change a mailbox; a new server or log-in is tested at once."""
    mailbox = get_object_or_404(Mailbox.objects.select_related("member"), pk=mailbox_id)
    form = MailboxForm(request.POST or None, mailbox=mailbox)
    if request.method == "POST" and form.is_valid():
        now, by = clock.now(), actor_of(request)
        try:
            changed = actions.update_mailbox(
                mailbox=mailbox, changes=form.values(), by=by, now=now, password=form.password_given()
            )
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
            mailbox.refresh_from_db()
        else:
            if actions.CONNECTION & set(changed):
                actions.ask_check(mailbox=mailbox, by=by, now=now)
            return hx_redirect(request, _url(request, mailbox), toast="Saved." if changed else "Nothing changed.")
    context = {"form": form, "mailbox": mailbox}
    return render(request, "campaigns/mailbox_form.html", context, status=422 if form.errors else 200)


@member_view("mailboxes.view")
def mailbox_detail(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """One mailbox: state, use, the last test (htmx asks for that part alone while it runs), the inbound endpoint."""
    mailbox = get_object_or_404(Mailbox.objects.select_related("member"), pk=mailbox_id)
    now = clock.now()
    context = {"mailbox": mailbox, "check": check_of(mailbox, now)}
    if request.htmx:
        return render_page(request, "campaigns/mailbox_detail.html", context, partial="check")
    usage = usage_of([mailbox], now)[mailbox.pk]
    facts = [
        ("Sender", f"{mailbox.from_name} <{mailbox.address}>"),
        ("Whose", str(mailbox.member) if mailbox.member else "nobody’s"),
        ("Server", f"{mailbox.host}:{mailbox.port}, {mailbox.get_security_display()}"),
        ("User name", mailbox.username or "no log-in"),
        ("Password", "stored encrypted, never shown" if mailbox.password_sealed else "none"),
        ("Most e-mails", f"{mailbox.daily_cap:,} in any 24 hours"),
        ("Between two", f"at least {mailbox.min_gap_seconds} s" if mailbox.min_gap_seconds else "no gap"),
        ("Added", mailbox.created_at),
    ]
    sequences = SequenceMailbox.objects.filter(mailbox=mailbox).select_related("sequence").order_by("sequence__name")
    latest = InboundMail.objects.filter(mailbox=mailbox).order_by("-received_at", "-id")
    context |= {
        "usage": usage,
        "tone": TONES[mailbox.state],
        "facts": facts,
        "sequences": [row.sequence for row in sequences[:50]],
        "latest": list(latest.select_related("person")[:5]),
        "inbound_url": actions.inbound_address(mailbox),
    }
    return render(request, "campaigns/mailbox_detail.html", context)


@member_view("mailboxes.edit")
@require_POST
def mailbox_check(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Ask a worker to connect and log in; the page polls the result from the row."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    now = clock.now()
    actions.ask_check(mailbox=mailbox, by=actor_of(request), now=now)
    if not request.htmx:
        return hx_redirect(
            request, _url(request, mailbox), toast="The test runs. Reload this page to see what it found."
        )
    context = {"mailbox": mailbox, "check": check_of(mailbox, now)}
    return render_page(
        request, "campaigns/mailbox_detail.html", context, partial="check", announce="Testing the connection"
    )


@member_view("mailboxes.edit")
def mailbox_hold(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Send nothing more from it, with a reason."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.hold_mailbox(mailbox=mailbox, by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            words = f"{mailbox.address} is held. What is planned waits."
            return hx_redirect(request, _url(request, mailbox), toast=words)
    waiting = usage_of([mailbox], clock.now())[mailbox.pk].waiting
    context = {"form": form, "mailbox": mailbox, "waiting": waiting, "back": _url(request, mailbox)}
    return sheet_or_page(request, "campaigns/mailbox_hold.html", context, status=422 if form.errors else 200)


@member_view("mailboxes.edit")
@require_POST
def mailbox_release(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Send again."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    try:
        actions.release_mailbox(mailbox=mailbox, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _url(request, mailbox), toast=f"{mailbox.address} sends again, within its caps.")


@never_cache
@sensitive_variables("key")
@member_view("mailboxes.edit")
@require_POST
def mailbox_key(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """A new key for the inbound endpoint. It stands in this one answer and nowhere else."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    key = actions.rotate_inbound_key(mailbox=mailbox, by=actor_of(request), now=clock.now())
    context: dict[str, Any] = {"mailbox": mailbox, "key": key, "inbound_url": actions.inbound_address(mailbox)}
    return render(request, "campaigns/mailbox_key.html", context)


def _url(request: MemberRequest, mailbox: Mailbox) -> str:
    return reverse("mailbox_detail", args=[request.workspace.slug, mailbox.pk])
