"""Enrolling: who is eligible, who is blocked and why, and the first date of each; then exactly those people."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from campaigns.actions.enrolments import BLOCKS, MAX_PEOPLE, EnrolmentPlan, enrol_people, first_touches, plan_enrolment
from campaigns.forms.enrolments import EnrolForm
from campaigns.models import Sequence
from campaigns.queries.domains import warnings_of
from campaigns.queries.enrolments import daily_capacity, local_words
from campaigns.queries.sequences import mailboxes_of
from campaigns.rules.schedule import zone_of
from campaigns.views.sequences import sequence_url
from leadgen.core import clock
from leadgen.core.errors import AppError, Invalid
from leadgen.core.htmx import hx_redirect, refusal
from prospects.forms.people import PersonFilter
from prospects.models import Campaign, Person
from prospects.queries.segments import listed

SHOWN = 50
NAMES = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom a request means: named people, or everybody a filter of the people list matches (`query`)."""

    ids: list[UUID]
    query: str = ""
    by_filter: bool = False


@member_view("enrolments.create")
def enrolment_preview(request: MemberRequest) -> HttpResponse:
    """Look before anything happens. From the people list (`selected`, or `query` with `all`), a person, a segment, a sequence.

    `sequence`, `person` may come in the address. Nothing is written.
    """
    form = EnrolForm(_chosen(request))
    sequence = form.cleaned_data["sequence"] if form.is_bound and form.is_valid() else None
    try:
        selection = _selection(request)
        plan = plan_enrolment(sequence=sequence, people=selection.ids) if sequence and selection.ids else None
    except AppError as error:
        return refusal(request, error)
    context: dict[str, Any] = {
        "form": form, "sequence": sequence, "selection": selection, "nav_active": "sequences",
        "filters": _filters(request), "back": _back(request, sequence), "query_text": selection.query,
        "joined": "" if selection.by_filter else ",".join(map(str, selection.ids)),
        "chosen_people": [] if selection.by_filter else _named(selection.ids),
        "segments": [] if selection.ids else list(listed().order_by("name")[:500]),
    }  # fmt: skip
    if plan is not None and sequence is not None:
        context |= _plan_context(sequence, plan)
    return render(request, "campaigns/enrolment_preview.html", context)


@member_view("enrolments.create")
@require_POST
def enrolment_create(request: MemberRequest) -> HttpResponse:
    """Enrol exactly the people the preview named, as far as they are still eligible. A second click changes nothing."""
    form = EnrolForm(request.POST)
    try:
        if not form.is_valid():
            raise Invalid("Choose a sequence.", field="sequence")
        sequence: Sequence = form.cleaned_data["sequence"]
        asked = _ids(request.POST.get("people", "").split(","))
        if not asked:
            raise Invalid("Choose somebody to enrol.", field="people")
        made = enrol_people(sequence=sequence, people=asked, by=actor_of(request), now=clock.now())
    except AppError as error:
        return refusal(request, error)
    rest = len(asked) - len(made)
    words = f"{len(made):,} {'person' if len(made) == 1 else 'people'} enrolled in {sequence}."
    if rest:
        words += f" {rest:,} {'was' if rest == 1 else 'were'} not eligible any more, or in it already."
    return hx_redirect(request, sequence_url(request, sequence, "sequence_people"), toast=words)


def _chosen(request: MemberRequest) -> QueryDict | None:
    data = request.POST if request.method == "POST" else request.GET
    return data if data.get("sequence") else None


def _selection(request: MemberRequest) -> Selection:
    """Raises Invalid where an id or the filter cannot be read: a filter that is half understood would enrol strangers."""
    data = request.POST if request.method == "POST" else request.GET
    named = _ids([*data.getlist("selected"), *data.getlist("person"), *data.get("people", "").split(",")])
    if named and not data.get("all"):
        return Selection(named)
    query = _query(data)
    if not query and not data.get("all"):
        return Selection([])
    filters = PersonFilter(QueryDict(query), queryset=Person.objects.all(), request=request)
    if filters.form.errors:
        name, messages = next(iter(filters.form.errors.items()))
        raise Invalid(f"The filter cannot be used: {name}: {messages[0]}", field="query")
    ids = list(filters.qs.order_by("full_name", "id").values_list("pk", flat=True)[: MAX_PEOPLE + 1])
    if len(ids) > MAX_PEOPLE:
        raise Invalid(f"More than {MAX_PEOPLE:,} people match. Narrow the filter, and enrol the rest afterwards.")
    return Selection(ids, query, by_filter=True)


def _query(data: QueryDict) -> str:
    """The filter: the people list's, or a segment chosen in place of people. Who joins that later is not enrolled by it."""
    segment = data.get("segment", "")
    return urlencode({"segment": segment}) if segment else data.get("query", "")


def _ids(texts: Iterable[str]) -> list[UUID]:
    try:
        return list(dict.fromkeys(UUID(text) for text in texts if text.strip()))
    except ValueError as error:
        raise Invalid("The selection cannot be read. Reload the page.", field="people") from error


def _named(ids: list[UUID]) -> list[Person]:
    return list(Person.objects.select_related("company").filter(pk__in=ids[:SHOWN]).order_by("full_name", "id"))


def _filters(request: MemberRequest) -> list[dict[str, str]]:
    """The people list's filter in words, where the selection is one."""
    data = request.POST if request.method == "POST" else request.GET
    query = QueryDict(_query(data))
    return PersonFilter(query, queryset=Person.objects.all(), request=request).chips() if query else []


def _plan_context(sequence: Sequence, plan: EnrolmentPlan) -> dict[str, Any]:
    """Eligible people with their first date, days, blocked people by reason, and what the mailboxes can carry."""
    now = clock.now()
    slots = first_touches(sequence=sequence, people=plan.eligible, now=now)
    # The order people see: the soonest first.
    ordered = sorted(plan.eligible, key=lambda person: (slots[person.pk][0].at, person.full_name))
    days: Counter[Any] = Counter()
    for slot, zone in slots.values():
        days[slot.at.astimezone(zone_of(zone)).date()] += 1
    blocked: dict[str, list[dict[str, Any]]] = {}
    for pk, (code, reason) in plan.blocked.items():
        blocked.setdefault(code, []).append({"person": plan.people[pk], "reason": reason})
    pool = mailboxes_of(sequence)
    cold = warnings_of(pool)
    capacity = daily_capacity(pool)
    eligible = len(plan.eligible)
    return {
        "plan": plan,
        "cold_warnings": cold,
        "eligible": eligible,
        "eligible_ids": ",".join(str(person.pk) for person in plan.eligible),
        "rows": [
            {
                "person": person, "first": local_words(slots[person.pk][0].at, slots[person.pk][1], now),
                "at": slots[person.pk][0].at, "why": slots[person.pk][0].reason,
            }
            for person in ordered[:SHOWN]
        ],
        "more": max(eligible - SHOWN, 0),
        "days": sorted(days.items())[:7],
        "blocked": [
            {"words": words, "count": len(blocked[code]), "rows": blocked[code][:SHOWN], "names": blocked[code][:NAMES],
             "more": max(len(blocked[code]) - SHOWN, 0)}
            for code, words in BLOCKS.items()
            if code in blocked
        ],
        "blocked_count": len(plan.blocked),
        "unknown_count": len(plan.unknown),
        "capacity": capacity,
        "capacity_days": -(-eligible // capacity) if capacity and eligible > capacity else 0,
        "waits": _waits(sequence),
        "button": f"Enrol {eligible:,} {'person' if eligible == 1 else 'people'}",
    }  # fmt: skip


def _waits(sequence: Sequence) -> str:
    """Why nothing would go out yet, in words."""
    if sequence.state == Sequence.State.PAUSED:
        return f"{sequence} is paused: {sequence.pause_reason}. People can be enrolled; they wait."
    if sequence.campaign.state != Campaign.State.ACTIVE:
        state = sequence.campaign.get_state_display().lower()
        return f"Campaign {sequence.campaign} is {state}. People can be enrolled; they wait."
    return ""


def _back(request: MemberRequest, sequence: Sequence | None) -> str:
    data = request.POST if request.method == "POST" else request.GET
    slug = request.workspace.slug
    if data.get("person"):
        try:
            return reverse("person_detail", args=[slug, UUID(data["person"])])
        except ValueError:
            return reverse("person_list", args=[slug])
    if segment := data.get("segment", "") or QueryDict(data.get("query", "")).get("segment", ""):
        try:
            return reverse("segment_detail", args=[slug, UUID(segment)])
        except ValueError:
            return reverse("segment_list", args=[slug])
    if data.getlist("selected") or data.get("query"):
        query = data.get("query", "")
        return reverse("person_list", args=[slug]) + (f"?{query}" if query else "")
    if sequence is not None:
        return sequence_url(request, sequence, "sequence_people")
    return reverse("sequence_list", args=[slug])
