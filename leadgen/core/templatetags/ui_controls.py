"""Controls a person presses or fills in: button, link, post_button, copy, field, form_fields, formset, menu items."""

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.middleware.csrf import get_token
from django.template import Context, TemplateSyntaxError
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from leadgen.core.templatetags.ui_base import attributes, classes, svg_icon

register = template.Library()
VARIANTS = {
    "default": "",
    "primary": "btn-primary",
    "ghost": "btn-ghost",
    "danger": "btn-error",
    "danger-quiet": "btn-ghost text-error-text",
    "outline": "btn-outline border-edge",
    "link": "btn-link",
}
SIZES = {"xs": "btn-xs", "sm": "btn-sm", "md": ""}
KEY_WORDS = {"mod+enter": "⌘↵", "enter": "↵", "escape": "Esc", "shift+x": "⇧X"}


@register.simple_tag
def icon(name: str, label: str = "", **attrs: Any) -> SafeString:
    """`{% icon "mail" %}` `{% icon "lock" class="size-3.5" label="Locked" %}`: decorative unless labelled."""
    return svg_icon(name, attrs.get("class", "size-4"), label)


def key_hint(shortcut: str) -> SafeString:
    """The visible `kbd` of a shortcut; hidden from readers, who get aria-keyshortcuts."""
    words = KEY_WORDS.get(shortcut, shortcut.upper() if len(shortcut) == 1 else shortcut)
    return format_html('<kbd class="kbd-sm" aria-hidden="true">{}</kbd>', words)


@register.simple_tag
def button(
    label: str,
    variant: str = "default",
    size: str = "sm",
    icon: str = "",
    icon_end: str = "",
    href: str = "",
    type: str = "button",
    shortcut: str = "",
    confirm: str = "",
    confirm_label: str = "",
    hide_label: bool = False,
    disabled: bool = False,
    **attrs: Any,
) -> SafeString:
    """A button, or with `href` a link that looks like one.

    variant: default, primary, ghost, danger, danger-quiet, outline, link. size: xs, sm, md. `shortcut="e"` binds the key and
    shows it. `confirm="Stop 38 sequences?"` asks first. `hide_label=True` shows only the icon, the label is spoken and shown
    on hover. Further arguments are attributes with `_` for `-`: `hx_post=url hx_target="#rows" name="action" value="skip"`.
    """
    if variant not in VARIANTS or size not in SIZES:
        raise TemplateSyntaxError(f"button: variant '{variant}' or size '{size}' is unknown")
    if hide_label and not icon:
        raise TemplateSyntaxError("button: hide_label needs an icon")
    css = classes("btn", VARIANTS[variant], SIZES[size], "btn-square" if hide_label else "", attrs.pop("class", ""))
    extra = {
        "class": css,
        "data_shortcut": shortcut,
        "data_shortcut_label": label if shortcut else "",
        "aria_keyshortcuts": shortcut.replace("mod", "Control").title() if shortcut else "",
        "data_confirm": confirm,
        "data_confirm_label": confirm_label,
        "aria_label": label if hide_label else "",
        "title": label if hide_label else "",
    } | attrs
    inner = format_html(
        "{}{}{}{}",
        svg_icon(icon, "size-4") if icon else "",
        "" if hide_label else format_html("<span>{}</span>", label),
        svg_icon(icon_end, "size-3.5") if icon_end else "",
        key_hint(shortcut) if shortcut and not hide_label else "",
    )
    if href and not disabled:
        return format_html('<a href="{}"{}>{}</a>', href, attributes(extra), inner)
    return format_html('<button type="{}"{}>{}</button>', type, attributes(extra | {"disabled": disabled}), inner)


@register.simple_tag(takes_context=True)
def post_button(
    context: Context, label: str, url: str, fields: dict[str, Any] | None = None, **options: Any
) -> SafeString:
    """A one-button form that POSTs to `url` with the CSRF token: works without JavaScript and is guarded against double clicks.

    `fields` become hidden inputs; other arguments are those of `button`.
    """
    hidden = format_html_join("", '<input type="hidden" name="{}" value="{}">', (fields or {}).items())
    request = context.get("request")
    token = (
        format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
        if request
        else ""
    )
    confirm = {key: options.pop(key) for key in ("confirm", "confirm_label") if key in options}
    on_form = attributes({f"data_{key}": value for key, value in confirm.items()})
    return format_html(
        '<form method="post" action="{}" class="contents"{}>{}{}{}</form>',
        url,
        on_form,
        token,
        hidden,
        button(label, type="submit", **options),
    )


@register.simple_tag
def copy(value: str, label: str = "Copy", size: str = "xs") -> SafeString:
    """A quiet icon button that copies `value` and says so."""
    return button(label, variant="ghost", size=size, icon="copy", hide_label=True, data_copy=value)


@register.simple_tag
def menuitem(
    label: str, href: str = "", icon: str = "", shortcut: str = "", tone: str = "", type: str = "button", **attrs: Any
) -> SafeString:
    """An entry of `{% menu %}`: a link with `href`, else a button (`type="submit"` inside a form)."""
    inner = format_html(
        '{}<span class="grow text-left">{}</span>{}',
        svg_icon(icon, "size-4 opacity-80") if icon else "",
        label,
        key_hint(shortcut) if shortcut else "",
    )
    css = classes("menu-item", "text-error-text" if tone == "danger" else "", attrs.pop("class", ""))
    extra = {
        "class": css,
        "role": "menuitem",
        "data_shortcut": shortcut,
        "data_shortcut_label": label if shortcut else "",
    } | attrs
    if href:
        return format_html('<a href="{}"{}>{}</a>', href, attributes(extra), inner)
    return format_html('<button type="{}"{}>{}</button>', type, attributes(extra), inner)


def _kind(widget: forms.Widget) -> str:
    """Which shape of components/field.html a widget takes."""
    match widget:
        case forms.CheckboxInput():
            return "checkbox"
        case forms.CheckboxSelectMultiple() | forms.RadioSelect():
            return "choices"
        case forms.Textarea():
            return "textarea"
        case forms.Select():
            return "select"
        case forms.ClearableFileInput() | forms.FileInput():
            return "file"
    return "input"


CONTROL = {
    "checkbox": "checkbox checkbox-sm",
    "textarea": "textarea",
    "select": "select",
    "file": "file-input",
    "input": "input",
}


@register.simple_tag
def field(
    bound: BoundField,
    label: str | None = None,
    help: str | None = None,
    prefix: str = "",
    suffix: str = "",
    size: str = "md",
    hide_label: bool = False,
    **attrs: Any,
) -> SafeString:
    """A form field with label, help and errors wired by aria-describedby; any widget.

    `{% field form.value prefix="$" suffix="a month" %}` `{% field form.q hide_label=True type="search" placeholder="Name" %}`
    Date fields become browser date inputs. Further arguments are attributes of the control.
    """
    widget, kind = bound.field.widget, _kind(bound.field.widget)
    if isinstance(widget, forms.DateTimeInput) and widget.input_type == "text":
        widget.input_type, widget.format = "datetime-local", "%Y-%m-%dT%H:%M"
    elif isinstance(widget, forms.DateInput) and widget.input_type == "text":
        widget.input_type, widget.format = "date", "%Y-%m-%d"
    if "type" in attrs and isinstance(widget, forms.TextInput):
        widget.input_type = attrs.pop("type")
    identity = bound.id_for_label or bound.auto_id or bound.html_name
    # Without a visible label the field stands in a filter bar: no room for help unless the template gives it.
    text = ("" if hide_label else bound.help_text) if help is None else help
    described = " ".join(
        part for part in (f"{identity}_help" if text else "", f"{identity}_error" if bound.errors else "") if part
    )
    size_class = {"input": "input-sm", "select": "select-sm", "textarea": "textarea-sm", "file": "file-input-sm"}.get(
        kind, ""
    )
    css = classes(
        CONTROL.get(kind, ""),
        "w-full" if kind not in ("checkbox", "choices") else "",
        size_class if size == "sm" else "",
        widget.attrs.get("class", ""),
        str(attrs.pop("class", "")),
    )
    naked = bool(prefix or suffix) and kind == "input"
    control_attrs: dict[str, Any] = {key.replace("_", "-"): value for key, value in attrs.items()}
    control_attrs |= {"class": "grow" if naked else css, "aria-describedby": described or None}
    if bound.errors:
        control_attrs["aria-invalid"] = "true"
    control_attrs = {key: value for key, value in control_attrs.items() if value is not None}
    html = render_to_string(
        "components/field.html",
        {
            "bound": bound,
            "kind": kind,
            "many": isinstance(widget, forms.CheckboxSelectMultiple),
            "control": "" if kind == "choices" else bound.as_widget(attrs=control_attrs),
            "shell": css if naked else "",
            "label": bound.label if label is None else label,
            "help": text,
            "identity": identity,
            "described": described,
            "prefix": prefix,
            "suffix": suffix,
            "hide_label": hide_label,
        },
    )
    return mark_safe(html)


@register.simple_tag
def form_fields(form: forms.BaseForm, columns: int = 1, size: str = "md") -> SafeString:
    """All fields of a form with hidden inputs and non-field errors; `columns` 1 or 2 on wide screens."""
    visible = format_html_join("", "{}", ((field(bound, size=size),) for bound in form.visible_fields()))
    context = {"form": form, "visible": visible, "columns": columns}
    return mark_safe(render_to_string("components/form_fields.html", context))


@register.simple_tag
def form_errors(form: forms.BaseForm) -> SafeString:
    """Non-field errors and errors of hidden fields, as one alert that is spoken. Use with hand-placed `field`s."""
    return mark_safe(render_to_string("components/form_errors.html", {"form": form}))


@register.simple_tag
def formset(formset: forms.BaseFormSet, item: str = "row", columns: int = 0) -> SafeString:
    """A Django formset with add and remove buttons; `item` names one row ("criterion") in the buttons.

    Each form is one line of fields (`columns` 0: as many columns as visible fields).
    """
    context = {"formset": formset, "item": item, "columns": columns}
    return mark_safe(render_to_string("components/formset.html", context))
