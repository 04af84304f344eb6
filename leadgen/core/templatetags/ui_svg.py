"""Small drawings without style attributes: bar, sparkline, progress, avatar."""

import zlib
from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from leadgen.core.templatetags.ui_base import check_tone
from leadgen.core.templatetags.ui_text import initials

register = template.Library()
SIZES = {"sm": "size-6 text-[10px]", "md": "size-8 text-[11px]", "lg": "size-10 text-sm"}
HUES = ("avatar-a", "avatar-b", "avatar-c", "avatar-d", "avatar-e")


def _share(value: Any, maximum: Any) -> float:
    """Percent 0..100 of the width; 0 for an empty scale."""
    top = float(maximum or 0)
    return 0.0 if top <= 0 else round(min(max(float(value or 0) / top, 0.0), 1.0) * 100, 2)


@register.simple_tag
def bar(
    value: Any,
    maximum: Any = 1,
    label: str = "",
    low: Any = None,
    high: Any = None,
    small_n: bool = False,
    tone: str = "primary",
    size: str = "md",
) -> SafeString:
    """A horizontal bar `value / maximum`; `low`..`high` draws the interval as a whisker; `small_n` hatches it.

    size: sm (6 px), md (12 px), lg (32 px, the funnel's). Without `label` it is decoration: put the number beside it.
    """
    whisker: SafeString | str = ""
    if low is not None and high is not None:
        left, right = _share(low, maximum), _share(high, maximum)
        whisker = format_html('<line class="bar-whisker" x1="{}%" x2="{}%" y1="50%" y2="50%"/>', left, right)
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="bar bar-{} bar-{}" {}><rect class="bar-track" width="100%" height="100%" rx="4"/>'
        '<rect class="bar-fill" width="{}%" height="100%" rx="4"/>{}{}</svg>',
        size,
        check_tone(tone),
        spoken,
        _share(value, maximum),
        format_html('<rect width="{}%" height="100%" rx="4" fill="url(#hatch)"/>', _share(value, maximum))
        if small_n
        else "",
        whisker,
    )


@register.simple_tag
def sparkline(values: Sequence[float | int | None], label: str, tone: str = "primary") -> SafeString:
    """A line over equal steps; `None` is a gap. `label` says it in words ("Engagement over 8 weeks: 41 to 72")."""
    known = [float(value) for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    span = (high - low) or 1.0
    step = 100 / max(len(values) - 1, 1)
    path, pen_down = [], False
    for index, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        path.append(f"{'L' if pen_down else 'M'}{index * step:.1f} {22 - (float(value) - low) / span * 20:.1f}")
        pen_down = True
    return format_html(
        '<svg class="spark spark-{}" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{}"><path d="{}"/></svg>',
        check_tone(tone),
        label,
        "".join(path),
    )


@register.simple_tag
def progress(value: Any, maximum: Any, label: str) -> SafeString:
    """A progress bar with its spoken label; put the counts in words above it."""
    return format_html(
        '<progress class="progress-ui" value="{}" max="{}" aria-label="{}"></progress>', value, maximum, label
    )


@register.simple_tag
def avatar(name: str, size: str = "md") -> SafeString:
    """Initials in a circle, the colour steady per name. Decorative: the name stands beside it or in an aria-label."""
    hue = HUES[zlib.crc32(str(name).encode()) % len(HUES)]
    return format_html('<span class="avatar-ui {} {}" aria-hidden="true">{}</span>', hue, SIZES[size], initials(name))
