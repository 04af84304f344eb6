"""Signals, pure: what they are worth, what is said first, what feeds and programs told."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadgen.core import signing
from prospects.queries.signals import names_in
from prospects.rules import signals as rules
from prospects.sources.feed import Entry, NoFeed, read_feed
from tests.conftest import NOW


@dataclass
class Told:
    kind: str
    at: datetime
    title: str = "x"


def test_each_kind_loses_half_in_its_half_life() -> None:
    for kind, days in rules.HALF_LIFE_DAYS.items():
        assert rules.freshness(kind, NOW, NOW) == 1
        assert rules.freshness(kind, NOW - timedelta(days=days), NOW) == pytest.approx(0.5)
        assert rules.freshness(kind, NOW - timedelta(days=3 * days), NOW) == pytest.approx(rules.STALE)
    assert rules.freshness("news", NOW + timedelta(hours=5), NOW) == 1
    assert rules.HALF_LIFE_DAYS.keys() == rules.WEIGHTS.keys()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(rules.HALF_LIFE_DAYS)), st.integers(0, 400), st.integers(0, 400), st.integers(0, 400))
def test_the_order_of_two_of_one_kind_never_changes(kind: str, one: int, other: int, later: int) -> None:
    a, b = NOW - timedelta(days=one), NOW - timedelta(days=other)
    at_once = rules.worth(kind, a, NOW) >= rules.worth(kind, b, NOW)
    assert at_once == (a >= b)
    much_later = NOW + timedelta(days=later)
    assert (rules.worth(kind, a, much_later) >= rules.worth(kind, b, much_later)) == at_once


def test_why_now_says_the_weightiest_and_leaves_history_out() -> None:
    old_funding = Told("funding", NOW - timedelta(days=91))
    news, hiring = Told("news", NOW), Told("hiring", NOW - timedelta(days=10))
    why = rules.why_now([news, old_funding, hiring], NOW)
    assert why is not None and why.signal is hiring and why.more == 1 and why.percent == 94
    assert rules.why_now([old_funding], NOW) is None
    assert rules.why_now([], NOW) is None


RSS = b"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY secret SYSTEM "file:///etc/hostname">]>
<rss version="2.0"><channel><title>Tech &amp; Money</title>
<item><title>Lumen raises &lt;b&gt;20 M&lt;/b&gt; &secret;</title><guid>a1</guid><link>https://paper.example/a1</link>
<pubDate>Tue, 03 Mar 2026 09:00:00 GMT</pubDate><description>&lt;p&gt;Seen at &lt;a href="https://www.lumen.example/press"&gt;Lumen&lt;/a&gt;
&lt;a href="https://paper.example/more"&gt;more&lt;/a&gt; &lt;a href="https://linkedin.com/x"&gt;in&lt;/a&gt;&lt;script&gt;x()&lt;/script&gt;&lt;/p&gt;</description></item>
<item><title></title><guid>empty</guid></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><id>tag:1</id><title>Hello</title>
<updated>2026-03-01T10:00:00+01:00</updated><link href="javascript:alert(1)"/><content type="html">Text</content></entry></feed>"""


def test_rss_and_atom_become_plain_text_and_nothing_of_the_server_gets_in() -> None:
    title, (entry,) = read_feed(RSS, {"content-type": "application/rss+xml"})
    assert title == "Tech & Money"
    assert (entry.guid, entry.title) == ("a1", "Lumen raises 20 M")
    assert entry.text == "Seen at Lumen more in" and entry.at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert rules.domains_of(entry, "https://paper.example/feed") == ["lumen.example"]
    _, (entry,) = read_feed(ATOM, {})
    assert (entry.title, entry.text, entry.url) == ("Hello", "Text", "")
    for nonsense in (b"", b"<html><body>Log in</body></html>", b"\x00\xff", b"{}"):
        with pytest.raises(NoFeed):
            read_feed(nonsense, {})


def test_words_narrow_a_feed_by_whole_words() -> None:
    entry = Entry("1", "Lumen closes Series B", "in Porto", "", None)
    assert rules.wanted(entry, []) and rules.wanted(entry, ["series b"]) and rules.wanted(entry, ["x", "PORTO"])
    assert not rules.wanted(entry, ["Port", "Series"[:3]])


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"type": "Fundraising", "headline": "Raised", "website": "lumen.example"}, {"kind": "Fundraising", "title": "Raised", "domain": "lumen.example"}),
        ({"Kind": "news", "title": "x", "company": {"name": "Lumen", "domain": "lumen.example"}, "extra": 1},
         {"kind": "news", "title": "x", "company_name": "Lumen", "domain": "lumen.example"}),
        ({"kind": "usage", "title": "x", "person": {"email": "a@b.example", "name": "Ana"}, "id": 7},
         {"kind": "usage", "title": "x", "email": "a@b.example", "person_name": "Ana", "external_id": 7}),
        ({"kind": "news", "title": ["no"], "text": {}}, {"kind": "news"}),
    ],
)  # fmt: skip
def test_programs_names_are_read(told: dict[str, object], kept: dict[str, object]) -> None:
    assert rules.renamed(told) == kept


def test_kinds_by_the_words_of_others() -> None:
    assert [rules.kind_of(w) for w in ("Funding", "job-change", "product_usage", "New hire", "moon")] == [
        "funding", "job_change", "usage", "job_change", "",
    ]  # fmt: skip


def test_names_a_headline_may_hold() -> None:
    found = names_in("Acme’s rival Lumen Labs Ltd, of Porto, raises 3M")
    assert {"Acme", "Lumen", "Lumen Labs", "Lumen Labs Ltd", "Porto"} <= set(found) and "rival" not in found


def test_signatures_of_standard_webhooks() -> None:
    # The example of the specification's reference implementations.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    message_id, at = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    signed = signing.signature(secret, message_id=message_id, timestamp=at, body=body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": f"v1,old {signed}"}
    now = datetime.fromtimestamp(at, UTC)
    assert signing.verify(secret, headers=headers, body=body, now=now) == message_id
    for change in (
        {"webhook-id": "other"},
        {"webhook-timestamp": str(at + 1)},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-timestamp": "x"},
    ):
        with pytest.raises(signing.BadSignature):
            signing.verify(secret, headers=headers | change, body=body, now=now)
    with pytest.raises(signing.BadSignature, match="five minutes"):
        signing.verify(secret, headers=headers, body=body, now=now + timedelta(minutes=6))
    with pytest.raises(signing.BadSignature):
        signing.verify(secret, headers=headers, body=body + b" ", now=now)
