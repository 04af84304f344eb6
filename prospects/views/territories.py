"""Territories: the list in order, the builder, deletion; and runs: what would change, then changing it."""

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
from prospects.actions import territories as actions
from prospects.actions.territories_run import apply_run, cancel_run, start_run
from prospects.forms.segments_rule import Draft
from prospects.forms.territories import TerritoryForm, TerritoryRunForm
from prospects.models import Territory, TerritoryRun
from prospects.queries import territories as queries
from prospects.rules.territories import CAME, MOVES, OUTCOMES, fresh_counts
from prospects.views.listing import add_app_error, sheet_or_page

BLANK: dict[str, Any] = {"all": []}


@member_view("territories.view")
def territory_list(request: MemberRequest) -> HttpResponse:
    """Every territory in the order it is tried; counts load after the page."""
    rows = queries.listed()
    for row in rows:
        row.x_words = actions.words_of(row)
    runs = TerritoryRun.objects.select_related("member").order_by("-created_at", "-id")[:5]
    context = {
        "territories": rows, "back": reverse("settings", args=[request.workspace.slug]),
        "runs": [(run, moved(run)) for run in runs], "usable": any(row.is_active for row in rows),
        # Where the one just moved stands now: its arrow has the keyboard, so that a second press moves it on.
        "moved_key": request.GET.get("moved", ""), "moved_to": request.GET.get("to", ""),
    }  # fmt: skip
    return render(request, "prospects/territory_list.html", context)


@member_view("territories.view")
def territory_count(request: MemberRequest, territory_id: UUID) -> HttpResponse:
    """How many companies and people its rule matches."""
    territory = get_object_or_404(Territory.objects.all(), pk=territory_id)
    try:
        counts = {kind: queries.measured(territory, kind, clock.now()) for kind in (queries.COMPANIES, queries.PEOPLE)}
    except Invalid:
        counts = {}
    return render(request, "prospects/territory_list.html#counts", {"counts": counts})


@member_view("territories.manage")
def territory_create(request: MemberRequest) -> HttpResponse:
    """A new territory, last in order; POST `do` only redraws the rule (without JavaScript)."""
    draft, form = _posted(request, BLANK)
    if request.method == "POST" and not request.POST.get("do") and form.is_valid():
        try:
            territory = actions.create_territory(
                by=actor_of(request), now=clock.now(), rule=draft.rule(), **form.cleaned_data
            )
        except AppError as error:
            _place(form, draft, error)
        else:
            return hx_redirect(request, _list(request), toast=f"{territory} is made. What is there keeps its owner.")
    return _builder(request, form, draft)


@member_view("territories.manage")
def territory_edit(request: MemberRequest, territory_id: UUID) -> HttpResponse:
    """Change name, owners, rule; in use or not."""
    territory = get_object_or_404(Territory.objects.all(), pk=territory_id)
    try:
        draft, form = _posted(request, territory.rule, territory)
    except Invalid:  # a field is gone from the language: begin anew
        draft, form = _posted(request, BLANK, territory)
    if request.method == "POST" and not request.POST.get("do") and form.is_valid():
        try:
            changes = form.cleaned_data | {"rule": draft.rule()}
            actions.update_territory(territory=territory, by=actor_of(request), now=clock.now(), changes=changes)
        except AppError as error:
            _place(form, draft, error)
        else:
            return hx_redirect(request, _list(request), toast="Saved.")
    return _builder(request, form, draft, territory)


@member_view("territories.manage")
@require_POST
def territory_move(request: MemberRequest, territory_id: UUID) -> HttpResponse:
    """One place up or down (`to`)."""
    territory = get_object_or_404(Territory.objects.all(), pk=territory_id)
    up = request.POST.get("to") == "up"
    actions.move_territory(territory=territory, up=up, by=actor_of(request), now=clock.now())
    return hx_redirect(request, f"{_list(request)}?moved={territory.pk}&to={'up' if up else 'down'}")


@member_view("territories.manage")
def territory_delete(request: MemberRequest, territory_id: UUID) -> HttpResponse:
    """Delete a territory, after saying what stays."""
    territory = get_object_or_404(Territory.objects.all(), pk=territory_id)
    if request.method == "POST":
        actions.delete_territory(territory=territory, by=actor_of(request), now=clock.now())
        return hx_redirect(request, _list(request), toast=f"{territory.name} is deleted.")
    return sheet_or_page(request, "prospects/territory_delete.html", {"territory": territory})


@member_view("territories.manage")
def territory_run_create(request: MemberRequest) -> HttpResponse:
    """Count what would change; nothing changes yet."""
    form = TerritoryRunForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            run = start_run(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            form.add_error(None, error.message)
        else:
            return hx_redirect(request, _run(request, run))
    context = {"form": form, "back": _list(request)}
    return render(request, "prospects/territory_run_form.html", context, status=422 if form.errors else 200)


@member_view("territories.view")
def territory_run_detail(request: MemberRequest, territoryrun_id: UUID) -> HttpResponse:
    """What would change, how far it is, what changed; `?part=1` only what moves while a worker is at it."""
    run = get_object_or_404(TerritoryRun.objects.select_related("member"), pk=territoryrun_id)
    if request.GET.get("part") and not run.is_open:
        response = HttpResponse()
        response["HX-Refresh"] = "true"
        return response
    context = _shown(run) | {"run": run, "back": _list(request)}
    name = "prospects/territory_run_detail.html" + ("#progress" if request.GET.get("part") else "")
    return render(request, name, context)


@member_view("territories.manage")
@require_POST
def territory_run_apply(request: MemberRequest, territoryrun_id: UUID) -> HttpResponse:
    """Do what was counted."""
    run = get_object_or_404(TerritoryRun.objects.all(), pk=territoryrun_id)
    try:
        apply_run(run=run, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _run(request, run), toast="A worker hands them out now.")


@member_view("territories.manage")
@require_POST
def territory_run_cancel(request: MemberRequest, territoryrun_id: UUID) -> HttpResponse:
    """Stop; what was changed stays."""
    run = get_object_or_404(TerritoryRun.objects.all(), pk=territoryrun_id)
    try:
        cancel_run(run=run, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _run(request, run), toast="Stopped. What was changed stays.")


def _shown(run: TerritoryRun) -> dict[str, Any]:
    """Counts as rows of a table: of what happened once it is over, before of what would."""
    planned = fresh_counts() | run.counts
    happened = bool(run.done) and not run.is_open
    counts = fresh_counts() | run.done if happened else planned
    names = {part["id"]: part["name"] for part in run.setup} | {"": "With their company"}
    territories = [(names.get(key, "A territory that is gone"), *pair) for key, pair in counts["territories"].items()]
    return {
        "outcomes": [
            (words, counts["companies"][key], counts["people"][key]) for key, words in (CAME if happened else OUTCOMES).items()
        ],
        "territories": sorted(territories), "leads": counts["leads"], "deals": counts["deals"],
        "moving": sum(planned[kind][key] for kind in ("companies", "people") for key in MOVES), "happened": happened,
        "moved": moved(run), "outdated": run.state == TerritoryRun.State.COUNTED and run.setup != queries.setup_in_force(),
    }  # fmt: skip


def moved(run: TerritoryRun) -> dict[str, int]:
    """How many companies and people a run gave another owner so far."""
    done = fresh_counts() | run.done
    return {kind: sum(done[kind][key] for key in MOVES) for kind in ("companies", "people")}


def _posted(request: MemberRequest, rule: Any, territory: Territory | None = None) -> tuple[Draft, TerritoryForm]:
    initial = {"name": territory.name, "members": [str(key) for key in territory.members], "is_active": territory.is_active} if territory else {}  # fmt: skip
    if request.method != "POST":
        draft = Draft.of_rule("people", rule)
        if draft.is_blank:
            draft.act("add:r", {})
        return draft, TerritoryForm(initial=initial, territory=territory)
    draft = Draft.of_post("people", request.POST)
    if request.POST.get("do"):
        draft.act(request.POST["do"], request.POST)
        kept = {
            "name": request.POST.get("name", ""), "members": request.POST.getlist("members"),
            "is_active": bool(request.POST.get("is_active")),
        }  # fmt: skip
        return draft, TerritoryForm(initial=kept, territory=territory)
    return draft, TerritoryForm(request.POST, territory=territory)


def _place(form: TerritoryForm, draft: Draft, error: AppError) -> None:
    if error.code == "rule_invalid" and draft.errors:
        form.add_error(None, "The rule is not complete: see the rows marked below.")
        return
    add_app_error(form, error)


def _builder(
    request: MemberRequest, form: TerritoryForm, draft: Draft, territory: Territory | None = None
) -> HttpResponse:
    context = {"form": form, "draft": draft, "territory": territory, "back": _list(request), "nav_active": "settings"}
    return render(request, "prospects/territory_form.html", context, status=422 if form.errors else 200)


def _list(request: MemberRequest) -> str:
    return reverse("territory_list", args=[request.workspace.slug])


def _run(request: MemberRequest, run: TerritoryRun) -> str:
    return reverse("territory_run_detail", args=[request.workspace.slug, run.pk])
