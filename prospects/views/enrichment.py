"""Pages of enrichment: the waterfall of providers, runs, and what a run proposes."""

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
from leadgen.core.pagination import Order, keyset
from prospects.actions.enrichment import cancel_run, refuse_items, resume_run, start_run, write_items
from prospects.actions.enrichment_providers import (
    create_provider,
    delete_provider,
    move_provider,
    update_provider,
    upload_table,
)
from prospects.forms.enrichment import ProviderForm, TableForm
from prospects.models import FINDING_KINDS, EnrichmentItem, EnrichmentProvider, EnrichmentRun
from prospects.queries import enrichment as queries
from prospects.views.listing import add_app_error, selected_ids, sheet_or_page

Kind, State = EnrichmentProvider.Kind, EnrichmentItem.State
WORDS = {
    Kind.HTTP: "Any data provider with a JSON API: address, headers and where its answer holds our fields.",
    Kind.WEBSITE: "Reads the first page at the company's domain: name, description, technologies, LinkedIn page. Free.",
    Kind.DNS: "Asks the domain's name servers who runs its mail and which services it confirmed. Free.",
    Kind.TABLE: "A file you have or license, looked up by domain or e-mail address.",
}  # fmt: skip


def enrichment_tabs(request: MemberRequest) -> list[dict[str, Any]]:
    slug = request.workspace.slug
    return [
        {"key": "providers", "label": "Providers", "url": reverse("enrichment_list", args=[slug])},
        {"key": "runs", "label": "Runs", "url": reverse("enrichment_run_list", args=[slug])},
    ]


@member_view("enrichment.view")
def enrichment_list(request: MemberRequest) -> HttpResponse:
    """The waterfall: who is asked in which order, what they fill and cost."""
    context = {
        "steps": queries.waterfall(clock.now()), "kinds": [(k, k.label, WORDS[k]) for k in WORDS],
        "enrichment_tabs": enrichment_tabs(request), "enrichment_tab": "providers",
    }  # fmt: skip
    return render(request, "prospects/enrichment_list.html", context)


@member_view("enrichment.manage")
def enrichment_provider_create(request: MemberRequest) -> HttpResponse:
    """A new provider of `?kind=`."""
    kind = request.GET.get("kind", Kind.HTTP)
    kind = kind if kind in WORDS else Kind.HTTP
    form = ProviderForm(
        request.POST or None, kind=kind, initial={"name": "" if kind == Kind.HTTP else Kind(kind).label}
    )
    if request.method == "POST" and form.is_valid():
        try:
            provider = create_provider(by=actor_of(request), now=clock.now(), kind=kind, **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            if kind == Kind.TABLE:
                return hx_redirect(request, _edit_url(request, provider), toast="Now upload its file.")
            return hx_redirect(request, _list(request), toast=f"{provider} is added, the last in the waterfall.")
    return _form(request, form, None, kind)


@member_view("enrichment.manage")
def enrichment_provider_edit(request: MemberRequest, enrichmentprovider_id: UUID) -> HttpResponse:
    """Change a provider."""
    provider = _provider(enrichmentprovider_id)
    form = ProviderForm(request.POST or None, kind=provider.kind, provider=provider)
    if request.method == "POST" and form.is_valid():
        try:
            update_provider(provider=provider, changes=form.cleaned_data, by=actor_of(request), now=clock.now())
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast="Saved.")
    return _form(request, form, provider, provider.kind)


@member_view("enrichment.manage")
@require_POST
def enrichment_provider_table(request: MemberRequest, enrichmentprovider_id: UUID) -> HttpResponse:
    """Upload a table's file."""
    provider = _provider(enrichmentprovider_id)
    form = TableForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            done = upload_table(
                provider=provider, name=file.name, content=file.read(), by=actor_of(request), now=clock.now()
            )
        except AppError as error:
            add_app_error(form, error)
        else:
            left = f" {done['left_out']:,} without key or value were left out." if done["left_out"] else ""
            words = f"{done['rows']:,} rows, filling {', '.join(done['fields']).replace('_', ' ')}.{left}"
            return hx_redirect(request, _edit_url(request, provider), toast=words)
    return _form(request, ProviderForm(kind=provider.kind, provider=provider), provider, provider.kind, table=form)


@member_view("enrichment.manage")
@require_POST
def enrichment_provider_move(request: MemberRequest, enrichmentprovider_id: UUID) -> HttpResponse:
    """One place up or down."""
    provider = _provider(enrichmentprovider_id)
    move_provider(provider=provider, up=request.POST.get("to") == "up", by=actor_of(request), now=clock.now())
    return hx_redirect(request, _list(request), toast=f"{provider} was moved.")


@member_view("enrichment.manage")
def enrichment_provider_delete(request: MemberRequest, enrichmentprovider_id: UUID) -> HttpResponse:
    """Delete a provider with its answers and costs."""
    provider = _provider(enrichmentprovider_id)
    if request.method == "POST":
        name = provider.name
        delete_provider(provider=provider, by=actor_of(request), now=clock.now())
        return hx_redirect(request, _list(request), toast=f"{name} is deleted.")
    context = {
        "title": f"Delete {provider}?", "button_words": "Delete the provider", "back": _list(request),
        "words": "Its answers and the record of what it cost go too. Values it filled stay.",
        "action_url": reverse("enrichment_provider_delete", args=[request.workspace.slug, provider.pk]),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/signal_delete.html", context)


@member_view("enrichment.view")
def enrichment_run_list(request: MemberRequest) -> HttpResponse:
    """Runs, the newest first."""
    try:
        page = keyset(queries.runs(), order=Order("created_at", descending=True), cursor=request.GET.get("cursor", ""))
    except Invalid as error:
        return refusal(request, error)
    context = {
        "runs": page.rows, "next_url": f"?cursor={page.next}" if page.next else "",
        "previous_url": f"?cursor={page.previous}" if page.previous else "",
        "enrichment_tabs": enrichment_tabs(request), "enrichment_tab": "runs",
    }  # fmt: skip
    return render(request, "prospects/enrichment_runs.html", context)


@member_view("enrichment.run")
@require_POST
def enrichment_start(request: MemberRequest) -> HttpResponse:
    """Ask about the selected rows: `subject` companies or people, `selected` ids."""
    try:
        run = start_run(
            by=actor_of(request),
            now=clock.now(),
            subject=request.POST.get("subject", "companies"),
            ids=selected_ids(request),
        )
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(
        request, _run_url(request, run), toast="Providers are asked; nothing is written before you agree."
    )


@member_view("enrichment.view")
def enrichment_run_detail(request: MemberRequest, enrichmentrun_id: UUID) -> HttpResponse:
    """Progress, and what was found beside what is there."""
    run = _run(enrichmentrun_id)
    counts = queries.numbers(run)
    state = request.GET.get("state", "")
    shown = state if state in State.values else State.FOUND if counts[State.FOUND] else ""
    if not shown:
        order = (State.WRITTEN, State.STOPPED, State.NOTHING, State.REFUSED, State.WAITING)
        shown = next((name for name in order if counts[name]), State.WAITING)
    context = {
        "run": run, "counts": counts, "shown": shown, "lines": queries.lines(run, shown), "asked": run.total - counts["waiting"],
        "chips": [
            {"key": name, "label": State(name).label, "count": n, "url": f"?state={name}"} for name, n in counts.items() if n
        ],
        "write_all": f"Write all {counts['found']:,}", "back": reverse("enrichment_run_list", args=[request.workspace.slug]),
    }  # fmt: skip
    return render(request, "prospects/enrichment_run.html", context)


@member_view("enrichment.run")
@require_POST
def enrichment_run_write(request: MemberRequest, enrichmentrun_id: UUID) -> HttpResponse:
    """Write the selected rows (`all`: every one), or with `act=refuse` leave them as they are."""
    run = _run(enrichmentrun_id)
    by, now = actor_of(request), clock.now()
    try:
        if request.POST.get("act") == "refuse":
            count = refuse_items(run=run, ids=selected_ids(request), by=by, now=now)
            words = f"{count:,} left as they are."
        else:
            ids = None if request.POST.get("act") == "all" else selected_ids(request)
            count = write_items(run=run, ids=ids, by=by, now=now)
            words = f"{count:,} changed."
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _run_url(request, run), toast=words)


@member_view("enrichment.run")
@require_POST
def enrichment_run_cancel(request: MemberRequest, enrichmentrun_id: UUID) -> HttpResponse:
    """Ask no further."""
    return _act(request, enrichmentrun_id, cancel_run, "Cancelled. What was written stays.")


@member_view("enrichment.run")
@require_POST
def enrichment_run_resume(request: MemberRequest, enrichmentrun_id: UUID) -> HttpResponse:
    """Ask again about what was stopped."""
    return _act(request, enrichmentrun_id, resume_run, "Those that were stopped are asked about again.")


def _act(request: MemberRequest, key: UUID, act: Any, words: str) -> HttpResponse:
    run = _run(key)
    try:
        act(run=run, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _run_url(request, run), toast=words)


def _provider(key: UUID) -> EnrichmentProvider:
    found: EnrichmentProvider = get_object_or_404(EnrichmentProvider.objects.exclude(kind__in=FINDING_KINDS), pk=key)
    return found


def _run(key: UUID) -> EnrichmentRun:
    found: EnrichmentRun = get_object_or_404(queries.runs(), pk=key)
    return found


def _list(request: MemberRequest) -> str:
    return reverse("enrichment_list", args=[request.workspace.slug])


def _edit_url(request: MemberRequest, provider: EnrichmentProvider) -> str:
    return reverse("enrichment_provider_edit", args=[request.workspace.slug, provider.pk])


def _run_url(request: MemberRequest, run: EnrichmentRun) -> str:
    return reverse("enrichment_run_detail", args=[request.workspace.slug, run.pk])


def _form(
    request: MemberRequest,
    form: ProviderForm,
    provider: EnrichmentProvider | None,
    kind: str,
    table: TableForm | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form, "provider": provider, "kind": kind, "kind_label": Kind(kind).label, "words": WORDS[Kind(kind)],
        "back": _list(request), "table": table,
        "kinds": [{"key": k.value, "label": k.label, "url": f"?kind={k.value}"} for k in Kind],
    }  # fmt: skip
    if provider is not None and kind == Kind.TABLE and table is None:
        context["table"] = TableForm()
    wrong = form.errors or (table is not None and table.errors)
    return render(request, "prospects/enrichment_provider_form.html", context, status=422 if wrong else 200)
