"""Domains in the settings: list, page with every check, role and hold, seed mails."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions import domains as actions
from campaigns.actions.seeds import ask_seed, paste_seed
from campaigns.forms.domains import DomainForm, SeedForm
from campaigns.models import Mailbox, MailDomain
from campaigns.queries import domains as queries
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal, render_page
from prospects.views.listing import add_app_error

# A check asked for so long ago found no worker.
PATIENCE_SECONDS = 180


@member_view("domains.view")
def domain_list(request: MemberRequest) -> HttpResponse:
    """Every domain with its role and the worst of its findings. A workspace has tens of them, not thousands."""
    rows = list(MailDomain.objects.order_by("name")[: actions.MAX_DOMAINS])
    states = queries.states_of(rows)
    boxes = [address.rpartition("@")[2] for address in Mailbox.objects.values_list("address", flat=True)]
    for row in rows:
        row.x_state, row.x_mailboxes = states[row.pk], boxes.count(row.name)
    suggested = queries.suggested_primary()
    known = {row.name: row for row in rows}
    context = {
        "domains": rows,
        "suggested": [(name, known.get(name)) for name in suggested],
        "new": sorted(set(boxes) - set(known)),  # of mailboxes added a moment ago: the next sweep makes their rows
    }
    return render(request, "campaigns/domain_list.html", context)


@member_view("domains.edit")
def domain_create(request: MemberRequest) -> HttpResponse:
    """A new domain; it is checked at once, by a worker."""
    form = DomainForm(
        request.POST or None,
        initial={"name": request.GET.get("name", ""), "role": request.GET.get("role") or "sending"},
    )
    if request.method == "POST" and form.is_valid():
        try:
            domain = actions.add_domain(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _url(request, domain), toast=f"{domain.name} is added; the check runs.")
    context = {"form": form, "domain": None, "target": actions.tracking_target()}
    return render(request, "campaigns/domain_form.html", context, status=422 if form.errors else 200)


@member_view("domains.edit")
def domain_edit(request: MemberRequest, mail_domain_id: UUID) -> HttpResponse:
    """Role, hold and selectors of a domain."""
    domain = get_object_or_404(MailDomain.objects.all(), pk=mail_domain_id)
    form = DomainForm(request.POST or None, domain=domain)
    if request.method == "POST" and form.is_valid():
        try:
            changed = actions.update_domain(
                domain=domain, changes=form.cleaned_data, by=actor_of(request), now=clock.now()
            )
        except AppError as error:
            domain.refresh_from_db()
            add_app_error(form, error)
        else:
            return hx_redirect(request, _url(request, domain), toast="Saved." if changed else "Nothing changed.")
    context = {"form": form, "domain": domain, "target": actions.tracking_target()}
    return render(request, "campaigns/domain_form.html", context, status=422 if form.errors else 200)


@member_view("domains.view")
def domain_detail(request: MemberRequest, mail_domain_id: UUID) -> HttpResponse:
    """One domain: every finding with its raw record and the fix, its mailboxes; htmx asks for the findings while they are awaited."""
    domain = get_object_or_404(MailDomain.objects.all(), pk=mail_domain_id)
    return _detail(request, domain, SeedForm())


def _detail(request: MemberRequest, domain: MailDomain, form: SeedForm, *, status: int = 200) -> HttpResponse:
    context = _checks(domain)
    if request.htmx and status == 200:
        return render_page(request, "campaigns/domain_detail.html", context, partial="checks")
    boxes = queries.mailboxes_of(domain)
    context |= {
        "mailboxes": boxes,
        "form": form,
        "form_open": bool(form.errors),
        "warning": next(iter(queries.warnings_of(boxes[:1])), ""),
        "facts": [
            ("Role", domain.get_role_display()),
            *(
                [("Points to", domain.tracking_target), ("Verified", domain.verified_at or "not yet")]
                if domain.role == MailDomain.Role.TRACKING
                else [
                    ("Cold mail", _cold_words(domain)),
                    ("DKIM selectors", ", ".join(domain.dkim_selectors) or "the usual ones are tried"),
                ]
            ),
            ("Added", domain.created_at),
        ],
    }
    return render(request, "campaigns/domain_detail.html", context, status=status)


def _checks(domain: MailDomain) -> dict[str, Any]:
    state = queries.states_of([domain])[domain.pk]
    asked, checked = domain.check_asked_at, domain.checked_at
    waits = asked is not None and (checked is None or checked < asked)
    silent = waits and asked is not None and (clock.now() - asked).total_seconds() > PATIENCE_SECONDS
    for check in state.checks:
        row: Any = check
        row.x_kind, row.x_tone = queries.KIND_WORDS[check.kind], queries.STATE_TONES[check.state]
        row.x_icon = queries.STATE_ICONS[check.state]
        row.x_record = check.detail.get("record")
    return {"domain": domain, "state": state, "running": waits and not silent, "silent": silent}


def _cold_words(domain: MailDomain) -> str:
    if domain.role == MailDomain.Role.TRACKING:
        return "sends nothing"
    if domain.role == MailDomain.Role.SENDING:
        return "goes out"
    return "held" if domain.hold_cold else "goes out, with a warning"


@member_view("domains.edit")
@require_POST
def domain_check(request: MemberRequest, mail_domain_id: UUID) -> HttpResponse:
    """Ask a worker to look at it now; the page polls the result from the rows."""
    domain = get_object_or_404(MailDomain.objects.all(), pk=mail_domain_id)
    actions.ask_domain_check(domain=domain, by=actor_of(request), now=clock.now())
    if not request.htmx:
        words = "The check runs. Reload this page to see what it found."
        return hx_redirect(request, _url(request, domain), toast=words)
    context = _checks(domain)
    return render_page(request, "campaigns/domain_detail.html", context, partial="checks", announce="Checking")


@member_view("domains.edit")
@require_POST
def domain_seed(request: MemberRequest, mail_domain_id: UUID) -> HttpResponse:
    """Send a seed mail from one of the domain's mailboxes, or read one that was pasted."""
    domain = get_object_or_404(MailDomain.objects.all(), pk=mail_domain_id)
    now, by = clock.now(), actor_of(request)
    try:
        if "mailbox" in request.POST:
            mailbox = get_object_or_404(
                Mailbox.objects.filter(address__endswith=f"@{domain.name}"), address=request.POST["mailbox"]
            )
            to = ask_seed(mailbox=mailbox, by=by, now=now)
            words = (
                f"A seed mail goes from {mailbox.address} to {to.address}. What it shows appears here when it is read."
            )
            return hx_redirect(request, _url(request, domain), toast=words)
        form = SeedForm(request.POST)
        if form.is_valid():
            row = paste_seed(domain=domain, raw=form.cleaned_data["raw"], by=by, now=now)
            return hx_redirect(request, _url(request, domain), toast=row.words)
    except AppError as error:
        if error.field != "raw":
            return refusal(request, error)
        form.add_error("raw", error.message)
    return _detail(request, domain, form, status=422)


@member_view("domains.edit")
@require_POST
def domain_remove(request: MemberRequest, mail_domain_id: UUID) -> HttpResponse:
    """Forget it, with its findings."""
    domain = get_object_or_404(MailDomain.objects.all(), pk=mail_domain_id)
    try:
        actions.remove_domain(domain=domain, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(
        request, reverse("domain_list", args=[request.workspace.slug]), toast=f"{domain.name} is removed."
    )


def _url(request: MemberRequest, domain: MailDomain) -> str:
    return reverse("domain_detail", args=[request.workspace.slug, domain.pk])
