"""Links and footer: text and HTML lead to the same places."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.footer import append_footer
from campaigns.rules.links import find_links, replace_links, same_links, text_to_html, trackable
from leadgen.core.errors import Invalid


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://acme.example/a?b=1&c=2.", ["https://acme.example/a?b=1&c=2"]),
        ("(https://acme.example/wiki/X_(y))", ["https://acme.example/wiki/X_(y)"]),
        ("<https://acme.example/>, http://b.example!", ["https://acme.example/", "http://b.example"]),
        ("“https://a.example/x”", ["https://a.example/x"]),
        ("mailto:a@b.example, ftp://x.example, https://", []),
        ("https://a.example https://a.example", ["https://a.example"]),
    ],
)
def test_links_are_found_in_text_without_the_punctuation_around_them(text, links):
    assert list(find_links(text)) == links


def test_links_are_replaced_in_both_parts_and_nothing_else_changes():
    text = "Hi,\nsee https://a.example/x?y=1&z=2 and https://b.example."
    html = (
        '<!doctype html>\n<p class="x">Hi &amp; &#8364;<!-- c --><br/>'
        "<A HREF='https://a.example/x?y=1&amp;z=2' target=_blank>here</A> <a href=\"mailto:x@a.example\">mail</a>"
        '<img src="https://b.example/i.png"><a href="https://b.example">b</a></p>'
    )
    urls = find_links(text, html)
    assert urls == ("https://a.example/x?y=1&z=2", "https://b.example")
    assert same_links(text, html)
    new_text, new_html = replace_links(text, html, {url: f"https://t.example/c/{n}?a&b" for n, url in enumerate(urls)})
    assert new_text == "Hi,\nsee https://t.example/c/0?a&b and https://t.example/c/1?a&b."
    assert new_html == (
        '<!doctype html>\n<p class="x">Hi &amp; &#8364;<!-- c --><br/>'
        '<a href="https://t.example/c/0?a&amp;b" target="_blank">here</a> <a href="mailto:x@a.example">mail</a>'
        '<img src="https://b.example/i.png"><a href="https://t.example/c/1?a&amp;b">b</a></p>'
    )
    assert same_links(new_text, new_html)


def test_a_link_of_one_part_only_is_noticed():
    assert not same_links("https://a.example", '<a href="https://b.example">b</a>')


PIECES = st.one_of(
    st.sampled_from(
        ["https://a.example/x?y=1&z=2", "http://b.example", "\n\n", "\n", " ", "<b>", "&amp;", '"', "(", ")", "."]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_html_made_from_text_has_the_same_links_before_and_after_tracking(text):
    html = text_to_html(text)
    assert same_links(text, html)
    urls = find_links(text, html)
    tracked = replace_links(text, html, {url: f"https://t.example/{n}" for n, url in enumerate(urls)})
    assert same_links(*tracked)
    assert set(find_links(tracked[0])) == {f"https://t.example/{n}" for n in range(len(urls))}


def test_text_becomes_paragraphs_and_is_escaped():
    assert text_to_html("Hi <Ana>,\n\nline\nhttps://a.example/?a&b\n") == (
        '<p>Hi &lt;Ana&gt;,</p>\n<p>line<br>\n<a href="https://a.example/?a&amp;b">https://a.example/?a&amp;b</a></p>\n'
    )


def test_the_unsubscribe_link_and_endless_links_are_not_tracked():
    links = ("https://a.example", "https://leadgen.example/u/1", "https://x.example/" + "x" * 3000)
    assert trackable(links, never={"https://leadgen.example/u/1"}) == ("https://a.example",)


FOOTER = {
    "company": "Acme & Co",
    "postal_address": "1 Main St\n1000 Lisbon,\nPortugal",
    "unsubscribe_url": "https://l.example/u?a&b",
}


def test_the_footer_stands_in_both_parts_with_the_same_link():
    text, html = append_footer("Hi\n\n", "<html><body><p>Hi</p></body></html>", **FOOTER)
    assert text == ("Hi\n\n-- \nAcme & Co, 1 Main St, 1000 Lisbon, Portugal\nUnsubscribe: https://l.example/u?a&b\n")
    assert html == (
        "<html><body><p>Hi</p>\n<p>--<br>\nAcme &amp; Co, 1 Main St, 1000 Lisbon, Portugal<br>\n"
        '<a href="https://l.example/u?a&amp;b">Unsubscribe</a></p>\n</body></html>'
    )
    assert same_links(text, html)
    assert append_footer("Hi", "", **FOOTER)[1] == ""


@pytest.mark.parametrize("field", list(FOOTER))
def test_no_mail_without_address_and_way_out(field):
    with pytest.raises(Invalid) as refusal:
        append_footer("Hi", "", **FOOTER | {field: " \n"})
    assert refusal.value.field == field
