"""Outgoing mail: well-formed whatever the values are, and no value can add a header."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.rules.mime import OutgoingMail, build, normalise_address
from leadgen.core.errors import Invalid

MAIL = OutgoingMail(
    from_name="Ana Silva",
    from_address="ana@leadgen.example",
    to_name="Bob",
    to_address="bob@acme.example",
    subject="Hello",
    text="Hi Bob\n",
    html="<p>Hi Bob</p>\n",
    message_id="m.1@leadgen.example",
    date=datetime(2026, 11, 21, 9, tzinfo=UTC),
)
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
ONE_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)
NASTY = st.one_of(
    ANYTHING,
    st.tuples(
        ANYTHING, st.sampled_from(["\r\nBcc: x@evil.example", "\nX: 1", "\r", "\x00", "\u2028", "\x85"]), ANYTHING
    ).map("".join),
)
HEADER_FIELDS = [
    "from_name", "from_address", "to_name", "to_address", "subject", "message_id", "in_reply_to", "references",
    "list_unsubscribe_url", "list_unsubscribe_mailto", "extra",
]  # fmt: skip


def parsed(raw):
    return message_from_bytes(raw, policy=policy.default)


def decoded(header):
    # Not by policy.default: it puts spaces between the encoded words of a name.
    return str(make_header(decode_header(header)))


def assert_well_formed(raw):
    assert raw.isascii()
    assert b"\x00" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert not parsed(raw).defects


@pytest.mark.parametrize("field", HEADER_FIELDS)
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00"])
def test_a_line_break_in_any_header_is_refused_by_name(field, end):
    good = {
        "from_address": "ana@leadgen.example",
        "to_address": "bob@acme.example",
        "message_id": "m@x.example",
        "in_reply_to": "m@x.example",
        "list_unsubscribe_url": "https://x.example/u",
        "list_unsubscribe_mailto": "u@x.example",
    }.get(field, "value")
    bad = f"{good}{end}Bcc: eve@evil.example"
    value = {"references": (bad,), "extra": {"X-Leadgen": bad}}.get(field, bad)
    with pytest.raises(Invalid) as refusal:
        build(replace(MAIL, **{field: value}))
    assert refusal.value.code == "header_injection"
    assert refusal.value.field.startswith(field)


@settings(max_examples=200, deadline=None)
@given(field=st.sampled_from(HEADER_FIELDS), value=NASTY, body=NASTY)
@example(field="subject", value="=?utf-8?q?x=0D=0ABcc:_eve@evil.example?=", body="")
@example(field="to_name", value='"Bob" <eve@evil.example>,', body="")
def test_no_value_adds_or_changes_a_header(field, value, body):
    mail = replace(
        MAIL, text=body, html=body, **{field: (value,) if field == "references" else value} if field != "extra" else {}
    )
    if field == "extra":
        mail = replace(mail, extra={"X-Note": value})
    raw, refused = b"", None
    try:
        raw = build(mail)
    except Invalid as refusal:
        refused = refusal.field
    if refused is not None:
        assert refused.startswith(field)
        return
    assert_well_formed(raw)
    expected = ["From", "To", "Subject", "Date", "Message-ID"]
    added = {"in_reply_to": "In-Reply-To", "references": "References", "extra": "X-Note", "list_unsubscribe_url": "List-Unsubscribe",
             "list_unsubscribe_mailto": "List-Unsubscribe"}  # fmt: skip
    if field in added and (value or field == "extra"):
        expected.append(added[field])
    if field == "list_unsubscribe_url" and value:
        expected.append("List-Unsubscribe-Post")
    assert sorted(parsed(raw).keys()) == sorted(
        [*expected, "MIME-Version", "Content-Type", *(() if body else ("Content-Transfer-Encoding",))]
    )
    assert [len(parsed(raw)[name].addresses) for name in ("From", "To")] == [1, 1]


@settings(max_examples=200, deadline=None)
@given(name=ONE_LINE, subject=ONE_LINE, body=ANYTHING)
@example(name='Zoë, "the" O\'Neil \\ (x)', subject="x" * 5000, body="y" * 5000)
@example(name="مريم 🚀" * 20, subject="ß " * 200, body=".\r\n.\r\nMAIL FROM:<eve@evil.example>\r")
@example(name="", subject="", body="")
def test_name_subject_and_body_arrive_as_they_were(name, subject, body):
    raw = build(replace(MAIL, to_name=name, subject=subject, text=body, html=f"<p>{body}</p>"))
    assert_well_formed(raw)
    mail = parsed(raw)
    shown, address = parseaddr(message_from_bytes(raw)["To"])
    assert address == "bob@acme.example"
    assert decoded(shown).split() == name.split()
    assert decoded(message_from_bytes(raw)["Subject"]).split() == subject.split()
    lines = body.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    plain = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert plain == (lines if lines.endswith("\n") else lines + "\n")


def test_both_ways_to_unsubscribe_and_the_one_click_promise():
    url = "https://leadgen.example/u/" + "t" * 300
    raw = build(
        replace(MAIL, list_unsubscribe_url=url, list_unsubscribe_mailto="u+1@leadgen.example?subject=unsubscribe")
    )
    assert_well_formed(raw)
    mail = parsed(raw)
    assert mail["List-Unsubscribe"].split() == [f"<{url}>,", "<mailto:u+1@leadgen.example?subject=unsubscribe>"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert url.encode() in raw  # in one piece, not encoded


def test_without_a_url_there_is_no_one_click_promise():
    mail = parsed(build(replace(MAIL, list_unsubscribe_mailto="u@leadgen.example")))
    assert mail["List-Unsubscribe"] == "<mailto:u@leadgen.example>"
    assert mail["List-Unsubscribe-Post"] is None


def test_a_thread_keeps_its_first_and_last_ids():
    ids = tuple(f"{number}.{'x' * 60}@leadgen.example" for number in range(40))
    mail = parsed(build(replace(MAIL, in_reply_to=ids[-1], references=ids)))
    assert mail["In-Reply-To"] == f"<{ids[-1]}>"
    assert mail["References"].split() == [f"<{item}>" for item in (ids[0], *ids[-19:])]


def test_the_same_values_give_the_same_bytes():
    assert build(MAIL) == build(MAIL)
    assert parsed(build(MAIL)).get_content_type() == "multipart/alternative"
    assert parsed(build(replace(MAIL, html=""))).get_content_type() == "text/plain"


def test_domains_become_idna_and_odd_addresses_are_refused():
    assert normalise_address("Ana.B@BÜCHER.example") == "Ana.B@xn--bcher-kva.example"
    for odd in (
        "",
        "ana",
        "@x.example",
        "ana@",
        "a b@x.example",
        "josé@x.example",
        "ana@x..example",
        "<ana@x.example>",
        "a@b@c",
    ):
        with pytest.raises(Invalid):
            normalise_address(odd)


def test_headers_of_its_own_cannot_be_given_as_extra():
    for name in ("Bcc", "from", "X Y", "X:"):
        with pytest.raises(Invalid, match="cannot be added"):
            build(replace(MAIL, extra={name: "x"}))
