"""Pages of tags: the vocabulary under Settings, and the tags of one person or company."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from accounts.permissions import member_allows
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.htmx import hx_redirect, is_htmx, refusal
from prospects.actions.tags import create_tag, delete_tag, tag_rows, tags_named, untag_rows, update_tag
from prospects.forms.tags import TagForm, split_names
from prospects.models import Company, Person, Tag
from prospects.queries.tags import carried_by_others, counted, tags_of, vocabulary
from prospects.views.listing import add_app_error, sheet_or_page


@member_view("tags.view")
def tag_list(request: MemberRequest) -> HttpResponse:
    """The vocabulary, with how many people and companies have each word."""
    back = reverse("settings", args=[request.workspace.slug])
    tags = counted()
    may_all = member_allows(request.member, "tags.edit")
    theirs = set() if may_all else carried_by_others(request.member)
    for tag in tags:
        tag.is_locked = tag.pk in theirs
    return render(request, "prospects/tag_list.html", {"tags": tags, "back": back})


@member_view("tags.manage")
def tag_create(request: MemberRequest) -> HttpResponse:
    """A new word."""
    form = TagForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            tag = create_tag(by=actor_of(request), now=clock.now(), **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast=f"{tag} is added.")
    return _form(request, form, None)


@member_view("tags.manage")
def tag_edit(request: MemberRequest, tag_id: UUID) -> HttpResponse:
    """Another name or colour."""
    tag = get_object_or_404(Tag.objects.all(), pk=tag_id)
    form = TagForm(request.POST or None, initial={"name": tag.name, "colour": tag.colour})
    if request.method == "POST" and form.is_valid():
        try:
            update_tag(by=actor_of(request), now=clock.now(), tag=tag, **form.cleaned_data)
        except AppError as error:
            add_app_error(form, error)
        else:
            return hx_redirect(request, _list(request), toast="Saved.")
    return _form(request, form, tag)


@member_view("tags.manage")
def tag_delete(request: MemberRequest, tag_id: UUID) -> HttpResponse:
    """Delete a word, after saying how many lose it."""
    tag = get_object_or_404(Tag.objects.all(), pk=tag_id)
    if request.method == "POST":
        try:
            count = delete_tag(by=actor_of(request), now=clock.now(), tag=tag)
        except AppError as error:
            return refusal(request, error)
        return hx_redirect(request, _list(request), toast=f"{tag} is deleted; {count:,} had it.")
    held = next(item for item in counted() if item.pk == tag.pk)
    return sheet_or_page(request, "prospects/tag_delete.html", {"tag": held, "back": _list(request)})


@member_view("people.edit")
def person_tags(request: MemberRequest, person_id: UUID) -> HttpResponse:
    """The tags of a person, to choose from the vocabulary or to type."""
    return _pick(request, get_object_or_404(Person.objects.all(), pk=person_id), "people")


@member_view("companies.edit")
def company_tags(request: MemberRequest, company_id: UUID) -> HttpResponse:
    """The tags of a company."""
    return _pick(request, get_object_or_404(Company.objects.all(), pk=company_id), "companies")


def _pick(request: MemberRequest, row: Any, subject: str) -> HttpResponse:
    """Only what was ticked or unticked here is changed: a tag somebody else put on meanwhile stays."""
    noun = "person" if subject == "people" else "company"
    url = reverse(f"{noun}_tags", args=[request.workspace.slug, row.pk])
    page = reverse(f"{noun}_detail", args=[request.workspace.slug, row.pk])
    error, words = "", vocabulary()
    if request.method == "POST":
        by, now = actor_of(request), clock.now()
        known = {str(tag.pk): tag for tag in words}
        had = {key for key in request.POST.getlist("had") if key in known}
        wanted = {key for key in request.POST.getlist("tags") if key in known}
        try:
            new = tags_named(split_names(request.POST.get("new", "")), by=by, now=now, create=True)
            came = [*(known[key] for key in wanted - had), *new]
            went = [known[key] for key in had - wanted if known[key] not in new]
            if came:
                tag_rows(by=by, now=now, subject=subject, ids=[row.pk], tags=came)
            if went:
                untag_rows(by=by, now=now, subject=subject, ids=[row.pk], tags=went)
        except AppError as refused:
            error = refused.message
        else:
            back = request.POST.get("back", "")
            ours = back.startswith(f"/w/{request.workspace.slug}/") and "//" not in back
            return hx_redirect(
                request, back if ours else page, toast="The tags are saved." if came or went else "Nothing changed."
            )
    here = request.headers.get("HX-Current-URL", "").partition(request.get_host())[2] if is_htmx(request) else ""
    context = {
        "row": row, "url": url, "words": words, "held": {tag.pk for tag in tags_of(subject, [row.pk]).get(row.pk, [])},
        "back": here or page, "error": error, "new": request.POST.get("new", ""),
    }  # fmt: skip
    return sheet_or_page(request, "prospects/tag_pick.html", context, status=422 if error else 200)


def _form(request: MemberRequest, form: TagForm, tag: Tag | None) -> HttpResponse:
    context = {"form": form, "tag": tag, "back": _list(request)}
    return sheet_or_page(request, "prospects/tag_form.html", context, status=422 if form.errors else 200)


def _list(request: MemberRequest) -> str:
    return reverse("tag_list", args=[request.workspace.slug])


__all__ = ["company_tags", "person_tags", "tag_create", "tag_delete", "tag_edit", "tag_list"]
