"""Pages of the agreement: in words, its versions, the draft editor, proposing, signing, the replay over the past."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, refusal
from prospects.actions.agreements import (
    draft_agreement,
    edit_draft,
    ensure_first_agreement,
    propose_agreement,
    sign_agreement,
    withdraw_proposal,
)
from prospects.forms.agreements import AgreementForm, condition_formset
from prospects.models import AgreementVersion
from prospects.queries.agreements import replay, terms_of
from prospects.rules.agreements import differences, in_words
from prospects.views.leads import lead_tabs
from prospects.views.listing import add_app_error
from prospects.views.stages import posted

State = AgreementVersion.State
TONES = {State.DRAFT: "neutral", State.PROPOSED: "warning", State.SIGNED: "success", State.REPLACED: "neutral"}


def _get(number: int) -> AgreementVersion:
    related = ("proposed_by", "marketing_signed_by", "sales_signed_by", "icp")
    found: AgreementVersion = get_object_or_404(AgreementVersion.objects.select_related(*related), number=number)
    return found


def _url(request: MemberRequest, version: AgreementVersion) -> str:
    return reverse("agreement_version", args=[request.workspace.slug, version.number])


def _versions() -> list[AgreementVersion]:
    rows = AgreementVersion.objects.select_related("marketing_signed_by", "sales_signed_by").order_by("-number")
    versions: list[AgreementVersion] = list(rows)
    return versions


@member_view("agreements.view")
def agreement_detail(request: MemberRequest) -> HttpResponse:
    """The agreement in force, in words, and its versions."""
    return _version_page(request, ensure_first_agreement(clock.now()))


@member_view("agreements.view")
def agreement_version(request: MemberRequest, number: int) -> HttpResponse:
    """One version in words, what it changes, and what it would have done with the last 90 days."""
    return _version_page(request, _get(number))


def _version_page(request: MemberRequest, version: AgreementVersion) -> HttpResponse:
    now = clock.now()
    current = ensure_first_agreement(now)
    under_way = version.state in (State.DRAFT, State.PROPOSED)
    versions = _versions()
    context: dict[str, Any] = {
        "version": version,
        "current": current,
        "tone": TONES[State(version.state)],
        "version_title": f"Version {version.number}",
        "clauses": in_words(terms_of(version)),
        "changes": differences(terms_of(current), terms_of(version)) if under_way else [],
        "under_way": under_way,
        "replay": replay(version, now=now) if under_way else None,
        "versions": [(row, TONES[State(row.state)]) for row in versions],
        "pending": next((row for row in versions if row.state in (State.DRAFT, State.PROPOSED)), None),
    }
    return render(request, "prospects/agreement_detail.html", context | lead_tabs(request, "agreement"))


@member_view("agreements.edit")
@require_POST
def agreement_draft(request: MemberRequest) -> HttpResponse:
    """Start a draft from the terms in force, or go on with the one under way."""
    version = draft_agreement(by=actor_of(request), now=clock.now())
    name = "agreement_edit" if version.state == State.DRAFT else "agreement_version"
    return hx_redirect(request, reverse(name, args=[request.workspace.slug, version.number]))


@member_view("agreements.edit")
def agreement_edit(request: MemberRequest, number: int) -> HttpResponse:
    """The editor of a draft."""
    version = _get(number)
    if version.state != State.DRAFT:
        return hx_redirect(request, _url(request, version), toast="Only a draft can be changed.", tone="warning")
    data = posted(request)
    form = AgreementForm(data, version=version)
    conditions, deep = condition_formset(version, data)
    if request.method == "POST" and all((form.is_valid(), conditions.is_valid())):
        clause = conditions.clause()
        kept = [
            {"name": item["name"], "rule": item["rule"]}
            for item in deep
            if item["name"] in request.POST.getlist("keep")
        ]
        clause["any"] += kept
        try:
            edit_draft(
                version=version, changes=form.changes() | {"mql_clause": clause}, by=actor_of(request), now=clock.now()
            )
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(
                request, _url(request, version), toast="Saved. Look at what it changes, then propose it."
            )
    context = {"version": version, "form": form, "conditions": conditions, "deep": deep, "nav_active": "leads"}
    invalid = bool(form.errors) or (data is not None and not conditions.is_valid())
    return render(request, "prospects/agreement_form.html", context, status=422 if invalid else 200)


def _act(request: MemberRequest, number: int, act: Any, words: str) -> HttpResponse:
    version = _get(number)
    try:
        version = act(version=version, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, _url(request, version), toast=words.format(version=version))


@member_view("agreements.edit")
@require_POST
def agreement_propose(request: MemberRequest, number: int) -> HttpResponse:
    """Put a draft before both teams."""
    return _act(request, number, propose_agreement, "Version {version.number} waits for both signatures.")


@member_view("agreements.edit")
@require_POST
def agreement_withdraw(request: MemberRequest, number: int) -> HttpResponse:
    """Make a proposal a draft again."""
    return _act(request, number, withdraw_proposal, "Version {version.number} is a draft again.")


@member_view("agreements.view")
@require_POST
def agreement_sign(request: MemberRequest, number: int) -> HttpResponse:
    """Sign for marketing or for sales; the action asks for that side's own permission."""
    version, side = _get(number), request.POST.get("side", "")
    try:
        version = sign_agreement(version=version, side=side, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    words = f"Version {version.number} is in force." if version.state == State.SIGNED else f"Signed for {side}."
    return hx_redirect(request, _url(request, version), toast=words)
