"""The finders of addresses and numbers, the guess that is barred until confirmed, and the pages and API of finding."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db.models import Sum
from django.test import Client

from accounts.actions.audit import Actor
from accounts.models import Workspace
from campaigns.queries.verdicts import block_of_person
from leadgen.core.errors import Conflict
from leadgen.core.tenancy import workspace_scope
from prospects.actions.enrichment import run_lane as run_enrichment
from prospects.actions.enrichment import start_run, write_items
from prospects.actions.enrichment_providers import create_provider
from prospects.actions.finding_finders import confirm_guess, quote, start_finder
from prospects.actions.finding_lane import run_lane
from prospects.actions.people import update_person
from prospects.actions.verification import judge_people
from prospects.models import (
    Company,
    EnrichmentCharge,
    EnrichmentItem,
    EnrichmentProvider,
    EnrichmentRun,
    FieldOrigin,
    FindingRun,
    FindingSearch,
    Person,
)
from prospects.rules.finding import best_under, clean_criteria, from_profile
from prospects.rules.finding_patterns import guess
from prospects.rules.finding_service import check_operation
from prospects.rules.icps import check_content, parse_profile
from prospects.sources.finding.mapping import fill_body, fill_url, read_page
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company, make_icp, make_person
from tests.web_server import WebServer

BY = Actor(source="command")
KNOWN = [("Ana", "Ferreira", "ana.ferreira@lumen.example"), ("Bo", "Berg", "bo.berg@lumen.example")]


@pytest.mark.parametrize(
    ("first", "last", "known", "email"),
    [
        ("Jörg", "Müller", KNOWN, "joerg.mueller@lumen.example"),
        ("Cy", "Cole", [*KNOWN, ("D", "E", "sales@lumen.example")], "cy.cole@lumen.example"),
        ("Cy", "Cole", [("Ana", "Ferreira", "aferreira@lumen.example")], "ccole@lumen.example"),
        ("Cy", "Cole", [("Ana", "Ferreira", "a@x.example")], ""),  # another domain
        ("Cy", "Cole", [KNOWN[0], ("Bo", "Berg", "bberg@lumen.example")], ""),  # one against one
        ("Ana", "Ferreira", KNOWN, ""),  # taken
        ("Cy", "", KNOWN, ""), ("Cy", "Cole", [], ""),
    ],
)  # fmt: skip
def test_an_address_is_guessed_as_most_of_the_company_write_theirs(
    first: str, last: str, known: list[tuple[str, str, str]], email: str
) -> None:
    found = guess(first, last, "lumen.example", known)
    assert (found.email if found else "") == email
    if first == "Jörg":
        assert found is not None and found.words == "A guess: first.last@lumen.example, as 2 of 2 known addresses there"


def test_a_profile_and_a_persona_become_criteria() -> None:
    content = check_content({
        "criteria": [
            {"label": "a", "weight": 1, "rule": {"all": [{"field": "company.industry", "op": "in", "value": ["Banking", "Machinery"]}, {"field": "company.employees", "op": "between", "value": [50, 500]}]}},
            {"label": "b", "weight": 1, "rule": {"field": "company.country", "op": "is", "value": "DE"}},
        ],
        "exclude": {"any": [{"field": "company.industry", "op": "is", "value": "Banking"}, {"field": "company.country", "op": "in", "value": ["RU"]}]},
        "personas": [{"name": "Buyer", "weight": 1, "rule": {"field": "person.seniority", "op": "in", "value": ["vp", "head"]}}],
    })  # fmt: skip
    assert from_profile(parse_profile(content, person=True), "Buyer") == {
        "industries": ["Machinery"], "employees_min": 50, "employees_max": 500, "countries": ["DE"],
        "exclude_industries": ["Banking"], "exclude_countries": ["RU"], "seniorities": ["vp", "head"],
    }  # fmt: skip
    assert clean_criteria("people", {"countries": "Germany; FR", "domains": "https://a.example/x", "seniorities": ["VP"]}) == {
        "countries": ["DE", "FR"], "domains": ["a.example"], "seniorities": ["vp"],
    }  # fmt: skip
    rows = [("a", 10), ("b", None), ("c", 90), ("d", 90)]
    assert best_under(rows, most=9, price=Decimal("0.5"), under=Decimal("1.4")) == ["c", "d"]
    assert best_under(rows, most=3, price=Decimal(0), under=Decimal(0)) == ["c", "d", "a"]


def test_a_request_leaves_out_what_is_not_known_and_an_answer_names_its_next_page() -> None:
    operation = check_operation("companies", {
        "url": "https://x.example/s?c={countries}&i={industries}&p={page}", "results": "r", "mapping": {"name": "n", "technologies": "t"},
        "body": {"f": {"c": "{countries}", "i": "{industries}"}, "q": "x {name}", "n": "{limit}"}, "page_size": 2,
    })  # fmt: skip
    places = {"countries": ["DE", "AT"], "page": 1, "limit": 2}
    assert fill_url(operation["url"], places) == "https://x.example/s?c=DE%2CAT&p=1"
    assert fill_body(operation["body"], places) == {"f": {"c": ["DE", "AT"]}, "n": 2}
    told = read_page(operation, {"r": [{"n": "A", "t": ["SAP", 3, {}]}, {"n": {}}, "junk"]}, page=1)
    assert told.rows == [("", {"name": "A", "technologies": ["SAP", "3"]}), ("", {})] and told.cursor == "2"
    assert read_page(operation, {"r": []}, page=1).cursor == read_page(operation, {}, page=1).cursor == ""


def finder(server: WebServer, name: str, **values: Any) -> EnrichmentProvider:
    operations = {
        "email": {"url": f"{server.url}/{name}?f={{first_name}}&d={{domain}}", "mapping": {"email": "e", "status": "s"}, "price": {"result": "0.10"}},
        "phone": {"url": f"{server.url}/{name}-p?e={{email}}&d={{domain}}", "mapping": {"phone": "p"}, "price": {"request": "1"}},
    }  # fmt: skip
    given: dict[str, Any] = {"operations": operations, "currency": "EUR"} | values
    return create_provider(by=BY, now=NOW, kind="search", name=name, **given)


def test_finders_are_asked_in_order_at_a_confirmed_price_and_a_guess_is_barred_until_confirmed(
    acme: Workspace, by_alice: Actor, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        finder(server, "First")
        create_provider(by=BY, now=NOW, kind="pattern", name="Pattern")
        lumen = make_company("Lumen", domain="lumen.example")
        for first, last, email in KNOWN:
            make_person(f"{first} {last}", lumen, email=email)
        cy, di = make_person("Cy Cole", lumen, email=""), make_person("Di Dane", lumen, email="")
        gone = make_person("Ed Ek", lumen, email="ed@lumen.example")
        update_person(by=by_alice, now=NOW, person=gone, changes={"email": ""})  # a decision of somebody's
        nowhere = make_person("Flo Fox", None, email="")
        ids = [cy.pk, di.pk, gone.pk, nowhere.pk]
        found = quote(want="email", ids=ids)
        assert (found.people, found.skipped, found.amount) == (sorted([cy.pk, di.pk]), 2, Decimal("0.20"))
        given: dict[str, Any] = {"by": by_alice, "now": NOW, "want": "email", "ids": ids, "token": "t"}
        with pytest.raises(Conflict):
            start_finder(**given, count=4, confirmed=Decimal("0.40"))
        assert not EnrichmentRun.objects.exists()
        run = start_finder(**given, count=2, confirmed=Decimal("0.20"))
        assert start_finder(**given, count=2, confirmed=Decimal("0.20")) == run
    server.pages["/First"] = lambda asked: (
        (200, {}, json.dumps({"e": "cy@lumen.example", "s": "verified"}).encode())
        if "f=Cy" in asked[1]
        else (404, {}, b"")
    )
    run_enrichment(acme.pk, now=NOW)
    assert server.paths() == ["/First?f=Cy&d=lumen.example", "/First?f=Di&d=lumen.example"]
    with workspace_scope(acme.pk):
        assert EnrichmentCharge.objects.aggregate(total=Sum("amount"))["total"] == Decimal(
            "0.10"
        )  # nothing found, nothing paid
        note = EnrichmentItem.objects.get(person=di).notes[0]
        assert "A guess: first.last@lumen.example, as 2 of 2" in note and "before it is confirmed" in note
        run.refresh_from_db()
        assert write_items(run=run, by=by_alice, now=NOW) == 2
        cy.refresh_from_db()
        di.refresh_from_db()
        assert (cy.email, cy.email_status, cy.email_status_reason) == (
            "cy@lumen.example",
            "valid",
            "Stated as verified by First",
        )
        assert (di.email, di.email_status, di.email_checks) == ("di.dane@lumen.example", "invalid", ["guess"])
        assert FieldOrigin.objects.get(person=di, field="email").provider_name == "Pattern"
        judge_people([di.pk], now=NOW)  # looking at it proves nothing
        judge_people([di.pk], now=NOW)
        di.refresh_from_db()
        blocked = block_of_person(di)
        assert blocked is not None and "A guess: first.last@" in blocked.reason
        assert confirm_guess(person=di, by=by_alice, now=NOW).email_status == "unknown"
        judge_people([di.pk], now=NOW)
        di.refresh_from_db()
        assert di.email_status == "unknown" and block_of_person(di) is None
    # A plain run of enrichment asks no finder: nobody confirmed what that costs.
    with workspace_scope(acme.pk):
        create_provider(
            by=BY,
            now=NOW,
            kind="http",
            name="Plain",
            subject="people",
            url=f"{server.url}/Plain?n={{name}}",
            mapping={"title": "t"},
        )
        start_run(by=by_alice, now=NOW, subject="people", ids=[gone.pk])
    run_enrichment(acme.pk, now=NOW)
    assert not any("First-p" in path for path in server.paths())


def test_direct_dials_stop_at_the_budget(acme: Workspace, by_alice: Actor, server: WebServer) -> None:
    with workspace_scope(acme.pk):
        finder(server, "Dial", monthly_budget="1.50")
        lumen = make_company("Lumen", domain="lumen.example")
        people = [make_person(f"P{n} Q", lumen) for n in range(2)]
        found = quote(want="phone", ids=[one.pk for one in people])
        start_finder(
            by=by_alice, now=NOW, want="phone", ids=[one.pk for one in people], count=2, confirmed=found.amount, token="t",
            write_at_once=True,
        )  # fmt: skip
    server.page("/Dial-p", json.dumps({"p": "+351912345678"}))
    run_enrichment(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        assert sorted(Person.objects.values_list("phone", flat=True)) == ["", "+351912345678"]
        assert "budget of March is used up" in EnrichmentItem.objects.get(state="stopped").notes[0]


def test_the_journey_through_the_pages(
    acme: Workspace, bob: Someone, alice: Someone, as_: Callable[[Someone], Client], server: WebServer
) -> None:
    server.page("/c", json.dumps({"rows": [{"n": f"Firm {n}", "d": f"firm{n}.example", "s": 60} for n in range(3)]}))
    operation = {"url": f"{server.url}/c?c={{countries}}", "results": "rows", "mapping": {"name": "n", "domain": "d", "employees": "s"}, "price": {"result": "0.5"}}  # fmt: skip
    with time_machine.travel(NOW, tick=False):
        boss, rep = as_(alice), as_(bob)
        base = "/w/acme/finding/"
        assert "No providers yet" in boss.get(base).content.decode()
        wrong = boss.post(
            f"{base}providers/new/?kind=search", {"name": "Acme", "companies": '{"url": "x"}', "is_active": "on"}
        )
        assert wrong.status_code == 422 and "fixed host" in wrong.content.decode()
        made = boss.post(
            f"{base}providers/new/?kind=search",
            {
                "name": "Acme",
                "companies": json.dumps(operation),
                "headers": "X-Key: s3cret",
                "is_active": "on",
                "currency": "EUR",
            },
        )
        assert made.status_code == 302
        with workspace_scope(acme.pk):
            provider = EnrichmentProvider.objects.get()
            rule = {"field": "company.country", "op": "is", "value": "DE"}
            make_icp(primary=True, criteria=[{"key": "c", "label": "Country", "weight": 5, "rule": rule}])
        assert rep.get(f"{base}providers/{provider.pk}/").status_code == 403
        assert "s3cret" not in boss.get(f"{base}providers/{provider.pk}/").content.decode()
        form = rep.get(f"{base}new/").content.decode()
        assert 'value="DE"' in form and "Filled in from the profile" in form
        with workspace_scope(acme.pk):
            icp = str(make_icp().icp_id)
        created = rep.post(f"{base}new/", {"provider": str(provider.pk), "icp": icp, "wanted": "50", "countries": "DE"})
        with workspace_scope(acme.pk):
            search = FindingSearch.objects.get()
        url = f"{base}{search.pk}/"
        assert created["Location"] == url and "Each row that is added costs 0.50 EUR" in rep.get(url).content.decode()
        assert rep.post(f"{url}run/", {"token": "a", "amount": "0"}).status_code == 302
        run_lane(acme.pk, now=NOW)
        page = rep.get(url).content.decode()
        assert "Firm 2" in page and "3 found, 3 never seen before" in " ".join(page.split()).replace("Done: ", "")
        ask = rep.post(f"{url}add/", {"act": "best", "best": "2", "under": "1,20"}).content.decode()
        assert "2 companies from Acme" in " ".join(ask.split()) and ">for 1.00 EUR<" in ask.replace("\n", "")
        ids = [part.split('"')[0] for part in ask.split('name="selected" value="')[1:]]
        order = {"act": "confirm", "selected": ids, "count": "2", "amount": "1", "token": "o"}
        assert rep.post(f"{url}add/", order | {"amount": "0.5", "token": "x"}).status_code in (302, 409, 422)
        with workspace_scope(acme.pk):
            assert not EnrichmentCharge.objects.exists()
        assert rep.post(f"{url}add/", order).status_code == rep.post(f"{url}add/", order).status_code == 302
        run_lane(acme.pk, now=NOW)
        with workspace_scope(acme.pk):
            assert Company.objects.count() == 2 and EnrichmentCharge.objects.get().amount == 1
        assert "already yours" in rep.get(url).content.decode()
        wrong = rep.post(f"{url}add/", {"act": "best", "best": "-3"})
        assert wrong.status_code == 400 and "Write how many rows" in wrong.content.decode()
        assert rep.post("/w/acme/finding/contacts/", {"want": "email", "company": "x"}).status_code == 404
        rep.post(f"{url}save/", {"name": "Germany"})
        assert "Germany" in rep.get(f"{base}?saved=1").content.decode()


def test_the_api_searches_and_adds(
    acme: Workspace, bob: Someone, charlie: Someone, api: Callable[..., Client], by_alice: Actor
) -> None:
    client, outsider = api(bob), api(charlie)
    json_: dict[str, Any] = {"content_type": "application/json"}
    with workspace_scope(acme.pk):
        provider = create_provider(by=BY, now=NOW, kind="directory", name="List")
        person = make_person("Ana Ferreira", None)
    assert client.post(f"/api/v1/finding-providers/{provider.pk}/upload/", {"subject": "companies", "text": "x"}, **json_).status_code == 403  # fmt: skip
    from prospects.actions.finding_directory import read_upload, upload

    with workspace_scope(acme.pk):
        row = upload(provider=provider, subject="companies", name="l.csv", content=b"name,domain,country\nKite,kite.example,DE\n", by=by_alice, now=NOW)  # fmt: skip
        read_upload(row=row, columns=row.columns, by=by_alice, now=NOW)
    run_lane(acme.pk, now=NOW)
    asked = {"subject": "companies", "provider": str(provider.pk), "criteria": {"countries": ["DE"]}}
    assert client.post("/api/v1/finding-searches/", asked | {"criteria": {"moon": 1}}, **json_).status_code == 400
    assert outsider.post("/api/v1/finding-searches/", asked, **json_).status_code == 400
    url = f"/api/v1/finding-searches/{client.post('/api/v1/finding-searches/', asked, **json_).json()['id']}/"
    assert client.get(f"{url}quote/").json()["amount"] == "0.0000"
    # Another question is another search: nothing is passed over in silence.
    other = client.patch(url, {"name": "Mine", "criteria": {"countries": ["FR"]}}, **json_)
    assert other.status_code == 400 and "another search" in other.content.decode()
    assert client.get(url).json()["criteria"] == {"countries": ["DE"]} and client.get(url).json()["name"] != "Mine"
    assert client.patch(url, {"name": "Mine"}, **json_).json()["name"] == "Mine"
    for path in ("results/", "quote/", "runs/"):
        assert outsider.get(f"{url}{path}").status_code == 404
    assert outsider.post(f"{url}run/", {"token": "a", "amount": "0"}, **json_).status_code == 404
    with workspace_scope(acme.pk):
        assert not FindingRun.objects.exists()
    assert client.post(f"{url}run/", {"token": "a", "amount": "0"}, **json_).status_code == 201
    run_lane(acme.pk, now=NOW)
    found = client.get(f"{url}results/?new=1").json()
    assert [(one["values"]["name"], one["standing"]) for one in found] == [("Kite", "")]
    chosen = client.post(f"{url}choose/", {"best": 5}, **json_).json()
    order = {"ids": chosen["ids"], "count": chosen["count"], "amount": chosen["amount"], "token": "o"}
    assert client.post(f"{url}order/", order | {"count": 2, "token": "x"}, **json_).status_code == 409
    first = client.post(f"{url}order/", order, **json_)
    assert first.status_code == 201 and client.post(f"{url}order/", order, **json_).json()["id"] == first.json()["id"]
    run_lane(acme.pk, now=NOW)
    assert client.get(f"{url}ordered/").json()[0]["state"] == "done"
    with workspace_scope(acme.pk):
        assert Company.objects.get().domain == "kite.example"
    refused = client.post("/api/v1/finders/quote/", {"want": "email", "ids": [str(person.pk)]}, **json_)
    assert refused.status_code == 400 and "Nobody is set up" in refused.content.decode()
    assert outsider.post("/api/v1/finders/", {"want": "email", "ids": [str(uuid4())], "count": 1, "amount": "0", "token": "t"}, **json_).status_code == 400  # fmt: skip


def test_a_price_says_nothing_of_people_one_may_not_see(
    acme: Workspace, alice: Someone, bob: Someone, api: Callable[..., Client], as_: Callable[[Someone], Client]
) -> None:
    with workspace_scope(acme.pk):
        create_provider(by=BY, now=NOW, kind="pattern", name="Pattern")
        lumen = make_company("Lumen", domain="lumen.example", owner=alice.member)
        hers = make_person("Ana Ferreira", lumen, email="", owner=alice.member)
        mine = make_person("Bo Berg", lumen, email="", owner=bob.member)
        acme.visibility = {bob.member.role: "own"}
        acme.save()
    asked = {"want": "email", "ids": [str(hers.pk), str(mine.pk)]}
    told = api(bob).post("/api/v1/finders/quote/", asked, "application/json").json()
    assert (told["people"], told["skipped"]) == ([str(mine.pk)], 1)
    with workspace_scope(acme.pk):
        empty = make_company("Kite", domain="kite.example")
    page = as_(alice).post("/w/acme/finding/contacts/", {"want": "email", "company": str(empty.pk)}).content.decode()
    assert "no person is known here yet" in page and f"/w/acme/companies/{empty.pk}/" in page and "Pattern" not in page
    seen = api(alice).post("/api/v1/finders/quote/", asked, "application/json").json()
    assert (seen["count"], seen["skipped"]) == (2, 0)
