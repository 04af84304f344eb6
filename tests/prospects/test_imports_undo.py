"""Undo of an import: what it made goes, what it overwrote comes back, what people changed or used since stays and says why."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import AuditEntry, Workspace
from leadgen.core.errors import Conflict
from leadgen.core.tenancy import workspace_scope
from prospects.actions import imports_run, imports_undo
from prospects.actions.imports import run_due_imports
from prospects.actions.imports_undo import count_undo, request_undo, undo_plan
from prospects.actions.imports_undo_judge import TAKEN
from prospects.actions.notes import add_note
from prospects.actions.people import update_person
from prospects.actions.tags import create_tag, set_tags
from prospects.actions.territories import create_territory
from prospects.actions.territories_run import look
from prospects.models import Company, Import, ImportBatch, Person, TagLink, TerritoryLook
from tests.factories.accounts import make_member
from tests.factories.prospects import make_task
from tests.prospects.imports import NOW, counts, fresh, run, text_of


class Killed(Exception):
    """Stands for a worker that is gone."""


LATER = NOW + timedelta(hours=3)
FIRST = "Email,First Name,Last Name,Title,Company,Phone\n" + "".join(
    f"p{i}@firm{i % 4}.example,Ana,Test{i},Clerk,Firm {i % 4},+49 30 100000{i}\n" for i in range(10)
)
# Two of them again with another title, three new ones of which two are of a new firm.
SECOND = (
    "Email,First Name,Last Name,Title,Company,Phone\n"
    "p0@firm0.example,Ana,Test0,VP Sales,Firm 0,+49 30 2000000\n"
    "p1@firm1.example,Ana,Test1,VP Sales,Firm 1,+49 30 2000001\n"
    "new1@fresh.example,Bea,New,Clerk,Fresh,\n"
    "new2@fresh.example,Cleo,New,Clerk,Fresh,\n"
    "new3@firm1.example,Dora,New,Clerk,Firm 1,\n"
)


def state() -> list[tuple[Any, ...]]:
    """Everything an import writes, without the keys."""
    people = Person.objects.order_by("email").values_list(
        "email", "first_name", "title", "seniority", "department", "phone", "company__domain", "updated_at"
    )
    return [*people, *Company.objects.order_by("domain").values_list("domain", "name", "updated_at")]


def undo(workspace: Workspace, made: Import) -> Import:
    with workspace_scope(workspace.pk):
        request_undo(run=made, by=SYSTEM, now=LATER)
    run_due_imports(workspace_id=workspace.pk, now=LATER)
    return fresh(workspace, made)


def test_undone_is_as_if_it_had_never_been(acme: Workspace) -> None:
    run(acme, "people", FIRST)
    with workspace_scope(acme.pk):
        before = state()
    second = run(acme, "people", SECOND, now=NOW + timedelta(hours=1))
    assert counts(second) == (3, 2, 0, 0)
    with workspace_scope(acme.pk):
        assert state() != before
        plan = undo_plan(second).as_json()
    assert (plan["deleted"], plan["restored"], plan["kept"]) == ({"person": 3, "company": 1}, {"person": 2}, {})
    undone = undo(acme, second)
    assert undone.state == "undone"
    assert {key: undone.undo[key] for key in plan} == plan  # exactly as counted before
    with workspace_scope(acme.pk):
        assert state() == before
        assert not ImportBatch.objects.filter(import_run=second.pk).exists()
        assert AuditEntry.objects.filter(action="import.undone").count() == 1
        with pytest.raises(Conflict, match="undone already"):
            request_undo(run=undone, by=SYSTEM, now=LATER)
    # And the file can be imported again.
    assert counts(run(acme, "people", SECOND, now=LATER)) == (3, 2, 0, 0)


def test_what_people_changed_or_used_since_stays_and_says_why(acme: Workspace) -> None:
    run(acme, "people", FIRST)
    second = run(acme, "people", SECOND, now=NOW + timedelta(hours=1))
    with workspace_scope(acme.pk):
        update_person(
            person=Person.objects.get(email="p0@firm0.example"), by=SYSTEM, now=LATER, changes={"title": "CFO"}
        )
        update_person(
            person=Person.objects.get(email="new1@fresh.example"), by=SYSTEM, now=LATER, changes={"city": "Bonn"}
        )
        person = Person.objects.get(email="new3@firm1.example")
        make_task(person=person)
        plan = undo_plan(second).as_json()
    assert plan["deleted"] == {"person": 1, "company": 0}
    assert plan["kept"] == {"was changed since": 1, "has a task": 1, "has people who stay": 1}
    assert (plan["restored"], plan["partly"]) == ({"person": 2}, 1)
    undone = undo(acme, second)
    assert {key: undone.undo[key] for key in plan} == plan
    with workspace_scope(acme.pk):
        assert set(Person.objects.filter(email__startswith="new").values_list("email", flat=True)) == {
            "new1@fresh.example", "new3@firm1.example",
        }  # fmt: skip
        first = Person.objects.get(email="p0@firm0.example")
        assert (first.title, first.phone) == ("CFO", "+49301000000")  # the edit stays, the phone comes back
        assert Company.objects.filter(domain="fresh.example").exists()


def test_what_the_product_did_with_its_records_by_itself_is_no_reason_to_keep_them(
    acme: Workspace, by_alice: Actor
) -> None:
    """An owner by territory, a verified address, its own notes, tags, lawful bases; a tag on somebody who was there goes too."""
    run(acme, "people", FIRST)
    with workspace_scope(acme.pk):
        before = state()
        anna = make_member(acme, "ae", "anna@acme.example").member
        germans = {"field": "person.country", "op": "is", "value": "DE"}
        create_territory(by=by_alice, now=NOW, name="DACH", rule=germans, members=[anna.pk])
        TerritoryLook.objects.update(at=NOW)
        ours = create_tag(by=by_alice, now=NOW, name="ours")
        set_tags(by=by_alice, now=NOW, row=Person.objects.get(email="p2@firm2.example"), tags=[ours])
    columns = "Email,First Name,Country,Tags,Lawful basis,Note\n"
    made = run(
        acme, "people", columns
        + "new1@fresh.example,Bea,Germany,fair; key,legitimate interest,met at the fair\n"
        + "p0@firm0.example,Ana,,fair,,\n" + "p2@firm2.example,Ana,,fair; ours,,\n",
        now=NOW + timedelta(hours=1),
    )  # fmt: skip
    look(acme.pk, now=NOW + timedelta(hours=1, minutes=1))
    with workspace_scope(acme.pk):
        new = Person.objects.get(email="new1@fresh.example")
        assert new.owner == anna and new.updated_at == NOW + timedelta(hours=1, minutes=1)
        Person.objects.filter(pk=new.pk).update(email_status="valid", email_status_at=LATER)
        plan = undo_plan(made).as_json()
        assert (plan["deleted"], plan["kept"], plan["untagged"]) == ({"person": 1, "company": 1}, {}, 2)
    undone = undo(acme, made)
    assert {key: undone.undo[key] for key in plan} == plan
    with workspace_scope(acme.pk):
        assert state() == before
        assert list(TagLink.objects.values_list("tag__name", "person__email")) == [("ours", "p2@firm2.example")]
        # What somebody did with them is one, also where the territory's owner came after it.
        kept = run(acme, "people", columns + "new2@fresh.example,Cleo,Germany,,,\n", now=NOW + timedelta(hours=2))
        person = Person.objects.get(email="new2@fresh.example")
        update_person(person=person, by=by_alice, now=NOW + timedelta(hours=2, minutes=1), changes={"city": "Bonn"})
    look(acme.pk, now=NOW + timedelta(hours=2, minutes=2))
    with workspace_scope(acme.pk):
        assert undo_plan(kept).deleted["person"] == 0


def test_killed_in_the_middle_it_goes_on_and_counts_each_record_once(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 10))
    made = run(acme, "people", text_of([{"Email": f"p{i}@c{i}.example", "First Name": f"N{i}"} for i in range(35)]))
    with workspace_scope(acme.pk):
        assert ImportBatch.objects.count() == 8  # four batches, people and companies
        request_undo(run=made, by=SYSTEM, now=LATER)
    act, seen = imports_undo._undo_batch, []

    def dying(*args: Any) -> None:
        act(*args)
        seen.append(1)
        if len(seen) in (3, 6):
            raise Killed

    monkeypatch.setattr(imports_undo, "_undo_batch", dying)
    for left in (6, 4):
        with pytest.raises(Killed):
            run_due_imports(workspace_id=acme.pk, now=LATER)
        with workspace_scope(acme.pk):
            assert ImportBatch.objects.count() == left
            Import.objects.filter(pk=made.pk).update(lease_until=Now() - timedelta(seconds=1))
    run_due_imports(workspace_id=acme.pk, now=LATER)
    done = fresh(acme, made)
    assert (done.state, done.undo["deleted"]) == ("undone", {"person": 35, "company": 35})
    with workspace_scope(acme.pk):
        assert not Person.objects.exists() and not Company.objects.exists()


def test_a_row_met_twice_in_one_file_goes_with_it(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports_run.Engine.batches, "__defaults__", (0, 2))
    rows = [{"Email": f"p{i % 3}@c.example", "Title": f"T{i}"} for i in range(7)]
    made = run(acme, "people", text_of(rows))
    assert (made.created_count, made.updated_count) == (3, 4)
    undone = undo(acme, made)
    assert undone.undo["kept"] == {} and undone.undo["deleted"] == {"person": 3, "company": 1}
    with workspace_scope(acme.pk):
        assert not Person.objects.exists()


def test_a_former_address_that_somebody_has_now_is_not_taken_back(acme: Workspace) -> None:
    run(acme, "people", "id,Email,First Name\nA,old@c.example,Ana\nB,other@c.example,Bea\n")
    second = run(acme, "people", "id,Email\nA,new@c.example\nB,other2@c.example\n", now=NOW + timedelta(hours=1))
    run(acme, "people", "id,Email,First Name\nC,old@c.example,Cleo\n", now=NOW + timedelta(hours=2))
    undone = undo(acme, second)
    assert undone.undo["restored"] == {"person": 1}
    assert list(undone.undo["kept"]) == [TAKEN]
    with workspace_scope(acme.pk):
        found = dict(Person.objects.values_list("external_id", "email"))
    assert found == {"A": "new@c.example", "B": "other@c.example", "C": "old@c.example"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "running"}, "once it has ended"),
        ({"started_at": NOW - timedelta(days=31)}, "older than 30 days"),
        ({"kind": "spend"}, "Only imports of people"),
    ],
)
def test_what_cannot_be_undone_is_refused_and_nothing_changes(acme: Workspace, change: Any, words: str) -> None:
    made = run(acme, "people", FIRST)
    with workspace_scope(acme.pk):
        Import.objects.filter(pk=made.pk).update(**change)
        with pytest.raises(Conflict, match=words):
            request_undo(run=made, by=SYSTEM, now=NOW)
        with pytest.raises(Conflict, match=words):
            count_undo(run=made, now=NOW)
        assert Person.objects.count() == 10 and ImportBatch.objects.count() == 2


def test_a_large_import_is_counted_by_a_worker(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports_undo, "AT_ONCE", 5)
    made = run(acme, "people", FIRST)
    with workspace_scope(acme.pk):
        assert count_undo(run=made, now=LATER).state == "undoing"
    run_due_imports(workspace_id=acme.pk, now=LATER)
    counted = fresh(acme, made)
    assert (counted.state, counted.undo["plan"]["deleted"]) == ("done", {"person": 10, "company": 4})
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 10


def test_a_note_of_the_import_is_no_reason_to_keep_one_of_a_colleague_is(acme: Workspace, alice: Any) -> None:
    text = "Email,First Name,Note\na@c.example,Ana,Met at a fair\nb@c.example,Bea,Met too\n"
    made = run(acme, "people", text)
    with workspace_scope(acme.pk):
        add_note(person=Person.objects.get(email="b@c.example"), text="Called her", by=SYSTEM, now=LATER)
    undone = undo(acme, made)
    assert undone.undo["kept"] == {"has something on its timeline": 1, "has people who stay": 1}
    assert undone.undo["deleted"]["person"] == 1
