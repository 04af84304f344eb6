"""Data quality: what is missing, wrong, old or there twice, with its trend; each figure opens to its rows."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member_view
from accounts.actions.audit import actor_of
from leadgen.core import clock
from leadgen.core.errors import AppError, Conflict
from leadgen.core.htmx import hx_redirect, refusal
from prospects.actions.quality import ask_report
from prospects.actions.segments import checked_rule, create_segment
from prospects.models import Segment
from prospects.queries import quality as queries
from prospects.rules import quality as rules
from prospects.rules.quality import Figure

LISTS = {"people": "person_list", "companies": "company_list"}


@member_view("people.view")
def quality_page(request: MemberRequest) -> HttpResponse:
    """Every figure of this moment, or of the last report where counting takes longer than a page may."""
    now, slug = clock.now(), request.workspace.slug
    found = queries.figures(now)
    if found is None:
        return render(request, "prospects/quality_page.html", {"found": None})
    trends = queries.trend(now)
    context = {
        "found": found,
        "people": found.counts.get("people", (0, 0))[0],
        "heads": [_head(slug, figure, found.counts) for figure in rules.HEADLINES],
        "groups": [
            {
                "title": title, "note": note,
                "rows": [_row(slug, figure, found.counts, trends) for figure in rules.FIGURES if figure.group == key],
            }
            for key, (title, note) in rules.GROUPS.items()
        ] + [
            {
                "title": "Duplicates", "note": "Pairs to review",
                "rows": [_pairs_row(slug, key, found.counts, trends) for key in queries.PAIRS],
            }
        ],
        "pairs": [_pairs(slug, key, found.counts) for key in queries.PAIRS],
        "sources": [_source(slug, source) for source in found.sources],
        "troubles": [label for label, _ in rules.TROUBLES.values()],
        "fewest": rules.FEWEST,
    }  # fmt: skip
    return render(request, "prospects/quality_page.html", context)


@member_view("people.edit")
@require_POST
def quality_count(request: MemberRequest) -> HttpResponse:
    """Let a worker count anew."""
    ask_report(now=clock.now())
    url = reverse("quality_page", args=[request.workspace.slug])
    return hx_redirect(request, url, toast="A worker counts. The figures are new within a minute or two.")


@member_view("segments.edit")
@require_POST
def quality_segment(request: MemberRequest, key: str) -> HttpResponse:
    """A figure's rows as a segment; the one there is opens where it was made before."""
    figure = next((figure for figure in rules.ALL if figure.key == key), None)
    if figure is None:
        raise Http404("There is no such figure.")
    name = figure.label if figure.group != "head" else f"Not {figure.label.lower()}"
    try:
        segment = create_segment(
            by=actor_of(request), now=clock.now(), name=name, kind=Segment.Kind.DYNAMIC, subject=figure.subject,
            rule=figure.rule, description=f"Data quality: {figure.remedy}",
        )  # fmt: skip
    except Conflict as error:
        there = Segment.objects.filter(name=name, subject=figure.subject).first()
        if there is None or there.rule != checked_rule(figure.subject, figure.rule):
            return refusal(request, error)
        segment = there
    except AppError as error:
        return refusal(request, error)
    return hx_redirect(request, reverse("segment_detail", args=[request.workspace.slug, segment.pk]))


def _open(slug: str, subject: str, rule: rules.Rule) -> str:
    return f"{reverse(LISTS[subject], args=[slug])}?{queries.query_of(rule)}"


def _head(slug: str, figure: Figure, counts: queries.Counts) -> dict[str, Any]:
    bad, of = counts.get(figure.key, (0, 0))
    return {
        "label": figure.label, "definition": figure.remedy, "value": (of - bad) / of if of else None,
        "note": f"{of - bad:,} of {of:,}" + (f" {figure.base_label}" if figure.base_label else " people"),
        "url": _open(slug, figure.subject, figure.rule) if bad else "", "words": "Open the other one" if bad == 1 else f"Open the {bad:,} others",
    }  # fmt: skip


def _row(slug: str, figure: Figure, counts: queries.Counts, trends: dict[str, list[int | None]]) -> dict[str, Any]:
    count, of = counts.get(figure.key, (0, 0))
    return {
        "label": figure.label, "count": count, "share": count / of if of else None, "remedy": figure.remedy,
        "url": _open(slug, figure.subject, figure.rule),
        "segment_url": reverse("quality_segment", args=[slug, figure.key]) if count else "",
        **_trend(figure.label, trends.get(figure.key, [])),
    }  # fmt: skip


def _pairs(slug: str, key: str, counts: queries.Counts) -> dict[str, Any]:
    kind = key.removeprefix("pairs_")
    count = counts.get(key, (0, 0))[0]
    return {
        "label": f"Duplicate {kind}", "count": count, "note": "pairs that may be one" if count else "no pair that may be one",
        "url": reverse("duplicate_list", args=[slug, kind]) if count else "",
    }  # fmt: skip


def _pairs_row(slug: str, key: str, counts: queries.Counts, trends: dict[str, list[int | None]]) -> dict[str, Any]:
    kind = key.removeprefix("pairs_")
    label = f"Pairs of {kind} that may be one"
    return {
        "label": label, "count": counts.get(key, (0, 0))[0], "share": None, "remedy": "Look at both, and merge them.",
        "url": reverse("duplicate_list", args=[slug, kind]), **_trend(label, trends.get(key, [])),
    }  # fmt: skip


def _trend(label: str, values: list[int | None]) -> dict[str, Any]:
    """A line where there are two days to draw it by, and what it says in words."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return {"trend": [], "trend_words": "", "change": 0}
    words = f"{label}: {known[0]:,} to {known[-1]:,} in {queries.TREND_DAYS} days"
    return {"trend": values, "trend_words": words, "change": known[-1] - known[0]}


def _source(slug: str, source: queries.Source) -> dict[str, Any]:
    def opened(rule: rules.Rule) -> str:
        return _open(slug, "people", rules.of_source(source.source, rule))

    return {
        "name": source.source, "people": source.people, "troubled": source.troubled,
        "share": source.troubled / source.people, "url": opened(rules.ANY_TROUBLE),
        "by": [
            {"label": label, "count": source.by.get(key, 0), "url": opened(rule)}
            for key, (label, rule) in rules.TROUBLES.items()
        ],
    }  # fmt: skip
