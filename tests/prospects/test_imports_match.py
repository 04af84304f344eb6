"""Whom a row is about, by the rule somebody chose: told per row, a conflict where keys name two, nothing new the second time."""

import csv
import io
from typing import Any

import pytest

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions import imports_run
from prospects.actions.imports import file_of, request_check, run_due_imports
from prospects.actions.imports_fates import plan_file
from prospects.models import Company, Import, Person
from prospects.rules.imports import parse_options
from prospects.rules.imports_policy import MATCH_KEYS
from tests.prospects.imports import NOW, counts, fresh, issues, run, upload
from tests.rules.shared_data import data_file

KNOWN = """id,Email,First Name,Last Name,LinkedIn,Website
1,ana@lumen.example,Ana,Silva,linkedin.com/in/ana,lumen.example
2,ben@lumen.example,Ben,Ito,linkedin.com/in/ben,lumen.example
3,,Cleo,Roth,linkedin.com/in/cleo,fjord.example
4,one@big.example,Jo,Smith,,big.example
5,two@big.example,Jo,Smith,,big.example
"""


def told(workspace: Workspace, made: Import) -> list[tuple[str, str]]:
    """(what, matched by) of each row."""
    with workspace_scope(workspace.pk):
        text = "".join(plan_file(made, file_of(made)))
    return [(row["what"], row["matched by"]) for row in csv.DictReader(io.StringIO(text))]


def everything(workspace: Workspace) -> list[Any]:
    with workspace_scope(workspace.pk):
        return [*Person.objects.order_by("pk").values(), *Company.objects.order_by("pk").values()]


def test_the_rule_decides_and_each_row_says_by_which_key(acme: Workspace) -> None:
    run(acme, "people", KNOWN)
    text = """Email,First Name,Last Name,LinkedIn,Website,City
ana@new.example,Ana,Silva,linkedin.com/in/ana,lumen.example,Porto
,BEN,ito,,lumen.example,Leeds
ben@lumen.example,Ana,Silva,,lumen.example,Oslo
,Jo,Smith,,big.example,Rome
one@big.example,Jo,Smith,,big.example,Lyon
new@big.example,Ida,Berg,,big.example,Bern
"""
    made = run(acme, "people", text, match=["linkedin_url", "domain_name"])
    assert told(acme, made) == [
        ("update", "LinkedIn page"), ("update", "company domain and name"), ("conflict", ""), ("conflict", ""),
        ("update", "company domain and name"), ("create", ""),
    ]  # fmt: skip
    assert counts(made) == (1, 3, 0, 2)
    assert [message for _, severity, message in issues(acme, made) if severity == "error"] == [
        "its company domain and name belongs to Ana Silva, its e-mail address belongs to BEN ito",
        "2 records have its company domain and name: Jo Smith, Jo Smith",
    ]
    with workspace_scope(acme.pk):
        cities = dict(Person.objects.exclude(city="").values_list("external_id", "city"))
        assert cities == {"1": "Porto", "2": "Leeds", "4": "Lyon", "": "Bern"}
        # Matched by LinkedIn page: the new address is applied, and nobody is doubled.
        assert Person.objects.get(external_id="1").email == "ana@new.example"
    # The standard rule would have made a second Ana.
    with workspace_scope(acme.pk):
        assert Person.objects.filter(first_name="Ana").count() == 1


def test_an_address_of_somebody_the_rule_says_is_another_is_a_conflict(acme: Workspace) -> None:
    run(acme, "people", KNOWN)
    before = everything(acme)
    text = "Email,First Name,LinkedIn\nana@lumen.example,Eve,linkedin.com/in/eve\n"
    made = run(acme, "people", text, match=["linkedin_url"])
    assert told(acme, made) == [("conflict", "")]
    assert "its e-mail address belongs to Ana Silva, whose LinkedIn page is another" in issues(acme, made)[0][2]
    assert everything(acme) == before
    # Without anything against it, the address is enough: a second record with it could not be made.
    made = run(acme, "people", "Email,First Name,City\nana@lumen.example,Ana,Porto\n", match=["linkedin_url"])
    assert told(acme, made) == [("update", "e-mail address")]


def test_two_rows_of_one_file_that_only_a_name_joins_are_not_merged(acme: Workspace, monkeypatch: Any) -> None:
    """Also where the second row stands in a later batch, and in a run that goes on after a stop."""
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 2))
    text = "Email,First Name,Last Name,Website\n" + "".join(
        f"{address}@big.example,{name},big.example\n"
        for address, name in (("a", "Jo,Smith"), ("b", "Ann,Lee"), ("c", "Jo,Smith"), ("d", "Eva,Noe"))
    )
    made = run(acme, "people", text, match=["domain_name"])
    assert told(acme, made) == [("create", ""), ("create", ""), ("conflict", ""), ("create", "")]
    assert "row 2 of this file says the same company domain and name" in issues(acme, made)[0][2]
    before = everything(acme)
    again = run(acme, "people", text, match=["domain_name"])
    assert counts(again) == (0, 0, 3, 1) and everything(acme) == before
    # With the address first they are two.
    assert counts(run(acme, "people", text, match=["email", "domain_name"])) == (1, 0, 3, 0)


@pytest.mark.parametrize("kind", ["people", "companies"])
def test_an_unchanged_list_makes_and_changes_nothing_under_any_rule(acme: Workspace, kind: str) -> None:
    companies = (
        "Symbol,Name,Domain,LinkedIn\nA,Lumen,lumen.example,linkedin.com/company/lumen\nB,Fjord,,\n,Mer,mer.example,\n"
    )
    people = KNOWN + ",,Solo,Name,,\n,x@free.example,No,Page,,\n,,Page,Only,linkedin.com/in/only,\n"
    text = people if kind == "people" else companies
    run(acme, kind, text)
    before = everything(acme)
    rows = text.count("\n") - 1
    keys = list(MATCH_KEYS[kind])
    for chosen in (*([key] for key in keys), keys, keys[::-1]):
        made = run(acme, kind, text, match=chosen)
        assert counts(made) == (0, 0, rows, 0), (chosen, issues(acme, made))
    assert everything(acme) == before


def test_a_real_list_makes_and_changes_nothing_the_second_time(acme: Workspace) -> None:
    """503 listed companies, several of which share a name; made and found again under a rule that was not theirs."""
    text = data_file("companies/sp500_constituents.csv").read_text("utf-8")
    assert counts(run(acme, "companies", text)) == (503, 0, 0, 0)
    for keys in (["linkedin_url"], ["domain", "external_id"]):
        assert counts(run(acme, "companies", text, match=keys)) == (0, 0, 503, 0)


def test_dry_run_and_run_agree_row_by_row_under_a_rule(acme: Workspace) -> None:
    run(acme, "people", KNOWN)
    text = """id,Email,First Name,Last Name,LinkedIn,Website
1,ben@lumen.example,Who,Ever,,
,,Ana,Silva,,lumen.example
9,nine@lumen.example,Nia,Nova,linkedin.com/in/nia,lumen.example
,nia@lumen.example,Nia,Nova,linkedin.com/in/nia,lumen.example
,not an address,X,Y,,
"""
    made = upload(acme, "people", text, match=["domain_name", "linkedin_url"])
    with workspace_scope(acme.pk):
        request_check(run=made, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    planned, plan = told(acme, made := fresh(acme, made)), made.plan
    from prospects.actions.imports import start_import

    with workspace_scope(acme.pk):
        start_import(run=made, by=SYSTEM, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    done = fresh(acme, made)
    assert told(acme, done) == planned
    assert planned == [
        ("conflict", ""), ("unchanged", "company domain and name"), ("create", ""), ("conflict", ""), ("invalid", ""),
    ]  # fmt: skip
    assert counts(done) == (plan["created"], plan["updated"], plan["unchanged"], plan["invalid"])
    assert (
        (done.settings["conflicts"], done.settings["suppressed"]) == (plan["conflicts"], plan["suppressed"]) == (2, 0)
    )


def test_companies_by_linkedin_page(acme: Workspace) -> None:
    run(acme, "companies", "Name,Domain,LinkedIn\nLumen,lumen.example,linkedin.com/company/lumen\n")
    made = run(
        acme, "companies", "Name,LinkedIn,City\nLumen AG,linkedin.com/company/lumen,Bern\n", match=["linkedin_url"]
    )
    assert told(acme, made) == [("update", "LinkedIn page")]
    with workspace_scope(acme.pk):
        assert Company.objects.get().name == "Lumen AG"


def test_what_is_no_key_or_policy_is_said() -> None:
    for said, field in (
        ({"match": ["shoe_size"]}, "match"), ({"policies": ["fancy"]}, "policy"), ({"as_of": "soon"}, "as_of"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            parse_options("people", **said)  # type: ignore[arg-type]  # one of its keywords
        assert refused.value.field == field
    with pytest.raises(Invalid):
        parse_options("spend", match=["email"])
