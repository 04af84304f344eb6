"""The months of a report: the drawing, and the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.formats import date_format

from analytics.rules.facts import AgreementChange, Conventions
from analytics.rules.report import Month
from leadgen.core.templatetags.ui_text import DASH, money, number

LINES = (("leads", "Leads", "edge"), ("mqls", "MQLs", "primary"), ("sqls", "SQLs", "secondary"))


def trend_parts(months: Sequence[Month], conventions: Conventions, *, sees_spend: bool) -> dict[str, Any]:
    """`{option, label, rows, agreements, spend}`: an ECharts option, its words, and the same numbers as rows."""
    names = [_name(month, months) for month in months]
    changes = [
        (change, place) for change in conventions.agreements if (place := _place(change, months, conventions)) >= 0
    ]
    currency = conventions.currency
    option: dict[str, Any] = {
        "legend": {"top": 0, "left": 0},
        "grid": {"left": 8, "right": 12, "top": 44, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "category", "data": names, "axisTick": {"show": False}},
        "yAxis": [{"type": "value", "minInterval": 1}],
        "series": [
            {"name": "Leads", "type": "bar", "barMaxWidth": 34, "data": [month.leads for month in months],
             "itemStyle": {"color": "edge", "opacity": 0.45, "borderRadius": [3, 3, 0, 0]}},
            _line("MQLs", [month.mqls for month in months], "primary"),
            _line("SQLs", [month.sqls for month in months], "secondary"),
        ],
    }  # fmt: skip
    if sees_spend:
        option["yAxis"].append({"type": "value", "name": f"CPL, {currency}", "splitLine": {"show": False}})
        values = [None if month.cpl is None else round(float(month.cpl), 2) for month in months]
        option["series"].append(_line("CPL", values, "warning") | {"yAxisIndex": 1})
        option["series"][-1]["lineStyle"]["type"] = "dashed"
    if changes:
        option["series"][0]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "lineStyle": {"color": "muted", "type": "solid", "width": 1},
            "label": {"color": "muted", "fontSize": 11, "position": "end"},
            "data": [
                {"xAxis": place, "label": {"formatter": f"agreement {change.version}"}} for change, place in changes
            ],
        }
    first, last = months[0], months[-1]
    return {
        "option": option,
        "label": (
            f"Leads, MQLs and SQLs{' and cost per lead' if sees_spend else ''} by month, "
            f"{date_format(first.first, 'M Y')} to {date_format(last.first, 'M Y')}. The table below has the numbers."
        ),
        "rows": [
            {
                "name": date_format(month.first, "F Y"),
                "running": month.running,
                "leads": number(month.leads),
                "mqls": number(month.mqls),
                "sqls": number(month.sqls),
                "spend": money(month.spend.numerator / month.spend.denominator, currency) if month.spend else DASH,
                "cpl": money(month.cpl, currency),
                "agreements": [change.version for change, place in changes if months[place] is month],
            }
            for month in months
        ],
        "sees_spend": sees_spend,
        "changes": bool(changes),
        "any": any(month.leads or month.mqls or month.sqls or month.spend for month in months),
    }


def _line(name: str, data: list[Any], color: str) -> dict[str, Any]:
    return {
        "name": name, "type": "line", "data": data, "symbol": "circle", "symbolSize": 5, "lineStyle": {"width": 2, "color": color},
        "itemStyle": {"color": color},
    }  # fmt: skip


def _name(month: Month, months: Sequence[Month]) -> str:
    year = month is months[0] or month.first.month == 1
    return date_format(month.first, "M Y" if year else "M") + ("*" if month.running else "")


def _place(change: AgreementChange, months: Sequence[Month], conventions: Conventions) -> int:
    """The month an agreement version began in, -1 outside the drawing."""
    first = change.at.astimezone(conventions.zone).date().replace(day=1)
    return next((place for place, month in enumerate(months) if month.first == first), -1)
