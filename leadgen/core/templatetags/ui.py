"""`{% load ui %}`: every component tag and filter. docs/ui.md lists them with examples."""

from django import template

from leadgen.core.templatetags import ui_blocks, ui_controls, ui_show, ui_svg, ui_text

register = template.Library()
for part in (ui_blocks, ui_controls, ui_show, ui_svg, ui_text):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)
