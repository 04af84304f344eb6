"""Enrichment, pure: what may be written over what, what an answer means, which technologies are seen."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadgen.core.errors import Invalid
from leadgen.core.web import Answer
from prospects.rules import enrichment as rules
from prospects.rules import enrichment_technologies as technologies
from prospects.sources.enrichment.website import parse

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_only_what_is_empty_or_ours_may_be_written() -> None:
    present = rules.Present(
        values={
            "industry": "Machinery",
            "city": "",
            "employees": 540,
            "country": "DE",
            "phone": "",
            "technologies": ["SAP"],
        },
        origins={"employees": (540, AT), "country": ("FR", AT), "industry": ("Machinery", AT)},
        edited={"phone": AT, "industry": AT},
    )
    # Typed: industry (though the value is what enrichment once wrote) and phone (to nothing). Not ours any more: country.
    assert rules.open_fields(present, list(present.values)) == ["city", "employees", "technologies"]
    assert rules.missing(present, ["city", "employees"], {"city": 1}) == ["employees"]
    assert rules.merged("technologies", ["SAP"], ["sap", "Stripe"]) == ["SAP", "Stripe"]
    assert rules.merged("city", "", "Porto") == "Porto"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(rules.COMPANY_FIELDS), st.one_of(st.none(), st.text(), st.integers()), st.text(), st.booleans())
def test_what_a_person_set_is_never_open(name: str, value: object, ours: str, has_origin: bool) -> None:
    present = rules.Present({name: value}, {name: (ours, AT)} if has_origin else {}, {name: AT})
    assert rules.open_fields(present, [name]) == []


def test_values_are_compared_as_json_keeps_them() -> None:
    assert rules.plain(Decimal("1200.00")) == "1200" and rules.plain(Decimal(0)) == "0"
    assert rules.plain(AT.date()) == "2026-03-01" and rules.plain(["a"]) == ["a"]


@pytest.mark.parametrize(
    ("url", "words"),
    [("https://{domain}/x", "fixed host"), ("https://api.example/{moon}", "none of"), ("https://api.example/", "Say where"),
     ("ftp://x/{domain}", "https"), ("", "address"), ("https://a{domain}.example/", "fixed host")],
)  # fmt: skip
def test_no_value_may_choose_the_host(url: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        rules.check_template(url)


def test_values_are_quoted_into_the_address() -> None:
    ask = rules.Ask("companies", "k", domain="lumen.example", name="A&B/../x?y#z")
    url = rules.check_template(" https://api.example/v1/{domain}?n={name} ")
    assert rules.fill(url, ask) == "https://api.example/v1/lumen.example?n=A%26B%2F..%2Fx%3Fy%23z"
    assert rules.fill("https://api.example/?e={email}", ask) == ""


def test_an_answer_is_read_by_its_paths() -> None:
    mapping = rules.check_mapping(
        "companies", {"industry": "company.category.industry", "employees": "company.metrics.employees", "technologies": "company.tech[].name",
                      "city": "company.geo", "founded": "missing.x", "country": "company.codes", "phone": "company.ok"},
    )  # fmt: skip
    told = {
        "company": {
            "category": {"industry": "Machinery"},
            "metrics": {"employees": 540},
            "tech": [{"name": "SAP"}, {"name": None}],
            "geo": {"c": 1},
            "codes": ["DE", "FR"],
            "ok": True,
        }
    }
    assert rules.read_json(mapping, told) == {
        "industry": "Machinery",
        "employees": 540,
        "technologies": ["SAP"],
        "country": "DE",
    }
    for broken in (None, [], "x", {"company": [1]}):
        assert rules.read_json(mapping, broken) == {}
    for wrong in ({}, {"owner": "x"}, {"industry": "a["}, {"industry": ""}, {"industry": 1}):
        with pytest.raises(Invalid):
            rules.check_mapping("companies", wrong)


def test_a_page_shows_its_technologies_and_words() -> None:
    html = """<html><head><title> Lumen | Pumps </title><meta name="Description" content="We make&amp;sell pumps.">
    <meta property="og:site_name" content="Lumen"><meta name="generator" content="WordPress 6.8">
    <script src="https://js.hs-scripts.com/1.js"></script><script>window.dataLayer=[];gtag('js')</script>
    <script src="https://www.googletagmanager.com/gtm.js?id=1"></script><link rel="stylesheet" href="/wp-content/x.css"></head>
    <body><a href="https://www.linkedin.com/company/lumen">in</a><a href="https://boards.greenhouse.io/lumen">Jobs</a></body></html>"""
    page = parse(
        Answer(
            200,
            {"content-type": "text/html", "server": "cloudflare", "set-cookie": "PHPSESSID=1"},
            html.encode(),
            "https://lumen.example/",
        )
    )
    assert (page.title, page.description, page.site_name) == ("Lumen | Pumps", "We make&sell pumps.", "Lumen")
    found = technologies.of_page(
        headers=page.headers, scripts=page.scripts, inline=page.inline, generator=page.generator, links=page.links
    )
    assert found == ["Cloudflare", "Google Tag Manager", "Greenhouse", "HubSpot", "PHP", "WordPress"]
    assert technologies.of_page(headers={}, scripts=[], inline="", generator="") == []


def test_dns_says_who_runs_the_mail_and_what_was_confirmed() -> None:
    texts = [
        '"v=spf1 include:_spf.google.com include:sendgrid.net ~all"',
        "MS=ms123",
        "atlassian-domain-verification=x",
        "random",
    ]
    assert technologies.of_dns(exchangers=["20 alt1.aspmx.l.google.com", "10 lumen-example.mail.protection.outlook.com"], texts=texts) == [
        "Atlassian", "Google Workspace", "Microsoft 365", "SendGrid",
    ]  # fmt: skip
    assert technologies.mail_provider(["10 mx.notgoogle.com", "x"]) == ""
    assert technologies.mail_provider([]) == ""
