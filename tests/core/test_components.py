"""Component tags: what they print, what they refuse, and a gallery that is sound HTML under the strict policy."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template, TemplateSyntaxError
from django.template.loader import render_to_string
from django.test import RequestFactory

from leadgen.core.counts import Count
from leadgen.core.errors import Conflict
from leadgen.core.gallery import gallery_view
from leadgen.core.htmx import refusal
from leadgen.core.pagination import Page as KeysetPage
from leadgen.core.templatetags.ui_base import attributes, icon_names
from leadgen.core.templatetags.ui_blocks import parse_columns
from leadgen.core.templatetags.ui_show import clock_state, figure_text
from leadgen.core.templatetags.ui_text import browser, initials, money, number, percent, relative_words

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ROOT = Path(settings.BASE_DIR)


def show(source: str, **context: Any) -> str:
    """Render a template that has loaded the components."""
    return Template("{% load ui %}" + source).render(Context(context))


class Page(HTMLParser):
    """Collects what a page must not have and what must fit together."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, attribute: str) -> list[str]:
        return [found[attribute] for _, found in self.tags if attribute in found]

    def named(self, tag: str) -> list[dict[str, str]]:
        return [found for name, found in self.tags if name == tag]


@pytest.fixture(scope="module")
def gallery() -> Page:
    request = RequestFactory().get("/_components/", {"at": "2026-11-21T10:00:00"})
    request.user = AnonymousUser()
    response = gallery_view(request)
    assert response.status_code == 200
    return Page(response.content.decode())


def test_the_gallery_has_no_inline_style_script_or_handler(gallery: Page) -> None:
    assert gallery.values("style") == []
    assert gallery.named("style") == []
    assert {name for _, found in gallery.tags for name in found if name.startswith(("on", "hx-on"))} == set()
    inline = [
        found for found in gallery.named("script") if "src" not in found and found.get("type") != "application/json"
    ]
    assert inline == []


def test_the_gallery_has_one_main_one_h1_and_unique_ids(gallery: Page) -> None:
    assert len(gallery.named("main")) == 1
    assert len(gallery.named("h1")) == 1
    ids = gallery.values("id")
    assert sorted(ids) == sorted(set(ids))


def test_every_reference_in_the_gallery_leads_to_an_element(gallery: Page) -> None:
    ids = set(gallery.values("id"))
    for attribute in (
        "for",
        "aria-controls",
        "aria-labelledby",
        "aria-describedby",
        "popovertarget",
        "data-dialog-open",
    ):
        wanted = {one for value in gallery.values(attribute) for one in value.split()}
        assert {one for one in wanted if "__prefix__" not in one} <= ids, attribute


def test_every_icon_named_in_templates_and_code_is_in_the_sprite() -> None:
    used = set()
    for path in [*ROOT.glob("templates/**/*.html"), *ROOT.glob("leadgen/core/**/*.py"), *ROOT.glob("*/context.py")]:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'icon(?:_end)?=["\']([a-z0-9-]+)["\']', text))
        used |= set(re.findall(r'{% icon ["\']([a-z0-9-]+)["\']', text))
        used |= set(re.findall(r'["\']icon["\']: ["\']([a-z0-9-]+)["\']', text))
    assert used - icon_names() == set()
    names = json.loads((ROOT / "static" / "icons.json").read_text(encoding="utf-8"))
    assert names == sorted(set(names))


@pytest.mark.parametrize("name", ["style", "onclick", "hx_on__click", "hx-on:click"])
def test_attributes_the_policy_refuses_are_refused_here(name: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="content security policy"):
        attributes({name: "x"})


def test_attributes_are_escaped_and_empty_ones_left_out() -> None:
    assert show("""{% button 'x' title='say "hi"' %}""").count('title="say &quot;hi&quot;"') == 1
    assert attributes({"hx_get": '/x?a="1"', "disabled": True, "title": None, "value": 0}) == (
        ' hx-get="/x?a=&quot;1&quot;" disabled value="0"'
    )


def test_a_button_speaks_its_label_when_it_shows_only_an_icon() -> None:
    html = show('{% button label icon="trash-2" hide_label=True %}', label="Delete <Ana>")
    assert 'aria-label="Delete &lt;Ana&gt;"' in html
    assert "<span>" not in html


def test_a_button_with_a_shortcut_binds_and_shows_it() -> None:
    html = show('{% button "Complete" shortcut="e" hx_post="/done" %}')
    assert 'data-shortcut="e"' in html
    assert 'data-shortcut-label="Complete"' in html
    assert 'hx-post="/done"' in html
    assert ">E</kbd>" in html


def test_a_disabled_link_is_no_link() -> None:
    html = show('{% button "Next" href="/next" disabled=True %}')
    assert "href" not in html
    assert "<button" in html
    assert " disabled" in html


@pytest.mark.parametrize(
    "source",
    [
        '{% button "x" variant="blue" %}',
        '{% badge "x" tone="pink" %}',
        '{% icon "no-such-icon" %}',
        '{% button "x" hide_label=True %}',
    ],
)
def test_unknown_words_fail_when_the_template_is_tried(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        show(source)


def test_post_button_carries_the_token_its_fields_and_the_question() -> None:
    request = RequestFactory().get("/")
    html = show('{% post_button "Stop" "/stop" fields=hidden confirm="Stop 3?" %}', request=request, hidden={"id": "7"})
    assert 'name="csrfmiddlewaretoken"' in html
    assert '<input type="hidden" name="id" value="7">' in html
    assert '<form method="post" action="/stop" class="contents" data-confirm="Stop 3?">' in html


class Sample(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the card.")
    starts = forms.DateField(label="Starts", required=False)
    motion = forms.ChoiceField(
        label="Motion", choices=[("in", "Inbound"), ("out", "Outbound")], widget=forms.RadioSelect
    )


def test_a_field_wires_help_and_error_to_its_control() -> None:
    html = show("{% field form.name %}", form=Sample({"name": ""}))
    control = Page(html).named("input")[0]
    assert control["aria-describedby"] == "id_name_help id_name_error"
    assert control["aria-invalid"] == "true"
    assert 'id="id_name_error"' in html
    assert 'id="id_name_help"' in html
    assert "optional" not in html


def test_a_date_field_is_a_browser_date_input_in_iso() -> None:
    control = Page(show("{% field form.starts %}", form=Sample(initial={"starts": date(2026, 11, 2)}))).named("input")[
        0
    ]
    assert (control["type"], control["value"]) == ("date", "2026-11-02")


def test_radio_choices_are_a_fieldset_with_the_chosen_one_checked() -> None:
    page = Page(show("{% field form.motion %}", form=Sample(initial={"motion": "out"})))
    assert len(page.named("fieldset")) == 1
    assert [("checked" in radio, radio["value"]) for radio in page.named("input")] == [(False, "in"), (True, "out")]


def test_columns_are_read_from_words() -> None:
    assert parse_columns("Name|name, Value|value|end, -") == [
        {"label": "Name", "sort": "name", "align": "", "hidden": False},
        {"label": "Value", "sort": "value", "align": "end", "hidden": False},
        {"label": "Actions", "sort": "", "align": "", "hidden": True},
    ]


def test_a_table_sorts_by_link_keeps_filters_and_drops_the_cursor() -> None:
    request = RequestFactory().get("/people/", {"sort": "name", "q": "ana", "after": "xyz"})
    html = show(
        '{% table columns="Name|name, Added|created" caption="People" target="#results" %}<tr></tr>{% endtable %}',
        request=request,
    )
    page = Page(html)
    assert [link["href"] for link in page.named("a")] == ["?sort=-name&q=ana", "?sort=created&q=ana"]
    assert [head.get("aria-sort") for head in page.named("th")] == ["ascending", "none"]
    assert page.named("a")[0]["hx-target"] == "#results"


def test_the_pager_keeps_the_filters_and_says_what_is_an_estimate() -> None:
    request = RequestFactory().get("/people/", {"q": "ana", "cursor": "old"})
    page = KeysetPage(rows=[1, 2], next="abc", previous="", size=2)
    html = show(
        '{% pager page total=total noun="people" %}', request=request, page=page, total=Count(120000, exact=False)
    )
    assert [link["href"] for link in Page(html).named("a")] == ["?q=ana&cursor=abc"]
    assert "2 of about 120,000 people" in html
    assert len([found for found in Page(html).named("button") if "disabled" in found]) == 1


def test_a_stat_shows_interval_maturity_and_warnings_of_its_figure() -> None:
    figure = {
        "value": 0.326, "unit": "ratio", "n": 1877, "numerator": 611, "denominator": 1877, "interval": [0.305, 0.347],
        "maturity": 0.62, "definition": "MQL / leads.", "warnings": ["The agreement changed."],
    }  # fmt: skip
    html = show('{% stat "Lead to MQL" figure=figure href="/rows" %}', figure=figure)
    for words in (
        "32.6 %",
        "30.5 %–34.7 %",
        "611 of 1,877",
        "62 % mature",
        "MQL / leads.",
        "The agreement changed.",
        'href="/rows"',
    ):
        assert words in html


def test_an_unknown_stat_is_a_dash_never_zero() -> None:
    assert ">–</span>" in show('{% stat "Win rate" value=None unit="ratio" %}')
    assert show("{{ value|money:'EUR' }} {{ value|percent }} {{ value|number }}", value=None) == "– – –"
    assert "Fit not known yet" in show("{% grade None %}")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (94.2, "money", "$94.20"), (5201, "money", "$5,201"), (2.14, "days", "2.1 d"), (11.8, "times", "11.8"),
        (252, "seconds", "4:12"), (1877, "count", "1,877"), (0.5, "count", "0.5"), (0, "count", "0"), (None, "money", "–"),
    ],
)  # fmt: skip
def test_figures_in_print(value: Any, unit: str, words: str) -> None:
    assert figure_text(value, unit, "USD") == words


def test_numbers_in_words() -> None:
    assert number(1234567) == "1,234,567"
    assert percent(0.0184, 1) == "1.8 %"
    assert money("12500.50", "EUR") == "€12,500" or money("12500.50", "EUR") == "€12,501"
    assert money("-9.5", "CHF") == "-CHF 9.50"
    assert initials("Ana María Ferreira") == "AF"
    assert initials("") == "?"
    assert browser("Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36") == "Chrome on Linux"


@pytest.mark.parametrize(
    ("left", "words", "tone"),
    [
        (timedelta(minutes=6), "6:00 left", "neutral"),
        (timedelta(minutes=5), "5:00 left", "neutral"),
        (timedelta(minutes=4, seconds=59), "4:59 left", "warning"),
        (timedelta(0), "breached 0 min", "danger"),
        (timedelta(minutes=-6), "breached 6 min", "danger"),
        (timedelta(hours=-3, minutes=-5), "breached 3 h 5 min", "danger"),
    ],
)
def test_the_clock_turns_amber_below_half_and_red_when_breached(left: timedelta, words: str, tone: str) -> None:
    assert clock_state(NOW + left, NOW, timedelta(minutes=10))[:2] == (words, tone)


def test_a_paused_clock_says_why() -> None:
    assert "paused: out of hours until 09:00" in show('{% clock at paused="out of hours until 09:00" %}', at=NOW)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=30), "just now"), (timedelta(minutes=4), "4 min ago"), (timedelta(hours=3), "3 h ago"),
        (timedelta(days=2), "Thu 10:00"), (timedelta(days=19), "2 Nov"), (timedelta(days=400), "17 Oct 2025"),
        (-timedelta(minutes=20), "in 20 min"),
    ],
)  # fmt: skip
def test_relative_times_read_as_people_say_them(ago: timedelta, words: str) -> None:
    assert relative_words(NOW - ago, NOW) == words


def test_when_has_the_absolute_time_and_zone_on_hover() -> None:
    with time_machine.travel(NOW, tick=False):
        html = show("{% when at %}", at=NOW - timedelta(minutes=4))
    assert 'title="Sat 21 Nov 2026, 09:56 UTC"' in html
    assert ">4 min ago</time>" in html


def test_bars_are_clipped_to_their_scale_and_whiskers_drawn() -> None:
    html = show("{% bar 150 100 low=20 high=130 %}")
    assert '<rect class="bar-fill" width="100.0%"' in html
    assert 'x1="20.0%" x2="100.0%"' in html
    assert 'width="0.0%"' in show("{% bar 5 0 %}")


def test_a_sparkline_breaks_at_a_gap() -> None:
    assert show('{% sparkline values label="x" %}', values=[0, 10, None, 10]).count("M") == 2


def test_the_timeline_mutes_automated_hits_and_says_so() -> None:
    items = [{"at": NOW, "text": "Clicked <all>", "actor_class": "automated"}, {"at": NOW, "text": "Replied"}]
    html = show("{% timeline items %}", items=items)
    assert html.count("is-automated") == 1
    assert "automated</span>" in html
    assert "Clicked &lt;all&gt;" in html


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "405", "429", "500"])
def test_error_pages_stand_without_context_and_have_a_way_out(code: str) -> None:
    html = render_to_string(f"{code}.html")
    page = Page(html)
    assert len(page.named("h1")) == 1
    assert "/" in [link.get("href") for link in page.named("a")]
    assert [found for found in page.named("script") if "src" not in found] == []
    assert "Nothing was" in html or "not" in html


def test_an_error_page_shows_the_reason_it_is_given() -> None:
    html = render_to_string("400.html", {"reason": "The file <x.csv> has no header."})
    assert "The file &lt;x.csv&gt; has no header." in html


def test_a_refusal_is_no_broken_request_and_leads_back_to_our_page_only(rf: RequestFactory) -> None:
    for came_from, leads_back in (("http://testserver/w/acme/people/", True), ("https://evil.example/", False)):
        answer = refusal(rf.post("/x/", headers={"referer": came_from}), Conflict("Another run is under way."))
        html = answer.content.decode()
        assert answer.status_code == 409 and "Another run is under way." in html and "could not be read" not in html
        assert (came_from in [link.get("href") for link in Page(html).named("a")]) is leads_back
