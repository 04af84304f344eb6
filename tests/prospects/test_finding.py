"""Finding against a server on loopback and an uploaded directory: priced, previewed, deduplicated, added once, with origin."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from accounts.actions.audit import Actor
from accounts.models import AuditEntry, Workspace
from accounts.queries.visibility import viewer_of
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from leadgen.core.visibility import viewing_as
from prospects.actions.enrichment_providers import create_provider, update_provider
from prospects.actions.finding import start_run
from prospects.actions.finding_directory import read_upload, upload
from prospects.actions.finding_lane import run_lane
from prospects.actions.finding_orders import choose, order_results
from prospects.actions.imports import run_import
from prospects.actions.imports_undo import why_not
from prospects.actions.suppressions import suppress
from prospects.models import (
    Company,
    DirectoryCompany,
    EnrichmentCharge,
    FieldOrigin,
    FindingOrder,
    FindingResult,
    FindingRun,
    Import,
    Person,
)
from prospects.queries import finding as queries
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company, make_icp, make_person
from tests.prospects.finding import BY, RULE, answers, row, run, search_of, service
from tests.web_server import WebServer


def test_companies_are_found_scored_bought_once_and_added_with_their_origin(
    acme: Workspace, by_alice: Actor, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server, price={"request": "0.10", "result": "0.50"}, monthly_budget="3.00")
        make_icp(primary=True, criteria=[{"key": "size", "label": "Size", "weight": 10, "rule": RULE}])
        ours = make_company("Firm 7", domain="firm7.example", city="Porto", employees=70)
        suppress(by=by_alice, now=NOW, kind="domain", value="firm6.example", reason="manual")
    answers(server, *(row(n) for n in (1, 5, 6, 7)), row(8, d="not a domain", s="many"))
    search = search_of(acme, by_alice, provider)
    with workspace_scope(acme.pk):
        assert queries.quote_search(provider, "companies", 10, NOW).amount == Decimal("0.50")
        with pytest.raises(Conflict, match=r"costs 0.5 EUR, not 0"):
            start_run(search=search, by=by_alice, now=NOW, token="x", confirmed=Decimal(0))
    assert server.asked == []  # nothing before it was confirmed
    found = run(acme, by_alice, search, price="0.50")
    assert (found.state, found.pages, found.seen, found.fresh, found.total) == ("done", 3, 5, 5, 5)
    assert server.paths()[0] == "/c?country=DE&min=10&page=1&limit=2"
    assert server.asked[0][2]["authorization"] == "Bearer s3cret"
    with workspace_scope(acme.pk):
        assert EnrichmentCharge.objects.aggregate(total=Sum("amount"))["total"] == found.amount == Decimal("0.30")
        lines = {line.title: line for line in queries.lines(search, list(queries.results(search)))}
        assert {name: (line.result.score, line.standing.words) for name, line in lines.items()} == {
            "Firm 1": (0, ""), "Firm 5": (100, ""), "Firm 6": (100, "suppressed, will not be added"),
            "Firm 7": (100, "already yours"), "Firm 8": (0, ""),
        }  # fmt: skip
        assert lines["Firm 5"].why == [("Size", "+")] and lines["Firm 8"].why == [("Size", "?")]
        assert lines["Firm 7"].standing.row == ours and "domain" in lines["Firm 8"].result.notes[0]
        # The best under two euros, and what is refused: another number, another price.
        best = choose(search, best=3, under=Decimal("1.20"))
        assert [one.values["name"] for one in best] == ["Firm 5", "Firm 1"]
        every = list(FindingResult.objects.values_list("pk", flat=True))
        given: dict[str, Any] = {"search": search, "by": by_alice, "now": NOW, "ids": every, "token": "o1"}
        for count, price in ((5, "2.50"), (3, "1.00")):
            with pytest.raises(Conflict):
                order_results(**given, count=count, confirmed=Decimal(price))
        assert not FindingOrder.objects.exists() and not Import.objects.exists()
        order = order_results(**given, count=3, confirmed=Decimal("1.50"))
        assert order_results(**given, count=3, confirmed=Decimal("1.50")) == order  # a double click
        assert AuditEntry.objects.filter(action="finding.ordered").count() == 1
    run_lane(acme.pk, now=NOW)
    assert order.import_run_id is not None
    run_import(workspace_id=acme.pk, run_id=order.import_run_id, now=NOW)  # another worker comes too late
    with workspace_scope(acme.pk):
        order.refresh_from_db()
        assert order.state == "done" and EnrichmentCharge.objects.aggregate(t=Sum("amount"))["t"] == Decimal("1.80")
        assert sorted(Company.objects.values_list("name", flat=True)) == ["Firm 1", "Firm 5", "Firm 7", "Firm 8"]
        five = Company.objects.get(domain="firm5.example")
        origin = FieldOrigin.objects.get(company=five, field="employees")
        assert (origin.provider_name, origin.at, origin.search, five.employees) == ("Acme Data", NOW, search.name, 50)
        assert five.source.startswith("Acme Data, search")
        ours.refresh_from_db()
        assert (ours.city, ours.country) == ("Porto", "")  # already ours: neither bought nor touched
        assert FindingResult.objects.get(key="r5").company == five
        assert (
            order.import_run is not None and order.import_run.state == "done" and not why_not(order.import_run, NOW)
        )  # it can be undone like any import
    # Again: only what is new since.
    answers(server, row(1), row(9))
    again = run(acme, by_alice, search, "t2", "0.50")
    with workspace_scope(acme.pk):
        assert (again.number, again.fresh) == (2, 1)
        assert [one.key for one in queries.results(search, again)] == ["r9"]
        # What is left of the budget does not hold another run and ten rows.
        update_provider(provider=provider, changes={"monthly_budget": "2.00"}, by=by_alice, now=NOW)
        with pytest.raises(Invalid, match="left of the budget"):
            start_run(search=search, by=by_alice, now=NOW, token="t3", confirmed=Decimal("0.50"))


def test_nobody_buys_what_a_colleague_has_and_is_told_whose_it_is_and_no_more(
    acme: Workspace, by_alice: Actor, bob: Any, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server, price={"result": "1"})
        make_company("Firm One", domain="firm1.example", owner=by_alice.member)
    answers(server, row(1), row(2))
    search = search_of(acme, by_alice, provider)
    run(acme, by_alice, search)
    with workspace_scope(acme.pk):
        acme.visibility = {bob.member.role: "own"}
        with viewing_as(viewer_of(bob.member, acme)):
            lines = {line.title: line.standing for line in queries.lines(search, list(queries.results(search)))}
            assert lines["Firm 1"].row is None and lines["Firm 1"].words == f"already here: {by_alice.member}’s"
            assert lines["Firm 2"].open
            ids = list(FindingResult.objects.values_list("pk", flat=True))
            with pytest.raises(Conflict, match="1 of them"):
                order_results(search=search, by=Actor(member=bob.member), now=NOW, ids=ids, token="o", count=2, confirmed=Decimal(2))  # fmt: skip
        assert not EnrichmentCharge.objects.exists()


def test_a_directory_is_read_from_csv_and_parquet_and_replaced_as_a_whole(
    acme: Workspace, by_alice: Actor, tmp_path: Any
) -> None:
    with workspace_scope(acme.pk):
        provider = create_provider(by=BY, now=NOW, kind="directory", name="Licensed")
        first = upload(
            provider=provider, subject="companies", name="a.csv", by=by_alice, now=NOW,
            content=b"Company Name;Website;Industry;Headcount;Land\nLumen;https://www.lumen.example/x;Machinery Manufacturing;51-200;Deutschland\nKite;kite.example;Banking;5000;FR\n;;;;\n",
        )  # fmt: skip
        assert first.columns["domain"] == "Website" and first.state == "mapping"
        assert queries.operations_of(provider) == ()
        columns = first.columns | {"employees": "Headcount", "country": "Land"}
        with pytest.raises(Invalid, match="no column"):
            read_upload(row=first, columns=columns | {"city": "Town"}, by=by_alice, now=NOW)
        read_upload(row=first, columns=columns, by=by_alice, now=NOW)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        provider.refresh_from_db()
        first.refresh_from_db()
        assert (first.state, first.rows, bytes(first.content)) == ("done", 2, b"")
        assert queries.operations_of(provider) == ("companies",) and not Company.objects.exists()
    search = search_of(acme, by_alice, provider, criteria={"industries": ["Manufacturing"], "countries": ["DE"]})
    assert run(acme, by_alice, search).fresh == 1
    # A newer file, as Parquet, with the columns known already.
    path = tmp_path / "b.parquet"
    query = (
        "COPY (SELECT 'Delta' AS \"Company Name\", 'delta.example' AS Website, 'Manufacturing' AS Industry, 90 AS Headcount,"
        f" 'DE' AS Land, ['SAP', 'Slack'] AS Technologies) TO '{path}' (FORMAT parquet)"
    )
    # Not in this process: the library tells of its own leaks when it ends.
    subprocess.run([sys.executable, "-c", f"import duckdb; duckdb.sql({query!r})"], check=True, capture_output=True)
    with workspace_scope(acme.pk):
        second = upload(
            provider=provider, subject="companies", name="b.parquet", content=path.read_bytes(), by=by_alice, now=NOW
        )
        assert second.columns == columns  # mapped once
        read_upload(row=second, columns=second.columns | {"technologies": "Technologies"}, by=by_alice, now=NOW)
        assert DirectoryCompany.objects.count() == 2  # the old one is searched until the new one is whole
    run_lane(acme.pk, now=NOW + timedelta(minutes=1))
    with workspace_scope(acme.pk):
        assert [(one.name, one.technologies) for one in DirectoryCompany.objects.all()] == [("Delta", ["sap", "slack"])]
    again = run(acme, by_alice, search, "t2")
    with workspace_scope(acme.pk):
        assert [one.values["name"] for one in queries.results(search, again)] == ["Delta"]
        with pytest.raises(Invalid, match="Parquet file cannot be read"):
            upload(provider=provider, subject="companies", name="x", content=b"PAR1" + b"\0" * 99, by=by_alice, now=NOW)


def test_people_are_found_by_persona_at_chosen_companies(acme: Workspace, by_alice: Actor) -> None:
    with workspace_scope(acme.pk):
        provider = create_provider(by=BY, now=NOW, kind="directory", name="People")
        lumen = make_company("Lumen", domain="lumen.example", employees=80)
        make_person("Ana Ferreira", lumen, email="")
        make_icp(
            primary=True, criteria=[{"key": "size", "label": "Size", "weight": 10, "rule": RULE}],
            personas=[{"name": "Buyer", "weight": 10, "rule": {"field": "person.seniority", "op": "in", "value": ["vp", "head"]}}],
        )  # fmt: skip
        first = upload(
            provider=provider, subject="people", name="p.csv", by=by_alice, now=NOW,
            content=b"First name,Last name,E-mail,Job title,Company,Company domain\nAna,Ferreira,ana@lumen.example,VP Sales,Lumen,lumen.example\nBo,Berg,bo@lumen.example,Head of Sales,Lumen,lumen.example\nCy,Cole,cy@other.example,VP Sales,Other,other.example\n",
        )  # fmt: skip
        read_upload(row=first, columns=first.columns, by=by_alice, now=NOW)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        provider.refresh_from_db()
    search = search_of(
        acme,
        by_alice,
        provider,
        subject="people",
        criteria={"seniorities": ["vp", "Head"], "domains": ["lumen.example"]},
    )
    run(acme, by_alice, search)
    with workspace_scope(acme.pk):
        lines = {one.title: one for one in queries.lines(search, list(queries.results(search)))}
        assert {name: (one.result.score, one.standing.words) for name, one in lines.items()} == {
            "Ana Ferreira": (100, "already yours"), "Bo Berg": (100, ""),
        }  # fmt: skip
        ids = [lines["Bo Berg"].result.pk]
        order_results(search=search, by=by_alice, now=NOW, ids=ids, token="o", count=1, confirmed=Decimal(0))
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        bo = Person.objects.get(email="bo@lumen.example")
        assert (bo.company_id, bo.title, bo.seniority) == (lumen.pk, "Head of Sales", "head")
        assert FieldOrigin.objects.get(person=bo, field="title").provider_name == "People"


def test_a_directory_knows_people_by_what_its_companies_say_and_tells_what_it_does_not_hold(
    acme: Workspace, by_alice: Actor, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    people = b"First name,Last name,Job title,Company,Company domain\nBo,Berg,COO,Lumen,lumen.example\nCy,Cole,COO,Kite,kite.example\nDi,Dahl,COO,None,none.example\n"
    firms = b"Company Name,Website,Country,Headcount,Technologies\nLumen,lumen.example,DE,80,SAP\nKite,kite.example,FR,80,SAP\n"
    asked = {"countries": ["DE"], "technologies": ["SAP"], "exclude_keywords": ["toys"], "employees_min": 50}
    with workspace_scope(acme.pk):
        provider = create_provider(by=BY, now=NOW, kind="directory", name="Both")
        first = upload(provider=provider, subject="people", name="p.csv", by=by_alice, now=NOW, content=people)
        read_upload(row=first, columns=first.columns, by=by_alice, now=NOW)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        provider.refresh_from_db()
    # A file of people alone does not say where their companies are: nobody, and the page says why.
    search = search_of(acme, by_alice, provider, subject="people", criteria=asked)
    assert run(acme, by_alice, search).seen == 0
    page = as_(alice).get(f"/w/acme/finding/{search.pk}/").content.decode()
    assert "No file of it has countries, technologies, employees from" in page
    assert "Countries: Germany; Technologies: SAP; Not with these keywords: toys; Employees from: 50" in page
    with workspace_scope(acme.pk):
        second = upload(provider=provider, subject="companies", name="c.csv", by=by_alice, now=NOW, content=firms)
        read_upload(row=second, columns=second.columns, by=by_alice, now=NOW)
    run_lane(acme.pk, now=NOW)
    again = run(acme, by_alice, search, "t2")
    assert again.fresh == 1
    with workspace_scope(acme.pk):
        (bo,) = queries.results(search)
        told = {name: bo.values[f"company_{name}"] for name in ("country", "employees", "technologies")}
        assert bo.values["last_name"] == "Berg" and told == {"country": "DE", "employees": 80, "technologies": ["SAP"]}
    assert "No file of it has" not in as_(alice).get(f"/w/acme/finding/{search.pk}/").content.decode()
    # What was refused beside it is not where the rest of the page is saved.
    form = f"/w/acme/finding/providers/{provider.pk}/"
    refused = as_(alice).post(f"{form}upload/", {"subject": "people"})
    assert refused.status_code == 422 and "Choose a file first." in refused.content.decode()
    assert f'action="{form}" class="stack"' in refused.content.decode()


def test_what_belongs_to_another_workspace_is_not_there(
    acme: Workspace, by_alice: Actor, charlie: Someone, api: Callable[..., Client], server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server)
    search = search_of(acme, by_alice, provider)
    outsider = api(charlie)
    for path in ("", "results/", "run/", "order/"):
        method = outsider.post if path in ("run/", "order/") else outsider.get
        assert method(f"/api/v1/finding-searches/{search.pk}/{path}").status_code == 404
    assert server.asked == []


def test_what_was_charged_stays_in_its_currency(
    acme: Workspace, by_alice: Actor, alice: Someone, as_: Callable[[Someone], Client], api: Any, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server, price={"request": "0.10"})
    answers(server, *(row(n) for n in (1, 2, 3)))
    search = search_of(acme, by_alice, provider)
    run(acme, by_alice, search, price="0.50")
    with workspace_scope(acme.pk):
        free = queries.history([search_of(acme, by_alice, provider, criteria={"name": "x"})])[0]
        assert free.costs == []
        waiting = start_run(search=search, by=by_alice, now=NOW, token="t2", confirmed=Decimal("0.50"))
        update_provider(provider=provider, changes={"currency": "CHF"}, by=by_alice, now=NOW)
    # Confirmed in euros, so it is not asked at a price in francs.
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        waiting.refresh_from_db()
        assert (waiting.state, waiting.amount, waiting.currency) == ("failed", Decimal(0), "EUR")
        assert "confirmed in EUR and is in CHF now" in waiting.error
        search.refresh_from_db()
    assert run(acme, by_alice, search, "t3", "0.50").amount == Decimal("0.20")
    with workspace_scope(acme.pk):
        FindingRun.objects.filter(number=3).update(amount=Decimal("0.30"))
        FindingRun.objects.filter(number=1).update(created_at=NOW - timedelta(days=1))
        (entry,) = queries.history([search])
        # The waiting run was begun in euros at the same moment, so only the sums are compared.
        assert {(paid.amount, paid.currency) for paid in entry.costs} == {
            (Decimal("0.30"), "CHF"),
            (Decimal("0.20"), "EUR"),
        }
    page = as_(alice).get("/w/acme/finding/").content.decode()
    assert "0.20 EUR" in page and "0.30 CHF" in page
    client = api(alice)
    told = client.get(f"/api/v1/finding-searches/{search.pk}/").json()
    assert sorted(paid["currency"] for paid in told["costs"]) == ["CHF", "EUR"]
    listed = client.get("/api/v1/finding-searches/").json()["results"]
    assert {row["id"]: len(row["costs"]) for row in listed}[str(search.pk)] == 2
