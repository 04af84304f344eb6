"""LinkedIn checks: touches whose answer nobody looked for, looked at in one go."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions.linkedin import CHECKS, check_touches
from campaigns.models import Sequence
from campaigns.queries.linkedin import checks_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, is_htmx, refusal, render_page

WHO = {"": "Mine first", "mine": "Mine only"}
DONE = {"accepted": "Accepted", "answered": "Answered", "declined": "Said no", "not_yet": "Nothing yet"}


@member_view("tasks.view", post="tasks.work")
def linkedin_checks(request: MemberRequest) -> HttpResponse:
    """The list; posted, what somebody saw on LinkedIn: `do` is a result with a touch, or `rest` for all that are listed."""
    now = clock.now()
    try:
        notice = _look(request) if request.method == "POST" else ""
        filters = _filters(request)
    except AppError as error:
        return refusal(request, error)
    url = reverse("linkedin_checks", args=[request.workspace.slug])
    here = f"{url}?{urlencode(filters)}" if filters else url
    if request.method == "POST" and not is_htmx(request):
        return hx_redirect(request, here, toast=notice)
    sequence = filters.get("sequence")
    found = checks_of(
        member=request.member, now=now, who=filters.get("who", ""), sequence=UUID(sequence) if sequence else None
    )
    context: dict[str, Any] = {
        "nav_active": "work", "checks": found.rows, "cut": found.cut, "here": here, "who": filters.get("who", ""),
        "who_links": [
            {"label": label, "on": filters.get("who", "") == key, "url": f"{url}?{urlencode(filters | {'who': key})}"}
            for key, label in WHO.items()
        ],
        "sequence": get_object_or_404(Sequence.objects.all(), pk=sequence) if sequence else None, "all_url": url,
        "results": [("accepted", "Accepted"), ("answered", "Answered"), ("not_yet", "Not yet"), ("declined", "Said no")],
        "focus": min(_place(request), len(found.rows)) if request.method == "POST" else 0,
    }  # fmt: skip
    return render_page(
        request, "campaigns/linkedin_checks.html", context, partial="results",
        announce=notice or f"{len(found.rows)} to look at",
    )  # fmt: skip


def _look(request: MemberRequest) -> str:
    """Carry out what was posted; returns the notice."""
    do, one, _ = _pressed(request)
    by, now = actor_of(request), clock.now()
    if do == "rest":
        listed = _ids(request.POST.getlist("touch"))
        count = check_touches(touches=listed, result="not_yet", by=by, now=now)
        return f"{count:,} looked at: nobody else answered."
    if do not in CHECKS:
        raise Invalid("Say what you saw: accepted, answered, said no or not yet.", field="do")
    count = check_touches(touches=_ids([one]), result=do, by=by, now=now)
    return f"{DONE[do]}." if count else "That one was settled already."


def _filters(request: MemberRequest) -> dict[str, str]:
    filters = {}
    if request.GET.get("who") in WHO and request.GET["who"]:
        filters["who"] = request.GET["who"]
    if request.GET.get("sequence"):
        filters["sequence"] = _ids([request.GET["sequence"]])[0].hex
    return filters


def _ids(texts: Iterable[str]) -> list[UUID]:
    try:
        return [UUID(text) for text in texts]
    except ValueError as error:
        raise Invalid("The selection cannot be read. Reload the page.", field="touch") from error


def _pressed(request: MemberRequest) -> tuple[str, str, str]:
    """The button: (result or "rest", touch, which row it stood in, from 1)."""
    do, one, at, *_ = [*request.POST.get("do", "").split(":"), "", ""]
    return do, one, at


def _place(request: MemberRequest) -> int:
    """Which row was acted on: the one that takes its place is next."""
    at = _pressed(request)[2]
    return int(at) if at.isdecimal() and len(at) < 5 else 1
