"""Rows that were imported before and say nothing new are passed over, and never where it would make a difference."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions import imports_run
from prospects.actions.imports import check_import, request_check
from prospects.actions.imports_companies import CompaniesImport
from prospects.actions.imports_memo import KEPT
from prospects.actions.imports_people import PeopleImport
from prospects.actions.suppressions import suppress
from prospects.models import Company, ImportFates, ImportMemo, Person
from tests.prospects.imports import NOW, counts, fresh, issues, run, text_of, upload

pytestmark = pytest.mark.django_db


def person(n: int, **more: Any) -> dict[str, Any]:
    row = {
        "Email": f"p{n}@firm{n % 5}.example", "First Name": "Ana", "Last Name": f"Silva{n}", "Title": "VP Sales", "City": "Porto",
        "Company": f"Firm {n % 5}", "Industry": "Software",
    }  # fmt: skip
    return row | more


PEOPLE = [person(n) for n in range(30)]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lines of the rows that took the long way."""
    lines: list[int] = []
    for handler in (PeopleImport, CompaniesImport):
        apply: Callable[..., Any] = handler.apply

        def noted(self: Any, row: Any, key: str, apply: Callable[..., Any] = apply) -> Any:
            lines.append(row.line)
            return apply(self, row, key)

        monkeypatch.setattr(handler, "apply", noted)
    return lines


def test_a_list_sent_again_is_passed_over_and_only_what_changed_is_compared(
    acme: Workspace, compared: list[int]
) -> None:
    assert counts(run(acme, "people", text_of(PEOPLE))) == (30, 0, 0, 0)
    compared.clear()
    assert counts(run(acme, "people", text_of(PEOPLE))) == (0, 0, 30, 0)
    assert compared == []
    changed = [*PEOPLE[:9], person(9, Title="CEO"), *PEOPLE[10:], person(40)]
    again = run(acme, "people", text_of(changed))
    assert counts(again) == (1, 1, 29, 0) and compared == [11, 32]
    with workspace_scope(acme.pk):
        assert Person.objects.get(email="p9@firm4.example").title == "CEO"
        # What each row's fate and key are does not depend on how it was found.
        assert list(ImportFates.objects.filter(import_run=again.pk).values_list("fates", "keys")) == [
            ("s" * 9 + "u" + "s" * 20 + "c", "e" * 30 + ".")
        ]


def test_what_people_changed_here_is_compared_and_what_workers_note_is_not(
    acme: Workspace, compared: list[int]
) -> None:
    run(acme, "people", text_of(PEOPLE))
    with workspace_scope(acme.pk):
        # Verified, read, given an owner, written to: nothing a file of these columns says.
        Person.objects.update(email_status="valid", stale_signal="", last_touch_at=NOW, updated_at=NOW, seniority="vp")
        Person.objects.filter(email="p3@firm3.example").update(title="Board member")
        Person.objects.filter(email="p4@firm4.example").delete()
        Company.objects.filter(domain="firm2.example").update(industry="")
    compared.clear()
    assert counts(run(acme, "people", text_of(PEOPLE))) == (1, 2, 27, 0)  # the first of its people fills the company
    of_firm_two = [n + 2 for n in range(30) if n % 5 == 2]
    assert sorted(compared) == sorted([5, 6, *of_firm_two])
    with workspace_scope(acme.pk):
        assert Person.objects.get(email="p3@firm3.example").title == "VP Sales"
        assert Company.objects.get(domain="firm2.example").industry == "Software"


def test_two_rows_of_one_person_keep_their_order(acme: Workspace) -> None:
    run(acme, "people", text_of(PEOPLE))
    # The first is new, the second is known: without the memo the second has the last word.
    twice = [*PEOPLE[:5], person(7, Title="CFO"), *PEOPLE[5:]]
    assert counts(run(acme, "people", text_of(twice))) == (0, 0, 31, 0)
    with workspace_scope(acme.pk):
        assert Person.objects.get(email="p7@firm2.example").title == "VP Sales"
    back = [*PEOPLE, person(7, Title="CFO")]
    assert counts(run(acme, "people", text_of(back)))[:2] == (0, 1)
    with workspace_scope(acme.pk):
        assert Person.objects.get(email="p7@firm2.example").title == "CFO"


def test_the_dry_run_counts_what_the_run_does(acme: Workspace) -> None:
    run(acme, "people", text_of(PEOPLE))
    rows = [person(7, Title="CFO"), *PEOPLE[:7], person(8, Title="CTO"), *PEOPLE[9:], PEOPLE[7]]
    made = upload(acme, "people", text_of(rows))
    with workspace_scope(acme.pk):
        request_check(run=made, now=NOW)
    check_import(workspace_id=acme.pk, run_id=made.pk, now=NOW)
    plan = fresh(acme, made).plan
    done = run(acme, "people", text_of(rows))
    assert counts(done) == (plan["created"], plan["updated"], plan["unchanged"], plan["invalid"])


def test_remarks_are_told_each_time_and_a_new_suppression_at_once(acme: Workspace) -> None:
    odd = [person(1), person(2, Company="Nameless", Email="tom@gmail.com"), person(3)]
    first = run(acme, "people", text_of(odd))
    told = issues(acme, first)
    assert [line for line, _, _ in told] == [3]
    assert issues(acme, run(acme, "people", text_of(odd))) == told
    with workspace_scope(acme.pk):
        suppress(by=Actor(source="command"), now=NOW, kind="email", value="p3@firm3.example", reason="manual")
    again = run(acme, "people", text_of(odd))
    assert counts(again) == (0, 0, 3, 0) and again.settings["suppressed"] == 1
    assert [(line, words[:10]) for line, _, words in issues(acme, again)] == [(3, told[0][2][:10]), (4, "Suppressed")]
    with workspace_scope(acme.pk):
        assert ImportFates.objects.get(import_run=again.pk).fates == "ssS"


@pytest.mark.parametrize(
    "options",
    [
        {"sets": ["city=Lisbon"], "maps": ["city="]}, {"values": ["title:VP Sales=CEO"]}, {"maps": ["region=City"]},
        {"policies": ["fill"]}, {"match": ["linkedin_url", "email"]},
    ],
)  # fmt: skip
def test_read_in_another_way_they_are_other_rows(acme: Workspace, compared: list[int], options: dict[str, Any]) -> None:
    run(acme, "people", text_of(PEOPLE))
    compared.clear()
    run(acme, "people", text_of(PEOPLE), **options)
    assert len(compared) == 30


def test_companies_too_and_in_another_workspace_nothing_is_known(
    acme: Workspace, globex: Workspace, compared: list[int]
) -> None:
    rows = [
        {"Name": f"Firm {n}", "Domain": f"firm{n}.example", "Employees": "51-200", "Revenue": f"{n}.5M EUR", "Tags": ""}
        for n in range(12)
    ]
    firms = text_of([{name: value for name, value in row.items() if name != "Tags"} for row in rows])
    assert counts(run(acme, "companies", firms)) == (12, 0, 0, 0)
    compared.clear()
    assert counts(run(acme, "companies", firms)) == (0, 0, 12, 0) and compared == []
    assert counts(run(globex, "companies", firms)) == (12, 0, 0, 0)
    with workspace_scope(acme.pk):
        Company.objects.filter(domain="firm3.example").update(employees=7)
    assert counts(run(acme, "companies", firms)) == (0, 1, 11, 0)
    # What leaves something beside the record, here a tag, is not taken as known.
    with workspace_scope(acme.pk):
        before = ImportMemo.objects.count()
    run(acme, "companies", text_of([row | {"Tags": "key"} for row in rows]))
    with workspace_scope(acme.pk):
        assert ImportMemo.objects.count() == before
        ImportMemo.objects.update(at=NOW - KEPT - timedelta(days=1))
    run(acme, "people", text_of([{"Email": "one@firm1.example", "Owner": "Ana"}]))
    with workspace_scope(acme.pk):
        assert not ImportMemo.objects.exists()  # nobody sent them again for long


COLUMNS = ("email", "first_name", "title", "city", "company__domain", "company__industry", "email_status")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happened_between_it_ends_as_if_nothing_were_known(
    acme: Workspace, globex: Workspace, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The same imports and edits in two workspaces, one of which forgets."""
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 7))
    draw = random.Random(seed)
    rows = [person(n) for n in range(20)]
    for step in range(4):
        found = []
        for workspace in (acme, globex):
            with workspace_scope(workspace.pk):
                if workspace == globex:
                    ImportMemo.objects.all().delete()
            made = run(workspace, "people", text_of(rows), now=NOW + timedelta(days=step))
            with workspace_scope(workspace.pk):
                fates = list(
                    ImportFates.objects.filter(import_run=made.pk).order_by("position").values_list("fates", "keys")
                )
                people = sorted(Person.objects.values_list(*COLUMNS))
            found.append((counts(made), fates, issues(workspace, made), people))
        assert found[0] == found[1], step
        # Somebody edits here, and the next list is partly another.
        edits = [(draw.choice(["title", "gone", "status", "industry", "email"]), draw.randrange(20)) for _ in range(5)]
        for workspace in (acme, globex):
            with workspace_scope(workspace.pk):
                for what, n in edits:
                    _edit(what, n, step)
        rows = [row | {"Title": "CEO"} if draw.random() < 0.1 else row for row in rows]
        rows += [draw.choice(rows) | {"City": draw.choice(["Porto", "Faro"])} for _ in range(draw.randrange(3))]
        rows += [person(20 + step), person(21, Email="")]
        if draw.random() < 0.5:
            draw.shuffle(rows)


def _edit(what: str, n: int, step: int) -> None:
    people = Person.objects.filter(email=f"p{n}@firm{n % 5}.example")
    if what == "title":
        people.update(title="Head of Sales")
    elif what == "gone":
        people.delete()
    elif what == "status":
        people.update(email_status="valid")
    elif what == "industry":
        Company.objects.filter(domain=f"firm{n % 5}.example").update(industry="")
    else:
        people.update(email=f"other{n}-{step}@firm{n % 5}.example")
