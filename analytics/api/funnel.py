"""`/api/v1/funnel/`: every number of the dictionary, and the rows behind each."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import scope_allows
from accounts.models import ApiToken, Workspace
from accounts.permissions import member_allows
from analytics.queries.facts import RECORDED
from analytics.queries.report import open_report
from analytics.queries.rows import seen_ids
from analytics.rules.ask import PRESETS, Ask
from analytics.rules.definitions import DEFINITIONS
from analytics.rules.facts import Basis
from analytics.rules.figure import Figure, Figures, as_json, plain
from analytics.rules.report import SPEND_KEYS, Report
from leadgen.core import clock
from leadgen.core.errors import Invalid, Refused
from leadgen.core.tenancy import current_workspace_id

BASES: tuple[Basis, ...] = ("period", "cohort")
SETS = ("numerator", "denominator", "rest")
MAX_ROWS = 1000


def _parameter(name: str, text: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=text, **more)


QUESTION = [
    _parameter("from", "First day, such as 2026-01-01."),
    _parameter("to", "Day after the last one: exclusive. Without dates: the last 90 days."),
    _parameter("until", "Last day, included; in place of `to`."),
    _parameter("period", "A named period in place of dates.", enum=[name for name in PRESETS if name != "custom"]),
    _parameter("unit", "What is counted; default lead.", enum=["lead", "person", "company"]),
    _parameter("as_of", "Look as at this date or instant; default now."),
    *(
        _parameter(name, f"Only this {name}; `unknown` for those that do not say.")
        for name in RECORDED
        if name != "month"
    ),
]


class FunnelViewSet(viewsets.ViewSet):
    """The funnel. Figures that tell what was spent are left out, and named under `hidden`, where the role or the token
    may not see spend (`spend.view`)."""

    permissions = {"list": "funnel.view", "rows": "funnel.view"}

    @extend_schema(
        summary="Every figure of a period",
        parameters=[
            *QUESTION,
            _parameter("basis", "Only this basis; default both.", enum=[*BASES]),
            _parameter("by", "Also a row for each value of this.", enum=[*RECORDED]),
            _parameter("full", "1: each figure with n, interval, maturity, definition and warnings.", enum=["0", "1"]),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    def list(self, request: Request) -> Response:
        """`{period: {...}, cohort: {...}, by: [{key, period, cohort}], hidden: [...]}`, the keys of `manage.py funnel --json`."""
        params = request.query_params.dict()
        bases = _bases(params.pop("basis", ""))
        by, full = params.get("by", ""), params.pop("full", "") not in ("", "0", "false")
        ask, report = _open(request, params)
        hidden = frozenset() if _sees_spend(request) else SPEND_KEYS

        def shown(figures: Figures) -> Any:
            kept = {key: figure for key, figure in figures.items() if key not in hidden}
            return as_json(kept) if full else plain(kept)

        answer: dict[str, Any] = {
            "from": ask.start.isoformat(), "to": ask.end.isoformat(), "as_of": report.conventions.as_of_text,
            "currency": report.conventions.currency,
        }  # fmt: skip
        answer |= {basis: shown(report.figures_of(basis)) for basis in bases}
        if by:
            answer["by"] = [
                {"key": key} | {basis: shown(figures[basis]) for basis in bases}
                for key, figures in (report.by_full(by) if full else report.by(by))
            ]
        return Response(answer | {"hidden": sorted(hidden)})

    @extend_schema(
        summary="The rows behind a figure",
        parameters=[
            _parameter("key", "The figure, such as cpl.", required=True),
            _parameter("basis", "Of which basis; where a figure has one only, that is it.", enum=[*BASES]),
            _parameter("part", "A kind of hand-off, or a step such as mql_to_accepted."),
            _parameter("set", "Which set; default numerator. `rest`: in the denominator only.", enum=[*SETS]),
            *QUESTION,
            _parameter("limit", f"Ids a page, 1 to {MAX_ROWS}; default 100."),
            _parameter("cursor", "Cursor of a page."),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=False)
    def rows(self, request: Request) -> Response:
        """`{key, basis, set, kind, count, others, figure, results: [id], next, previous}`, newest first; open an id at its own
        resource. `others` are counted and belong to others, so that this token may not open them.

        `kind` is leads, deals, customers (ids of their won deals), spend, handoffs or meetings.
        """
        params = request.query_params.dict()
        key, part = params.pop("key", ""), params.pop("part", "") or None
        about = DEFINITIONS.get(key)
        if about is None:
            raise Invalid("No such figure; the keys are those of /api/v1/funnel/.", field="key")
        given = params.pop("basis", "")
        basis: Basis = _bases(given)[0] if given else "cohort" if about.basis == "cohort" else "period"
        if about.basis not in ("both", basis):
            raise Invalid(f"{key} has no {basis} basis.", field="basis")
        if key in SPEND_KEYS and not _sees_spend(request):
            raise Refused("This token or its member's role may not see spend, which this figure tells.")
        name = params.pop("set", "") or "numerator"
        start, limit = _whole(params.pop("cursor", ""), "cursor", 0), _whole(params.pop("limit", ""), "limit", 100)
        if not 1 <= limit <= MAX_ROWS:
            raise Invalid(f"limit must be a whole number from 1 to {MAX_ROWS}.", field="limit")
        _, report = _open(request, params)
        try:
            found = report.sets(key, basis, part=part)
        except KeyError as error:
            raise Http404 from error
        if name not in found:
            raise Invalid(f"This figure has: {', '.join(found)}.", field="set")
        counted = tuple(reversed(found[name].ids))
        ids = seen_ids(found[name].kind, counted)
        entry = report.figures_of(basis).get(key)
        figure = entry if isinstance(entry, Figure) else (entry or {}).get(part or "")

        def link(at: int) -> str | None:
            if not 0 <= at < len(ids) or at == start:
                return None
            return f"{request.path}?{urlencode({**request.query_params.dict(), 'cursor': at})}"

        return Response(
            {
                "key": key, "basis": basis, "set": name, "kind": found[name].kind, "count": len(counted),
                "others": len(counted) - len(ids),
                "figure": as_json(figure) if figure is not None else None,
                "results": [str(one) for one in ids[start : start + limit]],
                "next": link(start + limit), "previous": link(max(0, start - limit)),
            }
        )  # fmt: skip


def _open(request: Request, params: dict[str, str]) -> tuple[Ask, Report]:
    return open_report(Workspace.objects.get(pk=current_workspace_id()), params, clock.now())


def _sees_spend(request: Request) -> bool:
    member, token = getattr(request, "member", None), request.auth
    return isinstance(token, ApiToken) and member_allows(member, "spend.view") and scope_allows(token, "spend.view")


def _bases(text: str) -> tuple[Basis, ...]:
    if text not in ("", *BASES):
        raise Invalid("The basis is period or cohort.", field="basis")
    return tuple(one for one in BASES if text in ("", one))


def _whole(text: str, field: str, default: int) -> int:
    if text and not (text.isdigit() and len(text) < 8):
        raise Invalid(f"{field} must be a whole number.", field=field)
    return int(text) if text else default
