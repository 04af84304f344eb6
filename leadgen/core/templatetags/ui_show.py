"""Facts shown: badge, grade, clock, due, stat, keyvalue, timeline, empty, alert line, health dot."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.http import QueryDict
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from leadgen.core import clock as app_clock
from leadgen.core.templatetags.ui_base import attributes, check_tone, svg_icon
from leadgen.core.templatetags.ui_text import DASH, duration_words, money, number, percent, relative_words

register = template.Library()
GRADE_TONES = {"A": "primary", "B": "info", "C": "neutral", "D": "neutral"}


def _render(name: str, context: dict[str, Any]) -> SafeString:
    return mark_safe(render_to_string(f"components/{name}.html", context))


@register.simple_tag
def badge(text: Any, tone: str = "neutral", icon: str = "", **attrs: Any) -> SafeString:
    """A short word on a tint. tone: neutral, primary, info, success, warning (a running clock), danger (a breach, a loss)."""
    css = f"tag tag-{check_tone(tone)} {attrs.pop('class', '')}".strip()
    drawn = svg_icon(icon, "size-3") if icon else ""
    return format_html('<span class="{}"{}>{}{}</span>', css, attributes(attrs), drawn, text)


@register.simple_tag
def grade(letter: str | None, score: Any = None, **attrs: Any) -> SafeString:
    """Fit grade A-D with the score 0-100 beside it; None is shown as unknown, never as D."""
    if not letter:
        return format_html('<span class="muted" title="Fit not known yet">{}</span>', DASH)
    mark = format_html('<span class="grade grade-{}">{}</span>', letter.lower(), letter)
    points = "" if score is None else format_html(' <span class="num muted">{}</span>', number(score))
    return format_html(
        '<span class="whitespace-nowrap {}"><span class="sr-only">Fit </span>{}{}</span>',
        attrs.get("class", ""),
        mark,
        points,
    )


def clock_state(deadline: datetime, now: datetime, sla: timedelta | None) -> tuple[str, str, str]:
    """(words, tone, icon) of a running clock: grey above half, amber below half, red once breached.

    static/js/behaviours/time.js keeps the same rule ticking in the browser.
    """
    left = deadline - now
    if left <= timedelta(0):
        over = duration_words(left) if left < -timedelta(hours=1) else f"{int(-left.total_seconds() // 60)} min"
        return f"breached {over}", "danger", "circle-alert"
    amber = sla is not None and left * 2 < sla
    return f"{duration_words(left)} left", "warning" if amber else "neutral", "timer"


@register.simple_tag
def clock(deadline: datetime | None, sla: timedelta | int | None = None, paused: str = "") -> SafeString | str:
    """The SLA clock, counting down: `{% clock lead.answer_by sla=agreement.sla %}` (timedelta or seconds).

    `paused="out of hours until 09:00"` stops it and says why. None renders nothing.
    """
    if deadline is None:
        return ""
    if paused:
        return badge(f"paused: {paused}", icon="pause")
    span = timedelta(seconds=sla) if isinstance(sla, int) else sla
    words, tone, drawn = clock_state(deadline, app_clock.now(), span)
    return format_html(
        '<span class="tag tag-{} num" data-deadline="{}" data-sla="{}" title="{}">{}<span data-clock-text>{}</span></span>',
        tone,
        deadline.isoformat(timespec="seconds"),
        int(span.total_seconds()) if span else "",
        date_format(timezone.localtime(deadline), "D j M Y, H:i"),
        svg_icon(drawn, "size-3"),
        words,
    )


@register.simple_tag
def due(at: datetime | None) -> SafeString | str:
    """When a task is due: "due 11:00", "due Tue 09:00", or red "overdue 2 h 5 min"."""
    if at is None:
        return ""
    now = app_clock.now()
    if at < now - timedelta(minutes=1):
        words, tone = (
            f"overdue {duration_words(now - at) if now - at > timedelta(hours=1) else f'{int((now - at).total_seconds() // 60)} min'}",
            "danger",
        )
    else:
        local = timezone.localtime(at)
        today = local.date() == timezone.localtime(now).date()
        words, tone = f"due {date_format(local, 'H:i') if today else relative_words(at, now)}", "neutral"
    return badge(words, tone=tone, title=date_format(timezone.localtime(at), "D j M Y, H:i"))


def figure_text(value: Any, unit: str = "count", currency: str = "") -> str:
    """A figure in print. unit: count, ratio (0..1 as %), money, days, months, times, seconds, score; None is a dash."""
    if value is None:
        return DASH
    match unit:
        case "ratio" | "percent" | "rate":
            return percent(value)
        case "money":
            return money(value, currency)
        case "days" | "day":
            return f"{number(value, 1)} d"
        case "months" | "month":
            return f"{number(value, 1)} months"
        case "seconds":
            return duration_words(timedelta(seconds=float(value)))
        case "times":
            return number(value, 1)
        case _:
            return number(value, 0 if float(value) == int(float(value)) else 1)


@register.simple_tag
def stat(
    label: str,
    value: Any = None,
    unit: str = "count",
    figure: Mapping[str, Any] | None = None,
    currency: str = "",
    delta: str = "",
    delta_tone: str = "neutral",
    note: str = "",
    href: str = "",
    href_label: str = "Open the rows",
    definition: str = "",
    small: bool = False,
) -> SafeString:
    """One number with its definition, n, interval, maturity and rows.

    Give `figure`, the dict of `funnel --full` ({value, unit, n, numerator, denominator, interval, maturity, definition, as_of,
    warnings}), or `value`, `unit` and `definition`. `note` is the line below ("Spend 176,825 / 1,877 leads"); without it the
    line is numerator / denominator or n. `href` opens the rows behind the number.
    """
    facts = dict(figure or {})
    shown_unit = facts.get("unit") or unit
    interval = facts.get("interval")
    context = {
        "label": label,
        "id": f"stat-{slugify(label)}-{slugify(href)[-24:]}".rstrip("-"),
        "text": figure_text(facts.get("value", value), shown_unit, currency),
        "unknown": facts.get("value", value) is None,
        "interval": [figure_text(edge, shown_unit, currency) for edge in interval] if interval else None,
        "numerator": figure_text(facts["numerator"]) if facts.get("numerator") is not None else "",
        "denominator": figure_text(facts["denominator"]) if facts.get("denominator") is not None else "",
        "n": facts.get("n"),
        "maturity": facts.get("maturity"),
        "immature": facts.get("maturity") is not None and float(facts["maturity"]) < 0.8,
        "definition": facts.get("definition") or definition,
        "as_of": facts.get("as_of"),
        "warnings": facts.get("warnings") or [],
        "delta": delta,
        "delta_tone": check_tone(delta_tone),
        "note": note,
        "href": href,
        "href_label": href_label,
        "small": small,
    }
    return _render("stat", context)


@register.simple_tag
def keyvalue(rows: Iterable[tuple[Any, ...]], compact: bool = False) -> SafeString:
    """A definition list of (label, value) or (label, value, note); None shows as "unknown"."""
    filled = [(row[0], row[1], row[2] if len(row) > 2 else "") for row in rows]
    return _render("keyvalue", {"rows": filled, "compact": compact})


@register.simple_tag
def timeline(items: Iterable[Any], empty: str = "Nothing has happened yet.", more_url: str = "") -> SafeString:
    """The ledger, newest first. Each item (dict or object): `at`, `text`, and optionally `icon`, `actor`, `actor_class`
    (human, automated, unsure), `detail`, `href`. Automated hits are muted and labelled, never hidden.

    `more_url` adds a "Show earlier" button that appends the answer (render `components/timeline_items.html` there).
    """
    return _render("timeline", {"items": list(items), "empty": empty, "more_url": more_url})


@register.simple_tag
def empty_state(
    title: str,
    text: str = "",
    icon: str = "inbox",
    action: str = "",
    href: str = "",
    variant: str = "primary",
    **attrs: Any,
) -> SafeString:
    """An empty state: an icon, what is missing and why, one action."""
    context = {
        "title": title,
        "text": text,
        "icon": icon,
        "action": action,
        "href": href,
        "variant": variant,
        "attrs": attributes(attrs),
    }
    return _render("empty_state", context)


@register.simple_tag
def health(state: Mapping[str, Any] | None) -> SafeString | str:
    """The health dot of the top bar: {tone: success|warning|danger|neutral, label: "complete to 10:42", url}."""
    return _render("health", {"state": state}) if state else ""


@register.simple_tag
def tabs(items: Iterable[Mapping[str, Any]], active: str = "", label: str = "Sections") -> SafeString:
    """Tabs. Items {key, label, url, count?, icon?} are links to pages; items {key, label, panel} switch panels in the page
    (elements with that id, `role="tabpanel"`; give all but the active one `hidden`)."""
    listed = list(items)
    chosen = active or (str(listed[0]["key"]) if listed else "")
    panels = bool(listed) and "panel" in listed[0]
    return _render("tabs", {"items": listed, "active": chosen, "label": label, "panels": panels})


@register.simple_tag
def chips(items: Iterable[Mapping[str, str]], clear_url: str = "") -> SafeString:
    """Active filters as chips {label, url}: the url is the page without that filter. `clear_url` removes all."""
    return _render("chips", {"items": list(items), "clear_url": clear_url})


@register.simple_tag(takes_context=True)
def pager(
    context: Context,
    page: Any = None,
    next_url: str = "",
    previous_url: str = "",
    shown: int | None = None,
    total: Any = None,
    noun: str = "rows",
    target: str = "",
) -> SafeString:
    """Keyset pager: previous and next, no page numbers. `{% pager page total=count noun="people" target="#results" %}`

    page: a `leadgen.core.pagination.Page`; the links keep the filters and set `cursor`. total: a number or a
    `leadgen.core.counts.Count` ("about 120,000"). Without `page` give `next_url` and `previous_url`. `target` swaps by htmx.
    """
    if page is not None:
        request = context.get("request")
        query = request.GET.copy() if request is not None else QueryDict(mutable=True)

        def link(cursor: str) -> str:
            query["cursor"] = cursor
            return f"?{query.urlencode()}" if cursor else ""

        next_url, previous_url, shown = link(page.next), link(page.previous), len(page)
    values = {
        "next_url": next_url,
        "previous_url": previous_url,
        "shown": shown,
        "total": number(total) if isinstance(total, int) else str(total or ""),
        "noun": noun,
        "target": target,
    }
    return _render("pager", values)


@register.simple_tag
def chart(id: str, option: Mapping[str, Any], label: str, size: str = "md") -> SafeString:
    """An ECharts drawing from an option dict (values only, no functions); `label` says in words what it shows.

    size: sm 10, md 18, lg 26 rem high. Put the same numbers in a table behind it, in `{% card %}` with `details`.
    Colours come from the theme: write `"color": "primary"` (or info, success, warning, danger, muted) anywhere in the option.
    """
    drawn = json.dumps(option, cls=DjangoJSONEncoder)
    return _render("chart", {"id": id, "option": drawn, "label": label, "size": size})
