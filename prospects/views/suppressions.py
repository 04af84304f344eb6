"""Suppression: who is never written to or called; add, import, lift, export."""

import io
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.counts import count_up_to
from leadgen.core.downloads import csv_download
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, is_htmx, refusal, render_page
from leadgen.core.pagination import Order, keyset
from prospects.actions.suppressions import lift, read_value, suppress, suppress_list
from prospects.actions.suppressions_export import export_text
from prospects.forms.suppressions import LiftForm, SuppressionFilterForm, SuppressionForm, SuppressionListForm
from prospects.models import Suppression
from prospects.queries import suppressions as queries
from prospects.sources.csv.encoding import find_encoding, open_text
from prospects.views.listing import sheet_or_page


@member_view("suppressions.view")
def suppression_list(request: MemberRequest) -> HttpResponse:
    """What is suppressed now, the newest first, and the check of one address."""
    form = SuppressionFilterForm(request.GET)
    data = form.cleaned_data if form.is_valid() else {}
    rows = queries.in_force()
    for name in ("kind", "reason"):
        if data.get(name):
            rows = rows.filter(**{name: data[name]})
    try:
        page = keyset(
            rows.select_related("member"), order=Order("at", descending=True), cursor=request.GET.get("cursor", "")
        )
    except AppError as error:
        return refusal(request, error)
    count = count_up_to(rows)
    context = {
        "form": form, "suppressions": page.rows, "page": page, "count": count, "answer": _check(data.get("check", "")),
        "filtered": bool(data.get("kind") or data.get("reason")),
    }  # fmt: skip
    return render_page(
        request, "prospects/suppression_list.html", context, partial="results", announce=f"{count} suppressed"
    )


def _check(text: str) -> dict[str, Any] | None:
    """Whether an address is suppressed: {"value", "row"} or {"value", "problem"}; None where nothing was asked."""
    if not text.strip():
        return None
    kind = "email" if "@" in text else "phone" if text.strip().startswith("+") else "domain"
    try:
        value = read_value(kind, text)
    except Invalid as error:
        return {"value": text, "problem": error.message}
    if kind == "email":
        return {"value": value, "row": queries.suppressions_of([value]).get(value)}
    return {"value": value, "row": queries.suppression_of(kind, value)}


@member_view("suppressions.edit")
def suppression_create(request: MemberRequest) -> HttpResponse:
    """Suppress one address, domain or number; `?value=` and `?kind=` fill it in from a person's page."""
    initial = {name: request.GET[name] for name in ("kind", "value") if request.GET.get(name)}
    form = SuppressionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            row = suppress(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            # From a person's page: back to it. django-htmx gives a path only where the address is of this host.
            back = (request.htmx.current_url_abs_path if is_htmx(request) else "") or _url(request)
            return hx_redirect(request, back, toast=f"{row.hint} is suppressed: nothing is sent there any more.")
    context = {"form": form, "back": _url(request)}
    return sheet_or_page(request, "prospects/suppression_form.html", context, status=422 if form.errors else 200)


@member_view("suppressions.edit")
def suppression_import(request: MemberRequest) -> HttpResponse:
    """Suppress a list of addresses and domains."""
    form = SuppressionListForm(request.POST or None, request.FILES or None)
    result = None
    if request.method == "POST" and form.is_valid():
        try:
            result = suppress_list(
                by=actor_of(request), now=clock.now(), lines=_lines(form), reason=Suppression.Reason.IMPORTED,
                note=form.cleaned_data["note"],
            )  # fmt: skip
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    context = {"form": form, "result": result, "back": _url(request)}
    return render_page(request, "prospects/suppression_import.html", context, status=422 if form.errors else 200)


def _lines(form: SuppressionListForm) -> list[str]:
    file = form.cleaned_data["file"]
    text = ""
    if file:
        raw = file.read()
        text = open_text(io.BytesIO(raw), find_encoding(lambda: io.BytesIO(raw))).read()
    return [*text.splitlines(), *form.cleaned_data["lines"].splitlines()]


@member_view("suppressions.edit")
def suppression_lift(request: MemberRequest, suppression_id: UUID) -> HttpResponse:
    """Free an address again; the reason is kept."""
    row = get_object_or_404(Suppression.objects.all(), pk=suppression_id)
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            lift(by=actor_of(request), now=clock.now(), suppression=row, note=form.cleaned_data["note"])
        except AppError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            return hx_redirect(request, _url(request), toast=f"{row.hint} may be contacted again.")
    context = {"form": form, "row": row, "back": _url(request), "action_url": request.path}
    return sheet_or_page(request, "prospects/suppression_lift.html", context, status=422 if form.errors else 200)


@member_view("people.export")
def suppression_export(request: MemberRequest) -> HttpResponse:
    """CSV of what is suppressed; this workspace reads it back, by the hash where the address is not known here."""
    return csv_download(export_text(by=actor_of(request), now=clock.now()), name="suppressions")


def _url(request: MemberRequest) -> str:
    return reverse("suppression_list", args=[request.workspace.slug])
