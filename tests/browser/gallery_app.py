"""The components page and a few answers to htmx, without accounts or database: what test_gallery.py drives."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import engines
from django.urls import path

from leadgen.core.errors import Conflict
from leadgen.core.gallery import NAV, gallery_view
from leadgen.core.htmx import close_dialog, notify, refusal

PAGE = """{% extends "base.html" %}{% load ui %}{% block title %}Try{% endblock %}{% block content %}
<div class="page">{% page_header title="Try" %}{% button "Add note" hx_get="/form/" hx_target="#dialog" shortcut="n" %}{% endpage_header %}
{% button "Conflict" hx_post="/conflict/" hx_swap="none" %}{% button "Missing" hx_post="/missing/" hx_swap="none" %}
{% button "Save" hx_post="/save/" hx_swap="none" %}
<div id="notes" hx-get="/notes/" hx-trigger="notes-changed from:body">none yet</div>
<form method="post" action="/slow/" id="slow">{% csrf_token %}{% button "Send" type="submit" variant="primary" %}</form>
<form method="post" action="/saved/" id="asked">{% csrf_token %}{% button "Delete" type="submit" confirm="Delete 3 people?" confirm_label="Delete 3" %}</form>
<form action="/try/"><label for="typing">Typing</label><input class="input" id="typing" name="typing"></form>
</div>{% endblock %}"""
FORM = """{% load ui %}{% sheet title="Add a note" %}<form hx-post="/form/" hx-target="#dialog">
<label class="field-label" for="note">Note</label><input class="input w-full" id="note" name="note"{% if wrong %} aria-invalid="true"{% endif %}>
{% button "Save note" type="submit" variant="primary" %}</form>{% endsheet %}"""
posts: list[str] = []


def _say(request: HttpRequest, source: str, context: dict[str, object], status: int = 200) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(source).render(context, request), status=status)


def try_page(request: HttpRequest) -> HttpResponse:
    return _say(request, PAGE, {"nav": NAV, "nav_active": "work"})


def form(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _say(request, FORM, {})
    if not request.POST.get("note"):
        return _say(request, FORM, {"wrong": True}, status=422)
    return close_dialog(None, "notes-changed")


def notes(request: HttpRequest) -> HttpResponse:
    return HttpResponse("one note")


def conflict(request: HttpRequest) -> HttpResponse:
    return refusal(request, Conflict("Ana moved this 3 s ago."))


def save(request: HttpRequest) -> HttpResponse:
    return notify(request, HttpResponse(), "Saved the view")


def slow(request: HttpRequest) -> HttpResponse:
    """Counts submissions; 204 leaves the browser where it is."""
    posts.append(request.path)
    return HttpResponse(status=204)


def search(request: HttpRequest, slug: str) -> HttpResponse:
    people = [
        {"url": "/try/?found=ana", "title": "Ana Ferreira", "icon": "user"},
        {"url": "/try/?found=anna", "title": "Anna Berg"},
    ]
    found = people if request.GET.get("q", "").startswith("an") else []
    groups = [{"label": "People", "items": found}] if found else []
    return render(request, "components/search_results.html", {"groups": groups, "q": request.GET.get("q", "")})


urlpatterns = [
    path("_components/", gallery_view),
    path("w/<slug:slug>/search/", search, name="search"),
    path("try/", try_page),
    path("form/", form),
    path("notes/", notes),
    path("conflict/", conflict),
    path("save/", save),
    path("slow/", slow),
    path("saved/", slow),
]
