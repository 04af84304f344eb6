"""The rows behind a figure, and figures and rows as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse

from accounts.access import MemberRequest, member_view
from analytics.queries.report import open_report
from analytics.queries.rows import COLUMNS, Shown, seen_ids, shown_rows
from analytics.rules.definitions import DEFINITIONS
from analytics.rules.facts import Basis, Id
from analytics.rules.figure import Figure, Figures
from analytics.rules.funnel import RowSet
from analytics.rules.report import SPEND_KEYS
from analytics.views.funnel import chips, dates, parts_of
from analytics.views.parts import HANDOFFS, STEP_WORDS, Parts
from analytics.views.present import show
from leadgen.core import clock
from leadgen.core.downloads import safe_cell
from leadgen.core.errors import Invalid
from leadgen.core.htmx import refusal, render_page
from leadgen.core.templatetags.ui_text import money, number

SIZE = 50
NOUNS = {
    "leads": "leads", "deals": "deals", "customers": "customers", "spend": "spend lines", "handoffs": "hand-offs",
    "meetings": "meetings",
}  # fmt: skip
EXPORT_LIMIT = 100_000


class Drill:
    """One figure of a report and its sets. Raises Http404 for a figure that is none, PermissionDenied for one not to be seen."""

    def __init__(self, request: MemberRequest) -> None:
        params = request.GET.dict()
        self.key = params.pop("key", "")
        about = DEFINITIONS.get(self.key)
        if about is None:
            raise Http404("No such figure.")
        given = params.pop("of", "") or ("cohort" if about.basis == "cohort" else "period")
        self.of: Basis = "cohort" if given == "cohort" else "period"
        if given != self.of or about.basis not in ("both", self.of):
            raise Http404("The figure has no such basis.")
        self.part = params.pop("part", "") or None
        self.chosen = params.pop("set", "numerator") or "numerator"
        self.ask, report = open_report(request.workspace, params, clock.now())
        self.parts: Parts = parts_of(request, self.ask, report)
        if self.parts.hidden(self.key):
            raise PermissionDenied("Your role does not see spend, so it does not see this figure.")
        try:
            self.sets: dict[str, RowSet] = report.sets(self.key, self.of, part=self.part)
        except KeyError as error:
            raise Http404("The figure has no such part.") from error
        self.figure = self._figure(report.figures_of(self.of))
        if self.chosen not in self.sets:
            raise Http404("The figure has no such set.")

    def _figure(self, figures: Figures) -> Figure | None:
        found = figures.get(self.key)
        if isinstance(found, dict):
            return found.get(self.part or "")
        return found

    @property
    def label(self) -> str:
        """What the page is about: "Acceptance, SDR to AE"."""
        words = DEFINITIONS[self.key].label
        named = HANDOFFS.get(self.part or "") or STEP_WORDS.get(self.part or "")
        return f"{words}, {named}" if named else words

    def set_words(self, name: str) -> str:
        """A tab: what its rows are."""
        noun = NOUNS[self.sets[name].kind].capitalize()
        steps = DEFINITIONS[self.key].shape in ("rate", "breakdown") or ">" in DEFINITIONS[self.key].numerator
        if not steps:
            return noun
        return {"numerator": "Counted", "denominator": "Out of", "rest": "Stayed behind"}[name]

    def ids(self) -> tuple[Id, ...]:
        """The ids of the chosen set that the viewer may see, newest first."""
        found = self.sets[self.chosen]
        return seen_ids(found.kind, tuple(reversed(found.ids)))

    def address(self, **more: str | None) -> str:
        """This page with other values."""
        state: dict[str, str | None] = {"key": self.key, "of": self.of, "part": self.part}
        state["set"] = self.chosen if self.chosen != "numerator" else None
        return self.ask.address(**(state | more))


@member_view("funnel.view")
def funnel_rows(request: MemberRequest) -> HttpResponse:
    """Leads, deals, spend lines, hand-offs or meetings behind one figure; tabs for what was divided by what."""
    try:
        drill = Drill(request)
        page = _page_number(request.GET.get("page", "1"))
    except Invalid as error:
        return refusal(request, error)
    ids = drill.ids()
    kind = drill.sets[drill.chosen].kind
    start = (page - 1) * SIZE
    rows = shown_rows(kind, ids[start : start + SIZE], request.workspace.slug)
    parts = drill.parts
    back = reverse("funnel", args=[parts.slug]) + drill.ask.address()
    context: dict[str, Any] = {
        "label": drill.label,
        "figure": show(drill.figure, currency=parts.currency, label=drill.label) if drill.figure is not None else None,
        "definition": DEFINITIONS[drill.key].text,
        "of": drill.of,
        "dates": dates(drill.ask),
        "tabs": [
            {"key": name, "label": drill.set_words(name), "url": drill.address(set=name), "count": len(rows_of.ids)}
            for name, rows_of in drill.sets.items()
        ],
        "tab": drill.chosen,
        "columns": [
            {
                "label": label,
                "align": "end" if label in ("Value", "Amount", "Counted here", "Recurring a month") else "",
            }
            for label in _heads(kind)
        ],
        "rows": [(row, _cells(row, kind, parts)) for row in rows],
        "noun": NOUNS[kind],
        "total": len(ids),
        "others": len(drill.sets[drill.chosen].ids) - len(ids),
        "shown": len(rows),
        "next_url": drill.address(page=str(page + 1)) if start + SIZE < len(ids) else "",
        "previous_url": drill.address(page=str(page - 1)) if page > 1 else "",
        "chips": chips(parts),
        "back": back,
        "export_url": reverse("funnel_rows_export", args=[parts.slug]) + drill.address(),
        "unit": drill.ask.unit,
    }
    spoken = f"{number(len(ids))} {NOUNS[kind]}"
    return render_page(request, "analytics/funnel_rows.html", context, partial="results", announce=spoken)


def _page_number(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise Invalid("A page is a number from 1.", field="page")
    return int(text)


def _heads(kind: str) -> tuple[str, ...]:
    return (*COLUMNS[kind], "Counted here") if kind == "spend" else COLUMNS[kind]


def _cells(row: Shown, kind: str, parts: Parts) -> list[tuple[str, str, Any]]:
    """(head, what it is: text, money, moment; value) of each cell after the name."""
    found: list[tuple[str, Any]] = []
    for cell in row.cells:
        if isinstance(cell, tuple):
            found.append(("money", money(cell[0], cell[1])))
        elif cell is None or not isinstance(cell, str):
            found.append(("moment", cell))
        else:
            found.append(("text", cell))
    if kind == "spend":
        found.append(("money", money(_counted(row.id, parts), parts.currency)))
    return [(head, what, value) for head, (what, value) in zip(_heads(kind)[1:], found, strict=True)]


def _counted(line: Any, parts: Parts) -> float | None:
    """The part of a spend line that lies in the period, in the workspace's currency."""
    amount = parts.report.total.amounts.get(line)
    return None if amount is None else round(float(amount), 2)


@member_view("people.export")
def funnel_rows_export(request: MemberRequest) -> HttpResponse:
    """The rows of one set as CSV, all of them up to 100,000."""
    try:
        drill = Drill(request)
    except Invalid as error:
        return refusal(request, error)
    kind = drill.sets[drill.chosen].kind
    ids = drill.ids()[:EXPORT_LIMIT]
    response, writer = _file(f"{drill.key}-{drill.chosen}")
    writer.writerow([*_heads(kind), "id"])
    for start in range(0, len(ids), 1000):
        for row in shown_rows(kind, ids[start : start + 1000], drill.parts.slug):
            cells = [_plain(cell) for cell in row.cells]
            if kind == "spend":
                cells.append(str(_counted(row.id, drill.parts)))
            writer.writerow([safe_cell(row.name), *(safe_cell(cell) for cell in cells), str(row.id)])
    return response


@member_view("funnel.view")
def funnel_export(request: MemberRequest) -> HttpResponse:
    """Every figure of the page as CSV: the total, then each value of the breakdown."""
    try:
        ask, report = open_report(request.workspace, request.GET.dict(), clock.now())
    except Invalid as error:
        return refusal(request, error)
    parts = parts_of(request, ask, report)
    response, writer = _file(f"funnel-{ask.start}-{ask.until}")
    writer.writerow(
        ["breakdown", "value", "basis", "key", "part", "label", "figure", "unit", "n", "numerator", "denominator",
         "interval_low", "interval_high", "maturity", "warnings", "definition", "as_of"]
    )  # fmt: skip
    tables: list[tuple[str, str, dict[Basis, Figures]]] = [("total", "", report.figures)]
    tables += [(ask.by, key, figures) for key, figures in report.by(ask.by)]
    for breakdown, value, bases in tables:
        for basis, figures in bases.items():
            for key, part, figure in _flat(figures):
                if parts.sees_spend or key not in SPEND_KEYS:
                    writer.writerow([breakdown, safe_cell(value), basis, key, part, *_columns(figure)])
    return response


def _flat(figures: Figures) -> Iterator[tuple[str, str, Figure]]:
    """Every figure with its key and part; a duration is split into its statistics by `_columns`."""
    for key, entry in figures.items():
        if isinstance(entry, Figure):
            yield key, "", entry
        else:
            yield from ((key, part, figure) for part, figure in entry.items())


def _columns(figure: Figure) -> list[Any]:
    value = figure.value
    if isinstance(value, dict):
        value = "; ".join(
            f"{name} {one}" for name, one in value.items() if not isinstance(one, dict) and one is not None
        )
    low, high = figure.interval or (None, None)
    return [
        figure.about.label, value, figure.unit, figure.n, figure.numerator, figure.denominator, low, high, figure.maturity,
        " ".join(figure.warnings), figure.definition, figure.as_of,
    ]  # fmt: skip


def _file(name: str) -> tuple[HttpResponse, Any]:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response, csv.writer(response)


def _plain(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, tuple):
        return "" if cell[0] is None else f"{cell[0]} {cell[1]}"
    return cell if isinstance(cell, str) else str(cell.isoformat())
