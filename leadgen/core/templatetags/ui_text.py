"""Filters and small tags that turn values into words: numbers, money, times. Loaded by `{% load ui %}`."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leadgen.core import clock as app_clock
from leadgen.core.names import country_name

register = template.Library()
DASH = "–"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "CHF ", "INR": "₹"}


def _group(value: Decimal | int | float, places: int) -> str:
    # Rounded here: Django's number_format cuts digits off, so that 73.97 would be shown as 73.9.
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return number_format(rounded, decimal_pos=places, use_l10n=True, force_grouping=True)


@register.filter
def number(value: Any, places: int = 0) -> str:
    """1877 -> "1,877"; None -> "–" (unknown is never 0)."""
    return DASH if value is None or value == "" else _group(value, places)


@register.filter
def country(code: Any) -> str:
    """ "ES" -> "Spain"; what is no country's code stays as it is."""
    return country_name(str(code or ""))


@register.filter
def percent(value: Any, places: int = 1) -> str:
    """A ratio 0..1 -> "32.6 %"; None -> "–"."""
    return DASH if value is None or value == "" else f"{_group(Decimal(str(value)) * 100, places)} %"


@register.filter
def money(value: Any, currency: str = "") -> str:
    """Amount with its currency: `{{ deal.value|money:deal.currency }}` -> "$5,201". Cents only where there are any."""
    if value is None or value == "":
        return DASH
    amount = Decimal(str(value))
    places = 0 if amount == amount.to_integral_value() or abs(amount) >= 1000 else 2
    sign = "-" if amount < 0 else ""
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    return f"{sign}{symbol}{_group(abs(amount), places)}"


@register.filter
def initials(name: str) -> str:
    """ "Ana Ferreira" -> "AF"; "" -> "?"."""
    words = [word for word in str(name or "").replace("@", " ").split() if word[0].isalnum()]
    return "?" if not words else (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def duration_words(span: timedelta) -> str:
    """A positive length in at most two units: "4:12" under an hour, "3 h 5 min", "2 d 4 h"."""
    seconds = int(abs(span.total_seconds()))
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    hours, minutes = divmod(seconds // 60, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def relative_words(at: datetime, now: datetime) -> str:
    """How a person would say it: "just now", "4 min ago", "in 3 h", "Tue 16:20", "2 Nov", "2 Nov 2024".

    static/js/behaviours/time.js says the same words from the browser's clock.
    """
    span = (now - at).total_seconds()
    near = abs(span)
    if near < 60:
        return "just now" if span >= 0 else "in a moment"
    if near < 3600:
        words = f"{int(near // 60)} min"
    elif near < 8 * 3600:
        words = f"{int(near // 3600)} h"
    else:
        local, today = timezone.localtime(at), timezone.localtime(now)
        if abs((today.date() - local.date()).days) < 6:
            return date_format(local, "D H:i")
        return date_format(local, "j M" if local.year == today.year else "j M Y")
    return f"{words} ago" if span >= 0 else f"in {words}"


@register.simple_tag
def when(at: datetime | date | None, empty: str = DASH, **attrs: Any) -> SafeString | str:
    """A moment as relative words with the absolute time and zone on hover; a date as "2 Nov 2026".

    `{% when person.created_at %}` `{% when lead.accepted_at empty="not yet" %}`
    """
    if at is None:
        return empty
    css = attrs.get("class", "")
    if not isinstance(at, datetime):
        return format_html(
            '<time datetime="{}" class="num {}">{}</time>', at.isoformat(), css, date_format(at, "j M Y")
        )
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}" data-relative class="num whitespace-nowrap {}">{}</time>',
        at.isoformat(timespec="seconds"),
        date_format(local, "D j M Y, H:i ") + (local.tzname() or ""),
        css,
        relative_words(at, app_clock.now()),
    )


BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


@register.filter
def browser(user_agent: str) -> str:
    """A User-Agent in words: "Firefox on Windows"; what is not known stays as it came, shortened."""
    text = str(user_agent or "")
    name = next((word for mark, word in BROWSERS if mark in text), "")
    system = next((word for mark, word in SYSTEMS if mark in text), "")
    return f"{name} on {system}" if name and system else name or text[:40] or "unknown"
