"""Exports of the filtered list: who may, what stands in the log, and that the import reads the file back without loss."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry, Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.companies import create_company
from prospects.actions.custom import create_custom_field
from prospects.actions.imports import create_import, run_due_imports, start_import
from prospects.actions.imports_undo import request_undo
from prospects.actions.people import create_person
from prospects.actions.tags import create_tag, tag_rows
from prospects.models import Company, CustomField, Import, Person, Tag, TagLink
from prospects.queries import exports
from tests.factories.accounts import Someone
from tests.prospects.imports import NOW, counts, fresh, issues

COMPANY = ("name", "domain", "website", "phone", "industry", "employees", "revenue", "revenue_currency", "technologies", "keywords",
           "pains", "funding_total", "funding_currency", "funded_on", "description", "time_zone", "source", "external_id", "custom")  # fmt: skip
PERSON = ("first_name", "last_name", "email", "phone", "linkedin_url", "title", "seniority", "department", "country", "city",
          "time_zone", "source", "lawful_basis", "external_id", "custom", "company__name", "company__domain", "owner__email")  # fmt: skip


def fill(workspace: Workspace, owner: Someone) -> None:
    """Records that are hard to keep: signs of formulas, lists with semicolons, firms that are only a name, no address."""
    with workspace_scope(workspace.pk):
        fields(workspace)
        made = {"by": SYSTEM, "now": NOW}
        big = create_company(
            **made, name="=Lumen; Ltd", domain="lumen.example", website="https://lumen.example/de?x=1", phone="+4930123456",
            industry="Software", employees=120, revenue="1234.50", revenue_currency="USD", technologies=["a;b", "C, D", "=x"],
            keywords=["plain", "words"], pains=["None"], funding_total="5000000", funding_currency="EUR", funded_on="2025-01-02",
            description='One "line"\nand, another', time_zone="Europe/Lisbon", source="@list", external_id="+1",
            custom={"tier": "C#", "score": 1.234, "ends": "2101-01-01", "fee": "12.30 CHF", "city": "-Own"},
        )  # fmt: skip
        only_named = create_company(**made, name="Fjord", source="fair", revenue="10")
        create_person(
            **made, first_name="Ana", last_name="=Silva", email="ana@lumen.example", phone="+49301234567;ext=12",
            linkedin_url="linkedin.com/in/ana", title="-Head of IT", seniority="staff", department="hr", company=big, country="DE",
            city="Porto", time_zone="Europe/Berlin", owner=owner.member, lawful_basis="+consent", external_id="007",
            custom={"note_2": "n/a"},
        )  # fmt: skip
        create_person(**made, first_name="Solo", company=only_named, phone="ask Ana")
        # An address of a firm, and no company: the address must not make one.
        loose = create_person(**made, first_name="Loose", email="loose@lumen.example", title="Head of IT")
        Person.objects.filter(pk=loose.pk).update(company=None, seniority="", department="")
        tags = [create_tag(**made, name=name) for name in ("VIP", "met; at the fair", "=x")]
        tag_rows(**made, subject="people", ids=[Person.objects.get(first_name="Ana").pk], tags=tags)
        tag_rows(**made, subject="companies", ids=[big.pk], tags=tags[:1])


def fields(workspace: Workspace) -> None:
    with workspace_scope(workspace.pk):
        for subject, label, kind, choices in (
            ("companies", "Tier", "choice", ["C", "C#"]), ("companies", "Score", "number", []),
            ("companies", "Ends", "date", []), ("companies", "Fee", "money", []), ("companies", "City", "text", []),
            ("people", "Note 2", "text", []),
        ):  # fmt: skip
            create_custom_field(by=SYSTEM, now=NOW, subject=subject, label=label, kind=kind, choices=choices)


def state(workspace: Workspace, *, keys: bool = True) -> list[Any]:
    with workspace_scope(workspace.pk):
        more = ("pk", "updated_at") if keys else ()
        return [
            *TagLink.objects.order_by("person__first_name", "tag__name").values("person__first_name", "company__name", "tag__name"),
            *Company.objects.order_by("name").values(*COMPANY, *more), *Person.objects.order_by("first_name").values(*PERSON, *more),
        ]  # fmt: skip


def bring_in(workspace: Workspace, kind: str, content: bytes, name: str) -> Import:
    with workspace_scope(workspace.pk):
        made = create_import(by=SYSTEM, now=NOW, kind=kind, file_name=name, source=content)
        start_import(run=made, by=SYSTEM, now=NOW)
    run_due_imports(workspace_id=workspace.pk, now=NOW)
    return fresh(workspace, made)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_what_goes_out_comes_back_the_same(
    acme: Workspace, globex: Workspace, alice: Someone, as_: Callable[[Someone], Client], file_format: str
) -> None:
    fill(acme, alice)
    before = state(acme)
    client = as_(alice)
    files = {kind: body(client.get(f"/w/acme/{kind}/export/", {"as": file_format})) for kind in ("companies", "people")}
    for kind, content in files.items():
        made = bring_in(acme, kind, content, f"{kind}.{file_format}")
        assert (made.state, issues(acme, made)) == ("done", []), made.error
        assert counts(made) == (0, 0, 2 if kind == "companies" else 3, 0)
    assert state(acme) == before
    # Somewhere else: the same records, with the same words in every field.
    fields(globex)
    for kind, content in files.items():
        made = bring_in(globex, kind, content, f"{kind}.{file_format}")
        assert (made.state, issues(globex, made)) == ("done", []), made.error
    assert state(globex, keys=False) == state(acme, keys=False)


def test_the_file_is_the_filtered_list_and_the_log_says_so(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client], api: Callable[..., Client], monkeypatch: Any
) -> None:
    monkeypatch.setattr(exports, "PART", 1)  # also a list of several parts keeps its order
    fill(acme, alice)
    client = as_(alice)
    page = client.get("/w/acme/people/?q=a").content.decode()
    assert "/w/acme/people/export/?as=csv&amp;q=a" in page
    rows = list(
        csv.DictReader(io.StringIO(body(client.get("/w/acme/people/export/?as=csv&q=ana")).decode("utf-8-sig")))
    )
    assert [(row["First name"], row["Last name"], row["E-mail status"]) for row in rows] == [
        ("Ana", "'=Silva", "unknown")
    ]
    with workspace_scope(acme.pk):
        entry = AuditEntry.objects.get(action="person.exported")
        assert (entry.target_label, entry.member_id) == ("1 people", alice.member.pk)
        assert entry.detail == {"rows": 1, "format": "csv", "filters": ["Contains ana"]}
    # A filter that cannot be read would leave everybody in.
    refused = client.get("/w/acme/people/export/?grade=Z")
    assert refused.status_code == 400 and "cannot be read" in refused.content.decode()
    reader = api(alice, "people.export", "companies.export")
    assert b"Lumen" in body(reader.get("/api/v1/companies/export/?q=lumen"))
    assert reader.get("/api/v1/companies/export/?as=pdf").status_code == 400
    assert body(reader.get("/api/v1/people/export/?as=xlsx"))[:2] == b"PK"
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.filter(action__endswith=".exported").count() == 3


def test_tags_of_a_file_are_added_and_never_taken_away_and_a_verdict_of_elsewhere_is_told(acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        ana = create_person(by=SYSTEM, now=NOW, first_name="Ana", email="ana@lumen.example")
        tag_rows(by=SYSTEM, now=NOW, subject="people", ids=[ana.pk], tags=[create_tag(by=SYSTEM, now=NOW, name="Old")])
    file = f"E-mail,Tags,E-mail status\nana@lumen.example,vip;old;{'x' * 41},valid\nnew@kite.example,VIP;None,invalid\n"
    made = bring_in(acme, "people", file.encode(), "people.csv")
    assert made.state == "done" and counts(made)[:2] == (1, 1), made.error
    assert "addresses are verified here" in " ".join(made.findings)
    assert len(issues(acme, made)) == 2  # two words that can be no tag
    with workspace_scope(acme.pk):
        held = TagLink.objects.order_by("person__email", "tag__name").values_list("person__email", "tag__name")
        assert list(held) == [("ana@lumen.example", "Old"), ("ana@lumen.example", "vip"), ("new@kite.example", "vip")]
        assert set(Person.objects.values_list("email_status", flat=True)) == {"unknown"}
        assert Tag.objects.count() == 2
    again = bring_in(acme, "people", file.encode(), "people.csv")
    assert counts(again)[:3] == (0, 0, 2)
    # A tag that came with the file is no reason to keep who came with it.
    with workspace_scope(acme.pk):
        request_undo(run=made, by=SYSTEM, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        assert list(Person.objects.values_list("email", flat=True)) == ["ana@lumen.example"]


def test_who_may_not_takes_nothing_and_leaves_no_trace(
    acme: Workspace, alice: Someone, bob: Someone, as_: Callable[[Someone], Client], api: Callable[..., Client]
) -> None:
    fill(acme, alice)
    assert as_(bob).get("/w/acme/people/export/").status_code == 403
    assert "people/export" not in as_(bob).get("/w/acme/people/").content.decode()
    assert api(alice, "people.view").get("/api/v1/people/export/").status_code == 403
    with workspace_scope(acme.pk):
        assert not AuditEntry.objects.filter(action__endswith=".exported").exists()


def test_a_text_longer_than_a_cell_is_not_cut(
    acme: Workspace, alice: Someone, as_: Callable[[Someone], Client]
) -> None:
    with workspace_scope(acme.pk):
        create_company(by=SYSTEM, now=NOW, name="Long", description="x" * 40_000)
        assert not CustomField.objects.exists()
    refused = as_(alice).get("/w/acme/companies/export/?as=xlsx")
    assert refused.status_code == 400 and "holds 32,767" in refused.content.decode()
    assert b"x" * 40_000 in body(as_(alice).get("/w/acme/companies/export/"))
