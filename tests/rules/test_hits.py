"""The click classifier as a pure function of raw hits: what each rule catches, and what may never change a class."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.hits import CLASSIFIERS, HitFeatures, RawHit, class_of, current_version, judge

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"


def features(**values: Any) -> HitFeatures:
    return HitFeatures(**({"method": "GET", "user_agent": BROWSER, "seconds_after": 3600.0, "links_total": 5} | values))


@pytest.mark.parametrize(
    ("values", "hit_class", "words"),
    [
        ({}, "human", "a browser, in human time"),
        ({"hidden": True}, "automated", "no person can see"),
        ({"method": "HEAD"}, "automated", "headers only"),
        ({"prefetch": True}, "automated", "prefetched"),
        ({"user_agent": ""}, "automated", "a program's"),
        ({"user_agent": "Mozilla/5.0 HeadlessChrome/120"}, "automated", "a program's"),
        ({"user_agent": "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"}, "automated", "a program's"),
        ({"headers_first": True}, "automated", "headers only, too"),
        ({"scanner_network": True}, "automated", "network of programs"),
        ({"other_links": 2}, "automated", "3 links within 10 seconds"),
        ({"other_links": 1}, "human", "a browser"),
        ({"other_links": 1, "links_total": 2, "seconds_after": 90.0}, "automated", "every link of the mail"),
        ({"other_links": 1, "links_total": 2}, "unsure", "every link of the mail"),
        ({"seconds_after": 4.9}, "automated", "nobody reads so fast"),
        ({"seconds_after": 5.0}, "unsure", "when gateways look"),
        ({"seconds_after": 59.9}, "unsure", "when gateways look"),
        ({"seconds_after": 60.0}, "human", "a browser"),
        ({"seconds_after": None}, "unsure", "not known when"),
        ({"user_agent": "Outlook-iOS/2.0"}, "unsure", "no browser’s"),
        ({"links_total": 1}, "human", "a browser"),
    ],
)
def test_the_second_version(values: dict[str, Any], hit_class: str, words: str) -> None:
    found = class_of(features(**values), version=2)
    assert found[0] == hit_class, found
    assert words in found[1]


def raw(n: int, link: Any, seconds: float, **values: Any) -> RawHit:
    given = {"method": "GET", "user_agent": BROWSER, "seconds_after": 3600.0 + seconds, "ip": "192.0.2.1"} | values
    return RawHit(id=n, link=link, at=AT + timedelta(seconds=seconds), **given)


def test_scanner_networks_and_headers_asked_first() -> None:
    (found,) = judge([raw(1, "a", 0, ip="198.51.100.7")], links_total=3, networks=["198.51.100.0/24", "not a network"])
    assert found.hit_class == "automated"
    (found,) = judge([raw(1, "a", 0, ip="2001:db8::1")], links_total=3, networks=["198.51.100.0/24"])
    assert found.hit_class == "human"
    both = judge([raw(1, "a", 0, method="HEAD"), raw(2, "a", 1), raw(3, "a", 2, ip="192.0.2.9")], links_total=3)
    assert [verdict.hit_class for verdict in both] == ["automated", "automated", "human"], "another client asked itself"


def test_a_program_and_a_person_on_one_link_at_once_are_two_facts() -> None:
    found = judge([raw(1, "a", 0, user_agent="curl/8"), raw(2, "a", 3)], links_total=3)
    assert [(v.hit_class, v.repeats) for v in found] == [("automated", None), ("human", None)]


HITS = st.lists(
    st.builds(
        raw,
        st.integers(0, 10**6),
        st.sampled_from([None, "a", "b", "c", "d"]),
        st.floats(0, 120, allow_nan=False),
        method=st.sampled_from(["GET", "GET", "HEAD"]),
        user_agent=st.sampled_from([BROWSER, "Mozilla/5.0 Firefox/140", "curl/8", ""]),
    ),
    max_size=12,
    unique_by=lambda hit: hit.id,
)


@given(HITS, st.randoms())
def test_the_order_in_which_hits_are_read_decides_nothing(hits: list[RawHit], random: Any) -> None:
    mixed = list(hits)
    random.shuffle(mixed)
    assert judge(hits, links_total=4) == judge(mixed, links_total=4)


@given(HITS)
def test_every_version_gives_a_class_and_a_reason_and_hidden_hits_are_never_human(hits: list[RawHit]) -> None:
    for version in CLASSIFIERS:
        for verdict in judge(hits, links_total=4, version=version):
            assert verdict.hit_class in {"human", "automated", "unsure"}
            assert verdict.why
    assert all(v.hit_class == "automated" for v in judge(hits, links_total=4) if next(
        h for h in hits if h.id == v.hit).link is None)  # fmt: skip
    assert current_version() == max(CLASSIFIERS)


@given(HITS)
def test_more_hits_of_a_burst_never_make_a_program_a_person(hits: list[RawHit]) -> None:
    alone = {v.hit: v.hit_class for hit in hits for v in judge([hit], links_total=4)}
    for verdict in judge(hits, links_total=4):
        if alone[verdict.hit] == "automated":
            assert verdict.hit_class == "automated"
