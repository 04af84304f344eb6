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
from accounts.permissions import member_allows
from campaigns.actions import mailboxes as actions
from campaigns.actions.esp import esp_address
from campaigns.actions.health import hold_mailbox, release_mailbox
from campaigns.actions.mailbox_checks import ask_check
from campaigns.actions.mailbox_secrets import opened_dict
from campaigns.actions.oauth import client_problem
from campaigns.actions.pacing import rooms_of
from campaigns.forms.mailboxes import HoldForm, MailboxForm
from campaigns.models import InboundMail, Mailbox, SequenceMailbox
from campaigns.queries.domains import domain_of, states_of
from campaigns.queries.freshness import is_stale
from campaigns.queries.inbox import KNOWN
from campaigns.queries.mailboxes import TONES, check_of, usage_of
from campaigns.queries.mailsync import complete_words, reading_of
from campaigns.queries.pace import bounce_rates, ramp_of
from campaigns.rules import providers
from campaigns.transports.services import SERVICES
from campaigns.views.pace import goes_words, not_connected, pace_of
from leadgen.core import clock, secrets
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.views.listing import sheet_or_page


@member_view("mailboxes.view")
def mailbox_list(request: MemberRequest) -> HttpResponse:
    """Every sending identity with today's use, by address. A workspace has tens of them, not thousands."""
    now = clock.now()
    rows = list(Mailbox.objects.select_related("member").order_by("address")[:500])
    usage = usage_of(rows, now)
    rooms = rooms_of(rows, used={pk: found.used for pk, found in usage.items()}, now=now)
    rates = bounce_rates([row.pk for row in rows])
    for row in rows:
        row.usage, row.tone, row.check = usage[row.pk], TONES[row.state], check_of(row, now)
        row.room, row.ramp, row.rate = rooms[row.pk], ramp_of(row), rates[row.pk]
        row.goes = goes_words(row, row.room, now)
        row.owner_words = str(row.member) if row.member else ""
        row.not_connected = not_connected(row)
        row.complete, row.is_read_lately = complete_words(row, now), not is_stale(row, now)
    return render(request, "campaigns/mailbox_list.html", {"mailboxes": rows})


SECRET_FIELDS = actions.SECRETS


@sensitive_post_parameters(*SECRET_FIELDS)
@member_view("mailboxes.edit")
def mailbox_create(request: MemberRequest) -> HttpResponse:
    """A new mailbox; its connection is tested at once, by a worker. htmx asks for a provider's servers by GET."""
    initial: dict[str, Any] = {"member": str(request.member.pk), "from_name": str(request.member)}
    if request.method == "GET" and request.htmx:
        return _preset(request, None)
    form = MailboxForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        now, by = clock.now(), actor_of(request)
        try:
            mailbox = actions.create_mailbox(by=by, now=now, **form.values())
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            if mailbox.auth == Mailbox.Auth.PASSWORD:
                ask_check(mailbox=mailbox, by=by, now=now)
                return hx_redirect(request, _url(request, mailbox), toast=f"{mailbox.address} is added.")
            words = f"{mailbox.address} is added. Now connect it with {mailbox.auth.title()}."
            return hx_redirect(request, _url(request, mailbox), toast=words)
    return render(request, "campaigns/mailbox_form.html", _form_context(form, None), status=422 if form.errors else 200)


@sensitive_post_parameters(*SECRET_FIELDS)
@member_view("mailboxes.edit")
def mailbox_edit(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Change a mailbox; a new server or log-in is tested at once."""
    mailbox = get_object_or_404(Mailbox.objects.select_related("member"), pk=mailbox_id)
    if request.method == "GET" and request.htmx:
        return _preset(request, mailbox)
    form = MailboxForm(request.POST or None, mailbox=mailbox, esp=_esp_shown(mailbox))
    if request.method == "POST" and form.is_valid():
        now, by = clock.now(), actor_of(request)
        try:
            changed = actions.update_mailbox(mailbox=mailbox, changes=form.values(), by=by, now=now)
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
            mailbox.refresh_from_db()
        else:
            if actions.CONNECTION & set(changed) and (mailbox.auth == Mailbox.Auth.PASSWORD or mailbox.oauth_sealed):
                ask_check(mailbox=mailbox, by=by, now=now)
            return hx_redirect(request, _url(request, mailbox), toast="Saved." if changed else "Nothing changed.")
    context = _form_context(form, mailbox)
    return render(request, "campaigns/mailbox_form.html", context, status=422 if form.errors else 200)


def _preset(request: MemberRequest, mailbox: Mailbox | None) -> HttpResponse:
    """The part of the form with the servers, filled in for the chosen provider or the one the address shows. Changes
    nothing; 204 where there is nothing to fill in."""
    address, key = request.GET.get("address", "").strip().lower(), request.GET.get("provider", "")
    provider = providers.PROVIDERS.get(key) or (providers.provider_of_address(address) if not key else None)
    if provider is None:
        return HttpResponse(status=204)
    initial = providers.preset(provider, address)
    # The best way to log in that this installation offers.
    initial["auth"] = next(way for way in provider.auth if way == Mailbox.Auth.PASSWORD or not client_problem(way))
    form = MailboxForm(initial=initial)
    context = _form_context(form, mailbox) | {"provider_hint": provider.login_hint, "imap_hint": provider.imap_hint}
    return render_page(
        request, "campaigns/mailbox_form.html", context, partial="servers", announce=f"Servers of {provider.label}"
    )


def _form_context(form: MailboxForm, mailbox: Mailbox | None) -> dict[str, Any]:
    problems = [(auth.title(), client_problem(auth)) for auth in ("google", "microsoft")]
    services = list(SERVICES.values())
    return {
        "form": form, "mailbox": mailbox, "auth_problems": [(name, words) for name, words in problems if words],
        "services": services,
    }  # fmt: skip


def _esp_shown(mailbox: Mailbox) -> dict[str, str]:
    """Domain and region of its sending service, and whether a second key is stored; {} where nothing can be opened."""
    try:
        return opened_dict(mailbox, "esp")
    except secrets.SealedElsewhere:
        return {}


@member_view("mailboxes.view")
def mailbox_detail(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """One mailbox: state, use, the last test (htmx asks for that part alone while it runs), the inbound endpoint."""
    mailbox = get_object_or_404(Mailbox.objects.select_related("member"), pk=mailbox_id)
    now = clock.now()
    context = {"mailbox": mailbox, "check": check_of(mailbox, now)}
    if request.htmx and request.headers.get("HX-Target") == "folders":
        return render_page(
            request,
            "campaigns/mailbox_folders.html",
            context | {"reading": reading_of(mailbox, now)},
            partial="folders",
        )
    if request.htmx:
        return render_page(request, "campaigns/mailbox_detail.html", context, partial="check")
    facts = [
        ("Sender", f"{mailbox.from_name} <{mailbox.address}>"),
        ("Owner", str(mailbox.member) if mailbox.member else "nobody"),
        *_way_facts(mailbox),
        ("Added", mailbox.created_at),
    ]
    sequences = SequenceMailbox.objects.filter(mailbox=mailbox).select_related("sequence").order_by("sequence__name")
    latest = InboundMail.objects.filter(KNOWN, mailbox=mailbox).order_by("-received_at", "-id")
    domain = domain_of(mailbox)
    messages = reverse("message_list", args=[request.workspace.slug])
    pace = pace_of(mailbox, now)
    context |= pace | {
        "facts": facts,
        "sequences": [row.sequence for row in sequences[:50]],
        "latest": list(latest.select_related("person")[:5]),
        "inbound_url": actions.inbound_address(mailbox),
        "domain": domain,
        "domain_state": states_of([domain])[domain.pk] if domain else None,
        "connection": _connection(request, mailbox),
        "reading": reading_of(mailbox, now),
        "is_pushed": mailbox.sync == Mailbox.Sync.PUSH,
        "waiting_url": f"{messages}?mailbox={mailbox.pk}&state=planned" if pace["usage"].waiting else "",
    }
    return render(request, "campaigns/mailbox_detail.html", context)


def _way_facts(mailbox: Mailbox) -> list[tuple[str, object]]:
    """How mail goes out and how answers are read, without any secret."""
    if mailbox.route == Mailbox.Route.ESP:
        label = SERVICES[mailbox.esp].label if mailbox.esp in SERVICES else mailbox.esp
        out: list[tuple[str, object]] = [("Sends with", label), ("Key", "stored encrypted, never shown")]
    else:
        out = [
            ("Server", f"{mailbox.host}:{mailbox.port}, {mailbox.get_security_display()}"),
            ("User name", mailbox.username or "no log-in"),
        ]
    if mailbox.auth != Mailbox.Auth.PASSWORD:
        out.append(
            ("Log-in", f"{mailbox.auth.title()}, {'connected' if mailbox.oauth_sealed else 'not connected yet'}")
        )
    elif mailbox.route == Mailbox.Route.SMTP:
        out.append(("Password", "stored encrypted, never shown" if mailbox.password_sealed else "none"))
    read = mailbox.get_sync_display()
    if mailbox.sync == Mailbox.Sync.IMAP:
        read = f"{mailbox.imap_host}:{mailbox.imap_port}, {mailbox.get_imap_security_display()}"
    return [*out, ("Replies", read)]


def _connection(request: MemberRequest, mailbox: Mailbox) -> dict[str, Any]:
    """Consent and the sending service's webhooks; their addresses hold a secret and are for those who may edit."""
    found: dict[str, Any] = {}
    if mailbox.auth != Mailbox.Auth.PASSWORD:
        found |= {"consent": mailbox.auth.title(), "consent_problem": client_problem(mailbox.auth)}
    if mailbox.route == Mailbox.Route.ESP and mailbox.esp in SERVICES:
        found["service"] = SERVICES[mailbox.esp]
        if member_allows(request.member, "mailboxes.edit"):
            try:
                events, mail = esp_address(mailbox), esp_address(mailbox, inbound=True)
                found |= {"events_url": events, "mail_url": mail, "has_secret": "@" in events + mail}
                found["signed"] = "@" not in events
            except secrets.SealedElsewhere:
                found["events_url"] = ""
    return found


@member_view("mailboxes.edit")
@require_POST
def mailbox_check(request: MemberRequest, mailbox_id: UUID) -> HttpResponse:
    """Ask a worker to connect and log in; the page polls the result from the row."""
    mailbox = get_object_or_404(Mailbox.objects.all(), pk=mailbox_id)
    now = clock.now()
    ask_check(mailbox=mailbox, by=actor_of(request), now=now)
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
            hold_mailbox(mailbox=mailbox, by=actor_of(request), now=clock.now(), **form.cleaned_data)
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
        release_mailbox(mailbox=mailbox, by=actor_of(request), now=clock.now())
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
