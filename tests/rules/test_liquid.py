"""Templates of users: fallbacks, gaps, places of errors, and no way out."""

from datetime import date

import pytest

from campaigns.rules.liquid import MissingVariables, check, render, render_line, variables
from leadgen.core.errors import Invalid

ANA = {
    "person": {"first_name": "Ana", "title": None, "tags": ["a", "b"]},
    "company": {"name": "Acme & Sons", "city": " "},
}


def test_values_are_filled_in_and_escaped_only_in_html():
    source = "Hi {{ person.first_name }} of <b>{{ company.name }}</b>"
    assert render(source, ANA) == "Hi Ana of <b>Acme & Sons</b>"
    assert render(source, ANA, html=True) == "Hi Ana of <b>Acme &amp; Sons</b>"
    assert render("{{ a }}", {"a": "<script>"}, html=True) == "&lt;script&gt;"


def test_a_missing_or_blank_value_is_never_printed_as_nothing():
    with pytest.raises(MissingVariables) as missing:
        render("{{ person.title }} {{ company.city | upcase }} {{ sender.name.last }} {{ person.title }}", ANA)
    assert missing.value.names == ("person.title", "company.city", "sender.name.last")
    assert str(missing.value) == "No value for person.title, company.city, sender.name.last"


@pytest.mark.parametrize(
    "source", ["{{ x | join: ', ' }}", "{{ x | size }}", "{{ x | plus: 1 }}", "{{ 'a' | append: x }}", "{{ x | first }}",
               "{% assign y = x %}{{ y }}", "{% capture y %}{{ x }}{% endcapture %}", "{{ x | strip | default: 'd' }}"]
)  # fmt: skip
def test_no_filter_hides_a_missing_variable(source):
    with pytest.raises(MissingVariables, match="No value for x"):
        render(source, {})


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("Hi {{ person.title | default: 'there' }}", "Hi there"),
        ("Hi {{ person.first_name | default: 'there' }}", "Hi Ana"),
        ("{{ person.title | default: person.first_name | upcase }}", "ANA"),
        ("{% if person.title %}{{ person.title }}{% else %}friend{% endif %}", "friend"),
        ("{% unless company.city %}no city{% endunless %}", "no city"),
        ("{% for tag in person.tags %}{{ tag }};{% endfor %}{% for x in person.none %}{{ x }}{% endfor %}", "a;b;"),
        ("{{ on }}", "2026-11-21"),
        ("{{ 0 }}{{ zero }}", "00"),
    ],
)
def test_fallbacks_and_conditions(source, out):
    assert render(source, ANA | {"on": date(2026, 11, 21), "zero": 0}) == out


def test_a_subject_is_one_line():
    assert (
        render_line("Hi {{ name }}\n  again", {"name": "Ana\r\nBcc: x@evil.example"})
        == "Hi Ana Bcc: x@evil.example again"
    )


def test_variables_are_found_with_their_paths():
    source = (
        "{{ person.first_name }}{% for t in person.tags %}{{ t }}{% endfor %}{{ company.name | default: sender.name }}"
    )
    assert variables(source) == ("person.first_name", "person.tags", "company.name", "sender.name")


@pytest.mark.parametrize(
    ("source", "message", "line", "column"),
    [
        ("Hi\n  {{ a b }}", "Line 2, column 8: expected end of expression, found word.", 2, 8),
        ("{{ a | shout }}", "Line 1, column 8: unknown filter 'shout'.", 1, 8),
        ("{{ a | replace: 'b', 'c' }}", "Line 1, column 8: unknown filter 'replace'.", 1, 8),
        ("{% include 'x' %}", "Line 1, column 4: unexpected tag 'include'.", 1, 4),
        ("{% render 'x' %}", "Line 1, column 4: unexpected tag 'render'.", 1, 4),
        ("x\n{% if a %}", "Line 2, column 11: expected tag endif, found end of expression.", 2, 11),
        ("{{ 1 | plus }}", "Line 1, column 8: plus() missing 1 required positional argument: 'other'.", 1, 8),
        ("Hi\n{{ person.nose }}", "Line 2, column 4: there is no variable person.nose.", 2, 4),
    ],
)
def test_an_error_at_save_names_its_place(source, message, line, column):
    with pytest.raises(Invalid) as refusal:
        check(source, {"a", "person.first_name"}, field="body")
    assert refusal.value.message == message
    assert refusal.value.field == "body"
    assert (refusal.value.detail["line"], refusal.value.detail["column"]) == (line, column)


def test_a_good_template_passes_the_check():
    source = "Hi {{ person.first_name | default: 'there' }}, {{ custom.colour }}"
    assert check(source, {"person.first_name", "custom"}) == ("person.first_name", "custom.colour")


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in (1..1000000) %}x{% endfor %}",
        "{% for a in (1..1000) %}{% for b in (1..1000) %}{% endfor %}{% endfor %}",
        "{% assign x = 'xxxxxxxxxx' %}{% for a in (1..1000) %}{% assign x = x | append: x %}{% endfor %}",
        "{% for a in (1..1900) %}" + "y" * 500 + "{% endfor %}",
        "{% if a %}" * 40 + "{% endif %}" * 40,
        "x" * 60_000,
    ],
)
def test_a_template_cannot_stall_or_fill_the_server(source):
    with pytest.raises(Invalid):
        render(source, {"a": True})


@pytest.mark.parametrize(
    "source",
    ["{{ person.__class__ }}", "{{ person.first_name.__class__.__mro__ }}", "{{ ''.__class__ }}", "{{ person['__init__'] }}",
     "{{ settings.SECRET_KEY }}", "{{ self }}", "{{ person.items }}", "{{ person.keys }}"],
)  # fmt: skip
def test_a_template_reaches_only_its_data(source):
    with pytest.raises((MissingVariables, Invalid)):
        render(source, ANA)


def test_only_plain_data_is_taken():
    with pytest.raises(TypeError, match="not type"):
        render("{{ a }}", {"a": {"b": [int]}})
