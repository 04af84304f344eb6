"""What all component tags share: attribute strings and icons."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import TemplateSyntaxError
from django.templatetags.static import static
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

QUOTE = '"'
TONES = ("neutral", "primary", "info", "success", "warning", "danger")


@cache
def icon_names() -> frozenset[str]:
    """Names in static/icons.json: the icons the built sprite holds."""
    path = Path(settings.BASE_DIR) / "static" / "icons.json"
    return frozenset(json.loads(path.read_text(encoding="utf-8")))


def attributes(values: dict[str, Any]) -> SafeString:
    """`{"hx_get": "/x", "disabled": True, "title": None}` -> ` hx-get="/x" disabled`.

    Underscores become hyphens, True a bare attribute; None, False and "" leave the attribute out
    (write `value=0` for a zero: numbers are kept).
    """
    parts = []
    for name, value in values.items():
        if value is None or value is False or value == "":
            continue
        key = name.replace("_", "-")
        if key == "style" or (key.startswith("on") and key != "on") or key.startswith("hx-on"):
            raise TemplateSyntaxError(
                f"'{key}' is not allowed: the content security policy refuses inline script and style"
            )
        # Literals in templates count as safe, so a quote in one must still not end the attribute.
        parts.append(f" {key}" if value is True else f' {key}="{conditional_escape(value).replace(QUOTE, "&quot;")}"')
    return mark_safe("".join(parts))


def classes(*names: str | None) -> str:
    """Join class names, leaving out the empty ones."""
    return " ".join(name for name in names if name)


def check_tone(tone: str) -> str:
    """The tone, or TemplateSyntaxError naming the allowed ones."""
    if tone not in TONES:
        raise TemplateSyntaxError(f"tone '{tone}' is none of {', '.join(TONES)}")
    return tone


def svg_icon(name: str, css: str = "size-4", label: str = "") -> SafeString:
    """An icon from the sprite; decorative unless `label` names it. Unknown names raise."""
    if name not in icon_names():
        raise TemplateSyntaxError(f"icon '{name}' is not in static/icons.json (add it there, then npm run build)")
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon {}" {}><use href="{}#{}"></use></svg>', css, spoken, static("build/icons.svg"), name
    )
