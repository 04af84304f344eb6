"""Tags with a body: page_header, card, section, alert, table, filterbar, bulkbar, dialog, drawer, menu, details."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from leadgen.core.templatetags.ui_base import attributes, check_tone

register = template.Library()
ALERT_ICONS = {
    "neutral": "info", "primary": "info", "info": "info",
    "success": "circle-check", "warning": "triangle-alert", "danger": "octagon-alert",
}  # fmt: skip
CURSORS = ("after", "before", "cursor", "page")


def _render(name: str, context: dict[str, Any]) -> SafeString:
    return mark_safe(render_to_string(f"components/{name}.html", context))


@register.simple_block_tag
def page_header(
    content: str,
    title: str,
    subtitle: str = "",
    back: str = "",
    back_label: str = "Back",
    avatar: str = "",
    meta: str = "",
) -> SafeString:
    """The page's h1 with its actions as body. `back` is the list it came from, `avatar` a name whose initials stand before."""
    return _render(
        "page_header",
        {
            "content": mark_safe(content.strip()), "title": title, "subtitle": subtitle, "back": back, "back_label": back_label,
            "avatar": avatar, "meta": meta,
        },
    )  # fmt: skip


@register.simple_block_tag
def card(
    content: str, title: str = "", note: str = "", actions: str = "", flush: bool = False, level: int = 2, **attrs: Any
) -> SafeString:
    """A panel with hairline border. `note` is muted beside the title, `actions` markup at its right (build it with
    `{% button ... as actions %}`), `flush` drops the padding (tables)."""
    css = attrs.pop("class", "")
    context = {
        "content": content, "title": title, "note": note, "actions": actions, "flush": flush, "level": level,
        "css": css, "attrs": attributes(attrs),
    }  # fmt: skip
    return _render("card", context)


@register.simple_block_tag
def section(content: str, title: str, note: str = "", level: int = 3) -> SafeString:
    """A part of a side panel: small capitals label, then the body."""
    return _render("section", {"content": content, "title": title, "note": note, "level": level})


@register.simple_block_tag
def alert(content: str, tone: str = "info", title: str = "", dismiss: bool = False) -> SafeString:
    """A message in the page: what happened, why, the way out as a link in the body. Danger is spoken at once."""
    return _render(
        "alert",
        {"content": content, "tone": check_tone(tone), "title": title, "icon": ALERT_ICONS[tone], "dismiss": dismiss},
    )


@register.simple_block_tag
def details(content: str, summary: str, open: bool = False) -> SafeString:
    """Folded content: the table behind a chart, the definition behind a figure."""
    return format_html('<details class="fold"{}><summary>{}</summary><div class="pt-2">{}</div></details>',
                       attributes({"open": open}), summary, content)  # fmt: skip


def parse_columns(columns: str | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """ "Name|name, Company, Value|value|end" -> [{label, sort, align}]; a list of dicts passes through.

    Parts are label, sort key (empty: not sortable) and align (end for numbers). A label "-" is spoken, not shown, as "Actions".
    """
    if not isinstance(columns, str):
        return [{"label": "", "sort": "", "align": ""} | dict(column) for column in columns]
    parsed = []
    for item in columns.split(","):
        label, sort, align = ([part.strip() for part in item.split("|")] + ["", ""])[:3]
        parsed.append(
            {"label": "Actions" if label == "-" else label, "sort": sort, "align": align, "hidden": label == "-"}
        )
    return parsed


def sort_links(columns: list[dict[str, Any]], request: HttpRequest | None, sort: str) -> list[dict[str, Any]]:
    """Add `aria` (ascending, descending, none) and `url` to sortable columns; the cursor is dropped from the url."""
    for column in columns:
        key = column["sort"]
        if not key:
            continue
        column["aria"] = {key: "ascending", f"-{key}": "descending"}.get(sort, "none")
        query = request.GET.copy() if request is not None else None
        following = f"-{key}" if sort == key else key
        if query is None:
            column["url"] = f"?sort={following}"
            continue
        for cursor in CURSORS:
            query.pop(cursor, None)
        query["sort"] = following
        column["url"] = f"?{query.urlencode()}"
    return columns


@register.simple_block_tag(takes_context=True)
def table(
    context: Context,
    content: str,
    columns: str | Iterable[Mapping[str, Any]],
    caption: str,
    sort: str | None = None,
    select: bool = False,
    target: str = "",
    cards: bool = False,
    dense: bool = False,
    id: str = "",
) -> SafeString:
    """A table; the body is its `<tr>`s. The first cell of a row is `<th scope="row">`: it stays in view when scrolled.

    columns: "Name|name, Company, Value|value|end" (label|sort key|align) or dicts {label, sort, align, hint}.
    sort: the current key, default `?sort=`. select: a check-all box in the head (rows: `{% row_select person.pk person.name %}`).
    target: sort by htmx into it. cards: on phones each row is a card (give every td `data-label`). Numbers: `class="num text-end"`.
    """
    request = context.get("request")
    current = sort if sort is not None else (request.GET.get("sort", "") if request is not None else "")
    return _render(
        "table",
        {
            "columns": sort_links(parse_columns(columns), request, current),
            "caption": caption, "content": content, "select": select, "target": target, "cards": cards, "dense": dense,
            "id": id or f"table-{slugify(caption)}",
        },
    )  # fmt: skip


@register.simple_tag
def row_select(value: Any, name: str) -> SafeString:
    """The check box cell of a selectable table's row; `name` says whose row it is."""
    return format_html(
        '<td class="w-8"><input type="checkbox" class="checkbox checkbox-xs" name="selected" value="{}" '
        'aria-label="Select {}" data-select-row></td>',
        value,
        name,
    )


@register.simple_block_tag(takes_context=True)
def filterbar(context: Context, content: str, target: str = "", label: str = "Filter", **attrs: Any) -> SafeString:
    """A GET form of filters that applies itself on change (and by a button without JavaScript); the state is in the URL.

    target: the element the htmx answer (the partial of that name) goes into. Keep `sort` by a hidden input: done here.
    """
    request = context.get("request")
    return _render(
        "filterbar",
        {
            "content": content, "target": target, "label": label,
            "path": request.path if request is not None else "",
            "sort": request.GET.get("sort", "") if request is not None else "",
            "attrs": attributes(attrs),
        },
    )  # fmt: skip


@register.simple_block_tag
def bulkbar(content: str, noun: str = "rows") -> SafeString:
    """Appears at the bottom when rows are selected, with the exact count; the body is the buttons.

    Put it inside the same `<form method="post">` as the table (with `{% csrf_token %}`); rows post as `selected`.
    """
    return _render("bulkbar", {"content": content, "noun": noun})


@register.simple_block_tag
def dialog(content: str, id: str, title: str, size: str = "md", open: bool = False) -> SafeString:
    """A modal dialog in the page, opened by `data-dialog-open="id"`. size: sm, md, lg. Body: text or a form."""
    return _render(
        "dialog", {"content": content, "id": id, "title": title, "size": size, "drawer": False, "open": open}
    )


@register.simple_block_tag
def drawer(content: str, id: str, title: str, size: str = "md") -> SafeString:
    """A panel from the right, otherwise as `dialog`: the ledger behind a number, a definition, a preview."""
    return _render("dialog", {"content": content, "id": id, "title": title, "size": size, "drawer": True})


@register.simple_block_tag
def sheet(content: str, title: str) -> SafeString:
    """Body of an htmx answer into `#dialog` or `#drawer`: head with title and close button, then content."""
    return _render("sheet", {"content": content, "title": title})


@register.simple_block_tag
def menu(
    content: str, label: str, id: str, icon: str = "", variant: str = "default", size: str = "sm", hide_label: bool = False,
    align: str = "start",
) -> SafeString:  # fmt: skip
    """A button that opens a menu of `{% menuitem %}`s, with arrow keys, type-ahead and Esc. `id` is unique in the page."""
    return _render(
        "menu",
        {
            "content": content, "label": label, "id": id, "icon": icon, "variant": variant, "size": size,
            "hide_label": hide_label, "align": align,
        },
    )  # fmt: skip
