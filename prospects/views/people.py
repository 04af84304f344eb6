"""Pages of people: list, page, contact panel, fact sheet, deletion, bulk acts."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.errors import AppError, Refused
from leadgen.core.htmx import hx_redirect, refusal, render_page
from leadgen.core.names import country_name
from prospects.actions.people import assign_people, create_person, delete_people, update_person
from prospects.forms.people import PersonFilter, PersonForm
from prospects.models import Company, Deal, Lead, Person
from prospects.queries import people as queries
from prospects.queries.activities import GROUPS, group_chips, timeline
from prospects.queries.custom import rows_of
from prospects.queries.duplicates import PEOPLE
from prospects.queries.enrichment import origins_of
from prospects.queries.panels import contact_panel, panels
from prospects.queries.phone_outcomes import phone_facts
from prospects.queries.signals import signals_card, why_now_of
from prospects.queries.suppressions import is_suppressed
from prospects.queries.tags import tags_of
from prospects.queries.tasks import open_tasks
from prospects.queries.territories import why_owner
from prospects.queries.titles import how_read, words_of
from prospects.queries.verification import card_of
from prospects.views.cells import dress
from prospects.views.duplicates import where_it_went
from prospects.views.listing import (
    add_app_error,
    build_listing,
    chosen_owner,
    neighbours_in,
    selected_ids,
    sheet_or_page,
)
from prospects.views.saved_views import open_list

LIST: dict[str, Any] = {"orders": queries.ORDERS, "nullable": queries.NULLABLE, "default": "-created_at"}


def _shown(queryset: Any) -> Any:
    return queries.with_fields(queryset).select_related("owner", "company")


@member_view("people.view")
def person_list(request: MemberRequest) -> HttpResponse:
    """People by filters, in keyset pages, with the columns and views of the member."""
    state = open_list(request, "people")
    if isinstance(state, HttpResponse):
        return state
    try:
        listing = build_listing(request, PersonFilter, Person.objects.all(), show=_shown, **LIST)
    except AppError as error:
        return refusal(request, error)
    suppressed = is_suppressed(person.email for person in listing.page.rows)
    reasons = why_now_of(listing.page.rows, clock.now())
    for person in listing.page.rows:
        person.x_why = reasons.get(person.pk)
        person.x_suppressed = person.email in suppressed
    dress(
        listing.page.rows, state.columns, subject="people", slug=request.workspace.slug, fields=state.fields,
        can_edit=member_allows(request.member, "people.edit"),
    )  # fmt: skip
    context = (
        listing.context("people", reverse("person_list_export", args=[request.workspace.slug]))
        | state.context()
        | {"noun": _noun(listing.count.value), "total": str(listing.count)}
    )
    words = f"{listing.count} {_noun(listing.count.value)} match"
    return render_page(request, "prospects/person_list.html", context, partial="results", announce=words)


@member_view("people.view")
def person_detail(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """Everything known about a person, with the contact panel at the side."""
    person = _shown(Person.objects.all()).filter(pk=person_id).first()
    if person is None:
        moved = where_it_went(request, PEOPLE, person_id)
        if moved is None:
            raise Http404("No such person.")
        return moved
    now = clock.now()
    before, after = neighbours_in(request, person, PersonFilter, Person.objects.all(), show=_shown, **LIST)
    within = request.GET.get("in", "")
    context = {
        "person": person,
        "facts": [*facts_of(person), *phone_facts(person), *rows_of("people", person)],
        "contact": contact_panel(person, now),
        "leads": list(
            Lead.objects.filter(person=person)
            .select_related("owner", "version", "campaign")
            .order_by("-created_at", "-id")[:20]
        ),
        "deals": list(Deal.objects.filter(person=person).select_related("owner").order_by("-created_at", "-id")[:20]),
        "tasks": list(open_tasks(person=person)[:20]),
        "tags": tags_of("people", [person.pk]).get(person.pk, []),
        "panels": panels("person", "page", person, now),
        "checked": card_of(person, now),
        "origins": origins_of(person),
        "enrich_id": person.pk,
        "enrich_subject": "people",
        "signals": signals_card(person, now),
        "add_signal_url": f"{reverse('signal_create', args=[request.workspace.slug])}?person={person.pk}",
        "all_signals_url": f"{reverse('signal_list', args=[request.workspace.slug])}?person={person.pk}",
        "before": before,
        "after": after,
        "list_url": reverse("person_list", args=[request.workspace.slug]) + (f"?{within}" if within else ""),
        "within": f"?{urlencode({'in': within})}" if within else "",
    }
    return render(request, "prospects/person_detail.html", context | _timeline(request, person))


@member_view("people.view")
def person_panel(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """The contact panel alone, for pages that show somebody beside their own matter."""
    person = get_object_or_404(Person.objects.all(), pk=person_id)
    context = {"contact": contact_panel(person, clock.now(), with_timeline=True)}
    return render(request, "prospects/contact_panel.html", context)


@member_view("people.view")
def person_timeline(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """One page of a person's timeline, for the chips, "Show earlier" and after a note."""
    person = get_object_or_404(Person.objects.all(), pk=person_id)
    try:
        context = _timeline(request, person)
    except AppError as error:
        return refusal(request, error)
    part = "items" if request.GET.get("cursor") else "list"
    return render(request, f"prospects/timeline.html#{part}", context)


def _timeline(request: MemberRequest, person: Person) -> dict[str, Any]:
    group = request.GET.get("kinds", "")
    group = group if group in GROUPS else ""
    found = timeline(person=person, group=group, cursor=request.GET.get("cursor", ""))
    url = reverse("person_timeline", args=[request.workspace.slug, person.pk])
    return {
        "timeline": found,
        "timeline_url": url,
        "timeline_group": group,
        "timeline_chips": group_chips(group),
        "timeline_more": f"{url}?{urlencode({'kinds': group, 'cursor': found.older})}" if found.older else "",
    }


@member_view("people.edit")
def person_create(request: MemberRequest) -> HttpResponse:
    """A new person; `?company=<id>` from a company's page fills that in."""
    initial: dict[str, Any] = {"owner": str(request.member.pk)}
    company_id = request.GET.get("company", "")
    if company_id and request.method == "GET":
        try:
            initial["company"] = Company.objects.filter(pk=UUID(company_id)).first() or ""
        except ValueError:
            initial["company"] = ""
    form = PersonForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}
        try:
            person = create_person(by=actor_of(request), now=clock.now(), **values)
        except AppError as error:
            add_app_error(form, error, _link(request, error))
        else:
            return hx_redirect(request, _url(request, person), toast=f"{person} is added.")
    context = {"form": form, "person": None}
    return render(request, "prospects/person_form.html", context, status=422 if form.errors else 200)


@member_view("people.edit")
def person_edit(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """Change the facts of a person."""
    person = get_object_or_404(Person.objects.select_related("owner", "company"), pk=person_id)
    form = PersonForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid():
        try:
            update_person(by=actor_of(request), now=clock.now(), person=person, changes=form.changes())
        except AppError as error:
            add_app_error(form, error, _link(request, error))
        else:
            return hx_redirect(request, _url(request, person), toast="Saved.")
    context = {"form": form, "person": person}
    return render(request, "prospects/person_form.html", context, status=422 if form.errors else 200)


@member_view("people.delete")
def person_delete(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """Delete one person, after saying what goes and what stays."""
    person = get_object_or_404(Person.objects.all(), pk=person_id)
    if request.method == "POST":
        name = str(person)
        delete_people(by=actor_of(request), now=clock.now(), people=[person])
        return hx_redirect(request, reverse("person_list", args=[request.workspace.slug]), toast=f"{name} is deleted.")
    return _confirm(request, [person], reverse("person_delete", args=[request.workspace.slug, person.pk]))


@member_view("people.edit")
@require_POST
def person_bulk(request: MemberRequest) -> HttpResponse:
    """Assign or delete the selected people. Deleting asks first, with the exact number on the button."""
    url = reverse("person_list", args=[request.workspace.slug])
    back = f"{url}?{request.POST['query']}" if request.POST.get("query") else url
    now, by = clock.now(), actor_of(request)
    try:
        people = list(Person.objects.filter(pk__in=selected_ids(request)).order_by("full_name", "id"))
        if request.POST.get("action") == "delete":
            if not member_allows(request.member, "people.delete"):
                raise Refused(f"Your role ({request.member.get_role_display()}) may not delete people.")
            if not request.POST.get("confirmed"):
                return _confirm(request, people, reverse("person_bulk", args=[request.workspace.slug]), back=back)
            count = delete_people(by=by, now=now, people=people)
            return hx_redirect(request, back, toast=f"{count} {_noun(count)} deleted.")
        member = chosen_owner(request)
        count = assign_people(by=by, now=now, people=people, owner=member)
    except AppError as error:
        return refusal(request, error)
    words = (
        f"{count} {_noun(count)} assigned to {member or 'nobody'}."
        if count
        else "Nothing changed: they had this owner."
    )
    return hx_redirect(request, back, toast=words)


def facts_of(person: Person) -> list[tuple[Any, ...]]:
    """(label, value, note) of what is known, in reading order; None is shown as unknown."""
    place = ", ".join(filter(None, [person.city, person.region, country_name(person.country)]))
    read = how_read(person)
    return [
        ("Job title", person.title or None),
        ("Seniority", person.get_seniority_display() if person.seniority else None, words_of(read.get("seniority"))),
        (
            "Department",
            person.get_department_display() if person.department else None,
            words_of(read.get("department")),
        ),
        ("Where", place or None),
        ("Time zone", person.time_zone or None),
        ("Owner", person.owner or "nobody", why_owner(person)),
        ("Last touch", _day(person.last_touch_at)),
        ("Last reply", _day(person.last_reply_at)),
        *([("External id", person.external_id)] if person.external_id else []),
    ]


def _day(at: datetime | None) -> str:
    return f"{localtime(at):%-d %b %Y}" if at else "never"


def _noun(count: int) -> str:
    return "person" if count == 1 else "people"


def _url(request: MemberRequest, person: Person) -> str:
    return reverse("person_detail", args=[request.workspace.slug, person.pk])


def _link(request: MemberRequest, error: AppError) -> str:
    return reverse("person_detail", args=[request.workspace.slug, error.detail["id"]]) if "id" in error.detail else ""


def _confirm(request: MemberRequest, people: list[Person], action_url: str, *, back: str = "") -> HttpResponse:
    context = {
        "people": people,
        "count": len(people),
        "noun": _noun(len(people)),
        "effects": queries.effects_of_deletion([person.pk for person in people]),
        "action_url": action_url,
        "query": request.POST.get("query", ""),
        "back": back or _url(request, people[0]),
    }
    return sheet_or_page(request, "prospects/person_delete.html", context)
