"""What happens where something is there already: overwritten, only filled, or the newer of the two."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.merges import merge_rows
from prospects.actions.people import update_person
from prospects.models import Company, Person
from prospects.queries.duplicates import PEOPLE
from tests.prospects.imports import NOW, counts, issues, run

KNOWN = "Email,First Name,Job Title,City,Phone\nana@lumen.example,Ana,Clerk,Porto,\n"


def edit(workspace: Workspace, *, days: int, **changes: Any) -> None:
    with workspace_scope(workspace.pk):
        update_person(
            by=Actor(source="web"), now=NOW + timedelta(days=days), person=Person.objects.get(), changes=changes
        )


def ana(workspace: Workspace) -> Person:
    with workspace_scope(workspace.pk):
        return Person.objects.get()


def later(days: int) -> datetime:
    return NOW + timedelta(days=days)


def test_fill_empty_never_touches_what_is_there_nor_what_somebody_took_out(acme: Workspace) -> None:
    run(acme, "people", KNOWN)
    edit(acme, days=1, city="", title="Head of IT")
    text = "Email,Job Title,City,Phone,Website\nana@lumen.example,Buyer,Oslo,+49 30 1234567,other.example\n"
    made = run(acme, "people", text, policies=["fill"], now=later(2))
    found = ana(acme)
    assert (found.title, found.city, found.phone) == ("Head of IT", "", "+49301234567")
    with workspace_scope(acme.pk):
        assert found.company is not None and found.company.domain == "lumen.example"
        assert not Company.objects.filter(domain="other.example").exists()  # no firm is made for a person who stays
    assert counts(made) == (0, 1, 0, 0)
    assert [m for _, _, m in issues(acme, made)] == ["city: left empty, as somebody took it out by hand on 05 Mar 2026"]
    assert any("something is there already" in line for line in made.findings)
    # One field overwritten all the same.
    run(acme, "people", text, policies=["fill", "city=overwrite"], now=later(3))
    assert (ana(acme).city, ana(acme).title) == ("Oslo", "Head of IT")


def test_the_newest_is_kept_by_a_column_of_dates(acme: Workspace) -> None:
    run(acme, "people", KNOWN)
    edit(acme, days=10, title="Head of IT")

    def row(day: int, title: str, city: str) -> str:
        return f"Email,Job Title,City,Last modified\nana@lumen.example,{title},{city},{later(day):%Y-%m-%d}\n"

    # Older than the edit of the title, newer than anything else that is known.
    made = run(acme, "people", row(5, "Buyer", "Oslo"), policies=["newest"], now=later(20))
    assert (ana(acme).title, ana(acme).city) == ("Head of IT", "Oslo")
    assert any("what is here is newer" in line for line in made.findings)
    # The city is of day 5, although it was written on day 20: a list of day 8 is newer, one of day 3 is not.
    run(acme, "people", row(8, "Buyer", "Bern"), policies=["newest"], now=later(21))
    run(acme, "people", row(3, "Buyer", "Rome"), policies=["newest"], now=later(22))
    assert (ana(acme).title, ana(acme).city) == ("Head of IT", "Bern")
    run(acme, "people", row(12, "CIO", ""), policies=["newest"], now=later(23))
    assert (ana(acme).title, ana(acme).city) == ("CIO", "Bern")


def test_what_a_merge_took_over_is_as_old_as_the_merge_and_the_rest_no_older_than_it_was(
    acme: Workspace, by_alice: Actor
) -> None:
    run(acme, "people", "Email,Job Title,City\nold@lumen.example,Head of IT,Faro\n", now=later(0))
    run(acme, "people", KNOWN, now=later(10))
    with workspace_scope(acme.pk):
        kept, gone = Person.objects.get(email="ana@lumen.example"), Person.objects.get(email="old@lumen.example")
        merge_rows(
            subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=later(20),
            chosen={"title": "gone", "city": "kept", "email": "kept"},
        )  # fmt: skip
        assert Person.objects.get().created_at == later(0)

    def row(day: int) -> str:
        return f"Email,Job Title,City,Last modified\nana@lumen.example,Buyer,Oslo,{later(day):%Y-%m-%d}\n"

    run(acme, "people", row(5), policies=["newest"], now=later(30))
    assert (ana(acme).title, ana(acme).city) == ("Head of IT", "Porto")
    run(acme, "people", row(15), policies=["newest"], now=later(31))
    assert (ana(acme).title, ana(acme).city) == ("Head of IT", "Oslo")
    run(acme, "people", row(25), policies=["newest"], now=later(32))
    assert (ana(acme).title, ana(acme).city) == ("Buyer", "Oslo")


def test_the_newest_is_kept_by_the_day_of_the_list_and_what_is_not_known_stays(acme: Workspace) -> None:
    run(acme, "people", KNOWN, now=later(0))
    text = "Email,City\nana@lumen.example,Oslo\n"
    run(acme, "people", text, policies=["newest"], as_of="2026-02-01", now=later(1))
    assert ana(acme).city == "Porto"
    with workspace_scope(acme.pk):
        # Something wrote it that keeps no record of its fields.
        Person.objects.update(updated_at=later(9))
    made = run(acme, "people", text, policies=["newest"], as_of=f"{later(5):%Y-%m-%d}", now=later(10))
    assert ana(acme).city == "Porto"
    assert "it is not known how" in issues(acme, made)[0][2]
    run(acme, "people", text, policies=["newest"], as_of=f"{later(11):%Y-%m-%d}", now=later(12))
    assert ana(acme).city == "Oslo"
    with pytest.raises(Invalid, match="how old the rows are"):
        run(acme, "people", text, policies=["newest"])


def test_where_we_have_somebody_from_is_not_rewritten_by_itself(acme: Workspace) -> None:
    run(acme, "people", "Email,Source\nana@lumen.example,Fair 2025\n")
    assert counts(run(acme, "people", "Email,Source\nana@lumen.example,List X\n")) == (0, 0, 1, 0)
    assert ana(acme).source == "Fair 2025"
    run(acme, "people", "Email,Source\nana@lumen.example,List X\n", policies=["source=overwrite"])
    assert ana(acme).source == "List X"


def test_amount_and_currency_go_together(acme: Workspace) -> None:
    run(acme, "companies", "Name,Domain,Revenue,Currency\nLumen,lumen.example,100,EUR\n")
    run(acme, "companies", "Name,Domain,Revenue,Currency\nLumen,lumen.example,900,USD\n", policies=["fill"])
    with workspace_scope(acme.pk):
        found = Company.objects.get()
    assert (str(found.revenue), found.revenue_currency) == ("100.00", "EUR")


def test_an_import_stamps_what_it_changed_and_nothing_else(acme: Workspace) -> None:
    run(acme, "people", KNOWN)
    assert ana(acme).fields_at is None
    run(acme, "people", KNOWN.replace("Porto", "Oslo"), now=later(1))
    at = int(later(1).astimezone(UTC).timestamp())
    assert ana(acme).fields_at == {"": at, "city": at}
