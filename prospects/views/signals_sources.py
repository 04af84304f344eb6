"""Pages of where signals come from, and of what they set off."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, refusal
from leadgen.core.public_tokens import public_token
from prospects.actions.signals_enrolling import enroller
from prospects.actions.signals_sources import create_source, delete_source, new_secret, poll_now, update_source
from prospects.actions.signals_triggers import create_trigger, delete_trigger, update_trigger
from prospects.forms.signals import SourceForm, TriggerForm
from prospects.models import Company, Signal, SignalSource, SignalTrigger
from prospects.rules import normalise
from prospects.views.listing import add_app_error, sheet_or_page
from prospects.views.signals import signal_tabs

IN_LINE = 50  # shown of a line
FEED, WEBHOOK = SignalSource.Kind.FEED, SignalSource.Kind.WEBHOOK


@member_view("signals.view")
def signal_source_list(request: MemberRequest) -> HttpResponse:
    """Feeds and webhooks, with how they fare."""
    sources = list(SignalSource.objects.select_related("company").order_by("kind", "name"))
    context = {"sources": sources, "signal_tabs": signal_tabs(request), "signal_tab": "sources"}
    return render(request, "prospects/signal_sources.html", context)


@member_view("signals.manage")
def signal_source_create(request: MemberRequest) -> HttpResponse:
    """A new feed, or with `?kind=webhook` a new webhook, whose secret is shown once."""
    kind = WEBHOOK if request.GET.get("kind") == WEBHOOK else FEED
    form = SourceForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            values = _with_company(form.cleaned_data)
            source, secret = create_source(by=actor_of(request), now=clock.now(), kind=kind, **values)
        except AppError as error:
            add_app_error(form, _at_domain(error))
        else:
            if secret:
                return _secret_page(request, source, secret)
            return hx_redirect(request, _list(request), toast=f"{source} is added. A worker reads it now.")
    return _form(request, form, None, kind)


@member_view("signals.manage")
def signal_source_edit(request: MemberRequest, signalsource_id: UUID) -> HttpResponse:
    """Change a source."""
    source = _get(signalsource_id)
    form = SourceForm(request.POST or None, kind=source.kind, source=source)
    if request.method == "POST" and form.is_valid():
        try:
            values = _with_company(form.cleaned_data)
            update_source(source=source, changes=values, by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, _at_domain(error))
        else:
            return hx_redirect(request, _list(request), toast="Saved.")
    return _form(request, form, source, source.kind)


@member_view("signals.manage")
@require_POST
def signal_source_poll(request: MemberRequest, signalsource_id: UUID) -> HttpResponse:
    """Read a feed now."""
    source = _get(signalsource_id)
    try:
        poll_now(source=source, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _list(request), toast=f"A worker reads {source} now. Reload in a moment.")


@member_view("signals.manage")
@require_POST
def signal_source_secret(request: MemberRequest, signalsource_id: UUID) -> HttpResponse:
    """Another secret; the one before ends."""
    source = _get(signalsource_id)
    try:
        secret = new_secret(source=source, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return _secret_page(request, source, secret)


@member_view("signals.manage")
def signal_source_delete(request: MemberRequest, signalsource_id: UUID) -> HttpResponse:
    """Delete a source; its signals stay."""
    source = _get(signalsource_id)
    if request.method == "POST":
        name = source.name
        delete_source(source=source, by=actor_of(request), now=clock.now())
        return hx_redirect(request, _list(request), toast=f"{name} is deleted. Its signals stay.")
    context = {
        "title": f"Delete {source}?", "words": "Nothing more comes in from it. The signals it brought stay.",
        "button_words": "Delete the source", "back": _list(request),
        "action_url": reverse("signal_source_delete", args=[request.workspace.slug, source.pk]),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/signal_delete.html", context)


@member_view("signals.view")
def signal_trigger_list(request: MemberRequest) -> HttpResponse:
    """What signals set off."""
    triggers: list[Any] = list(SignalTrigger.objects.select_related("segment", "owner").order_by("name"))
    enrolling, labels = enroller().enrolling(), dict(Signal.Kind.choices)
    for trigger in triggers:
        trigger.enrols = enrolling.get(trigger.pk)
        trigger.x_kinds = [labels.get(kind, kind) for kind in trigger.kinds]
    context = {"triggers": triggers, "signal_tabs": signal_tabs(request), "signal_tab": "triggers"}
    return render(request, "prospects/signal_triggers.html", context)


@member_view("signals.manage")
def signal_trigger_create(request: MemberRequest) -> HttpResponse:
    """A new trigger."""
    return _trigger_form(request, None)


@member_view("signals.manage")
def signal_trigger_edit(request: MemberRequest, signaltrigger_id: UUID) -> HttpResponse:
    """Change a trigger."""
    found = SignalTrigger.objects.select_related("segment", "owner")
    return _trigger_form(request, get_object_or_404(found, pk=signaltrigger_id))


@member_view("signals.manage")
def signal_trigger_delete(request: MemberRequest, signaltrigger_id: UUID) -> HttpResponse:
    """Delete a trigger; its to-dos stay."""
    trigger = get_object_or_404(SignalTrigger.objects.all(), pk=signaltrigger_id)
    back = reverse("signal_trigger_list", args=[request.workspace.slug])
    if request.method == "POST":
        name = trigger.name
        delete_trigger(trigger=trigger, by=actor_of(request), now=clock.now())
        return hx_redirect(request, back, toast=f"{name} is deleted.")
    words = ["The to-dos it made stay in the queue, and whom it enrolled stays in the sequence."]
    if (enrols := enroller().enrolling().get(trigger.pk)) is not None and enrols.waiting:
        people = "1 person waits" if enrols.waiting == 1 else f"{enrols.waiting:,} people wait"
        words.append(f"{people} in its line and will not be enrolled.")
    context = {
        "title": f"Delete {trigger}?", "words": " ".join(words), "button_words": "Delete the trigger",
        "back": back, "action_url": reverse("signal_trigger_delete", args=[request.workspace.slug, trigger.pk]),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/signal_delete.html", context)


def _trigger_form(request: MemberRequest, trigger: SignalTrigger | None) -> HttpResponse:
    form = TriggerForm(request.POST or None, trigger=trigger)
    back = reverse("signal_trigger_list", args=[request.workspace.slug])
    if request.method == "POST" and form.is_valid():
        try:
            if trigger is None:
                create_trigger(by=actor_of(request), now=clock.now(), **form.cleaned_data)
            else:
                update_trigger(trigger=trigger, changes=form.cleaned_data, by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, back, toast="Saved.")
    came = enroller().came_of(trigger, 10) if trigger is not None else []
    context: dict[str, Any] = {"form": form, "trigger": trigger, "back": back, "came": came}
    if trigger is not None:
        enrols = enroller().enrolling().get(trigger.pk)
        places = enroller().line(trigger)[:IN_LINE] if enrols is not None and enrols.waiting else []
        line = enroller().told(trigger, list(places), clock.now())
        context |= {
            "line": line, "enrols": enrols, "beyond": enrols.waiting - len(line) if enrols is not None else 0,
            "out_of_line": enroller().out_of_line(trigger, 10),
        }  # fmt: skip
    return render(request, "prospects/signal_trigger_form.html", context, status=422 if form.errors else 200)


def _get(key: UUID) -> SignalSource:
    found: SignalSource = get_object_or_404(SignalSource.objects.select_related("company"), pk=key)
    return found


def _with_company(values: dict[str, Any]) -> dict[str, Any]:
    """The form's domain as the company it is of. Raises Invalid."""
    found = dict(values)
    text = found.pop("domain", "")
    found["company"] = None
    if text:
        try:
            found["company"] = Company.objects.filter(domain=normalise.domain(text)).first()
        except normalise.Unusable as error:
            raise Invalid(f"{error} {error.remedy}".strip(), field="domain") from error
        if found["company"] is None:
            raise Invalid(f"No company here has the domain {text}. Add the company first.", field="domain")
    return found


def _at_domain(error: AppError) -> AppError:
    if error.field == "company":
        error.field = "domain"
    return error


def _list(request: MemberRequest) -> str:
    return reverse("signal_source_list", args=[request.workspace.slug])


def _address(request: MemberRequest, source: SignalSource) -> str:
    token = public_token("signals", workspace_id=source.workspace_id, row=source.pk)
    return request.build_absolute_uri(reverse("signal_webhook", args=[token]))


def _form(request: MemberRequest, form: SourceForm, source: SignalSource | None, kind: str) -> HttpResponse:
    context = {"form": form, "source": source, "kind": kind, "back": _list(request)}
    if source is not None and kind == WEBHOOK:
        context["address"] = _address(request, source)
    return render(request, "prospects/signal_source_form.html", context, status=422 if form.errors else 200)


def _secret_page(request: MemberRequest, source: SignalSource, secret: str) -> HttpResponse:
    context = {"source": source, "secret": secret, "address": _address(request, source), "back": _list(request)}
    response = render(request, "prospects/signal_secret.html", context)
    response["Cache-Control"] = "no-store"
    return response
