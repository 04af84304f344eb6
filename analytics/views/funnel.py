"""The funnel page: what marketing and sales bring, what it costs, and where leads stay behind."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.formats import date_format

from accounts.access import MemberRequest, member_view
from accounts.context import mounted
from accounts.permissions import member_allows
from analytics.forms.funnel import FunnelForm
from analytics.queries.facts import owner_names
from analytics.queries.replies import people_who_replied
from analytics.queries.report import known_values, open_report
from analytics.queries.rows import history_begins
from analytics.rules.ask import BASIS_LABELS, UNITS, Ask
from analytics.rules.facts import UNKNOWN
from analytics.rules.report import Report
from analytics.views.notices import about_undated, cheaper_but_worse, diagnoses
from analytics.views.parts import Parts
from analytics.views.present import mapped_labels
from analytics.views.trend import trend_parts
from leadgen.core import clock
from leadgen.core.errors import Invalid
from leadgen.core.htmx import render_page
from leadgen.core.templatetags.ui_text import SYMBOLS, money, number
from prospects.models import Channel

TABS = (("channel", "Channel"), ("campaign", "Campaign"), ("owner", "Owner"), ("grade", "Fit"), ("month", "Month"))
CHANNELS = dict(Channel.choices)


@member_view("funnel.view")
def funnel_page(request: MemberRequest) -> HttpResponse:
    """The whole funnel of a period; every control is in the address, and htmx swaps the part `report`."""
    now = clock.now()
    problem = ""
    try:
        ask, report = open_report(request.workspace, request.GET.dict(), now)
    except Invalid as error:
        problem = error.message
        ask, report = open_report(request.workspace, {}, now)
    parts = parts_of(request, ask, report)
    context = page_context(request, parts) | {"problem": problem}
    spoken = (
        problem or f"{number(len(report.total.rows(ask.basis, 'leads')))} {UNITS[ask.unit].lower()}, {context['dates']}"
    )
    return render_page(
        request, "analytics/funnel.html", context, partial="report", announce=spoken, status=422 if problem else 200
    )


def parts_of(request: MemberRequest, ask: Ask, report: Report) -> Parts:
    """The parts of a report as this member may see them."""
    return Parts(
        report,
        ask,
        request.workspace.slug,
        request.workspace.currency,
        member_allows(request.member, "spend.view"),
        owner_names(),
        CHANNELS,
    )


def page_context(request: MemberRequest, parts: Parts) -> dict[str, Any]:
    """Everything the template needs."""
    ask, report = parts.ask, parts.report
    facts = report.facts
    context: dict[str, Any] = {
        "ask": ask,
        "dates": dates(ask),
        "before": f"{date_format(report.before.first, 'j M Y')} to {_last(report.before.past)}",
        "form": FunnelForm(ask, choices=choices(parts)),
        "custom": ask.preset == "custom",
        "bases": [{"key": key, "label": label, "url": ask.changed(basis=key)} for key, label in BASIS_LABELS.items()],
        "chips": [chip for chip in chips(parts) if chip["key"] not in _FIELDS],
        "hidden": {name: value for name, value in ask.params().items() if name not in _FIELDS | {"from", "until"}},
        "export_url": reverse("funnel_export", args=[parts.slug]) + ask.address(),
        "sees_spend": parts.sees_spend,
        "symbol": SYMBOLS.get(parts.currency, parts.currency).strip(),
        "nothing": not (facts.leads or facts.deals or facts.spend),
        "import_url": _first_url(("import_list", "import_create", "lead_list"), parts.slug),
        "spend_url": _first_url(("spend_list",), parts.slug),
    }
    if context["nothing"]:
        return context
    period = report.figures["period"]
    months, bars, benchmarks = report.trend(), parts.bars(), parts.benchmarks()
    context |= {
        "headline": parts.headline(),
        "costs": parts.costs(),
        "bars": bars,
        "hatched": any(bar.hatched for bar in bars),
        "pale": any(bar.pale for bar in bars),
        "close": parts.figure("lead_to_close", "cohort") if ask.basis == "cohort" else None,
        "spread": parts.table(),
        "tabs": [{"key": key, "label": label, "url": ask.changed(by=key)} for key, label in TABS],
        "tab": ask.by,
        "by_label": dict(TABS).get(ask.by, ask.by.replace("_", " ").capitalize()),
        "trend": trend_parts(months, report.conventions, sees_spend=parts.sees_spend),
        "velocity": parts.velocity(),
        "answers": parts.answers(),
        "values": parts.values(),
        "benchmarks": benchmarks,
        "footnotes": [one for one in benchmarks if one["plain"] and one["own"].key in ("cpl", "lead_to_close")],
        "cautions": parts.cautions(),
        "worse": cheaper_but_worse(report, parts),
        "diagnoses": diagnoses(
            report, parts, months=months, replies=people_who_replied(report.period.start, report.period.end)
        ),
        "undated": about_undated(parts),
        "leads": period["leads"],
        "agreement": agreement_words(report),
        "no_spend": parts.sees_spend and not report.total.rows("period", "spend_lines"),
        "empty_period": not any(
            report.total.rows("period", name)
            for name in ("leads", "mqls", "sqls", "customers", "deals_created", "spend_lines")
        ),
        "total": {"leads": number(len(report.total.rows("period", "leads"))), "spend": _spend(parts)},
    }
    if context["empty_period"]:
        context["begins"] = history_begins(report.conventions.zone)
        context["all_url"] = "?period=all"
    return context


_FIELDS = {"period", "channel", "campaign", "owner", "unit"}


def _spend(parts: Parts) -> str:
    total = parts.report.total
    spend = total.total_spend(total.rows("period", "spend_lines"))
    return money(round(float(spend), 2), parts.currency) if parts.sees_spend and spend else ""


def _last(past: date) -> str:
    return date_format(past - timedelta(days=1), "j M Y")


def dates(ask: Ask) -> str:
    """The period in words, both ends included: "1 Aug to 31 Oct 2026"."""
    start = date_format(ask.start, "j M" if ask.start.year == ask.until.year else "j M Y")
    last = date_format(ask.until, "j M Y")
    return last if ask.start == ask.until else f"{start} to {last}"


def choices(parts: Parts) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen: the values the history knows, by their names, `unknown` last."""
    found = {}
    for name in ("channel", "campaign", "owner"):
        values = known_values(parts.report.facts, name) | set(parts.report.conventions.known.get(name, ()))
        labels = [(value, mapped_labels(name, parts.owners, parts.channels, value)) for value in values]
        found[name] = sorted(labels, key=lambda pair: (pair[0] == UNKNOWN, pair[1].lower(), pair[0]))
    return found


def chips(parts: Parts) -> list[dict[str, str]]:
    """What is chosen beyond the form's own fields, each with the address without it."""
    ask = parts.ask
    found = []
    for name, value in ask.where.items():
        rest = {other: chosen for other, chosen in ask.where.items() if other != name}
        label = mapped_labels(name, parts.owners, parts.channels, value)
        found.append(
            {"key": name, "label": f"{name.replace('_', ' ').capitalize()}: {label}", "url": ask.changed(where=rest)}
        )
    if ask.as_of is not None:
        found.append(
            {
                "key": "as_of",
                "label": f"As of {date_format(ask.as_of, 'j M Y, H:i')} UTC",
                "url": ask.changed(as_of=None),
            }
        )
    return found


def agreement_words(report: Report) -> str:
    """The agreement version in force at the end of the period: "agreement v5 since 14 Sep"."""
    until = min(report.period.end, report.conventions.as_of)
    past = [one for one in report.conventions.agreements if one.at <= until]
    if not past:
        return ""
    last = max(past, key=lambda one: one.at)
    return f"agreement {last.version} since {date_format(last.at.astimezone(report.conventions.zone), 'j M Y')}"


def _first_url(names: tuple[str, ...], slug: str) -> str:
    return next((reverse(name, args=[slug]) for name in names if mounted(name)), "")
