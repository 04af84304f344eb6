"""Merging: what stays, what moves, what may be there once, and the way back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.actions.audit import Actor
from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import workspace_scope
from prospects.actions.companies import create_company
from prospects.actions.duplicates import compare, forget_pre_images, write_keys
from prospects.actions.leads import open_lead
from prospects.actions.merges import merge_rows
from prospects.actions.merges_undo import undo_merge
from prospects.actions.people import create_person, update_person
from prospects.actions.suppressions import suppress
from prospects.models import (
    Activity,
    Company,
    Consent,
    Deal,
    Lead,
    Merge,
    MergeMove,
    Person,
    PersonPair,
    Segment,
    SegmentMember,
    Suppression,
    Task,
)
from prospects.models.choices import OPEN_STAGES
from prospects.queries.duplicates import COMPANIES, PEOPLE
from prospects.queries.merges import choices, keep_first, merged_into
from prospects.queries.suppressions import is_suppressed
from tests.factories.prospects import make_activity, make_company, make_deal, make_lead, make_person, make_task


def two(**fields: Any) -> tuple[Person, Person]:
    kept = make_person("Robert Silva", email="robert.silva@lumen.example", **fields)
    return kept, make_person("Bob Silva", email="bob@lumen.example", title="VP of Sales", phone="+351215550142")


def image(*models: Any) -> dict[str, list[dict[str, Any]]]:
    """Every row of these tables as JSON: what an undo must bring back."""
    found = {}
    for model in models:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT to_jsonb(t) - 'updated_at' FROM {model._meta.db_table} t ORDER BY id")
            found[model.__name__] = [row[0] for row in cursor.fetchall()]
    return found


def test_everything_moves_and_comes_back(in_acme: Any, by_alice: Any, now: Any) -> None:
    company = make_company("Lumen", domain="lumen.example")
    kept, gone = two(company=company)
    lead = make_lead(gone)
    deal, task, fact = make_deal(person=gone, lead=lead), make_task(person=gone, lead=lead), make_activity(gone)
    Consent.objects.create(person=gone, text="Yes", version="1", given=True, at=now, source="form")
    tables = (Person, Lead, Deal, Task, Consent)
    before = image(*tables)
    merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    kept.refresh_from_db()
    assert not Person.objects.filter(pk=gone.pk).exists()
    assert (kept.email, kept.title, kept.phone, kept.full_name) == (
        "robert.silva@lumen.example", "VP of Sales", "+351215550142", "Robert Silva",
    )  # fmt: skip
    for row in (lead, deal, task, fact):
        row.refresh_from_db()
        assert row.person_id == kept.pk
    assert Consent.objects.get().person_id == kept.pk
    assert merge.counts == {"leads": 1, "deals": 1, "tasks": 1, "activities": 1, "consents": 1}
    assert merged_into(PEOPLE, gone.pk) == kept
    assert AuditEntry.objects.filter(action="person.merged", target_id=kept.pk).count() == 1
    left = undo_merge(merge=merge, by=by_alice, now=now + timedelta(days=29))
    assert left == [] and image(*tables) == before
    fact.refresh_from_db()
    assert fact.person_id == gone.pk
    assert merged_into(PEOPLE, gone.pk) is None and not MergeMove.objects.exists()
    assert PersonPair.objects.get().state == "dismissed"
    with pytest.raises(Conflict, match="undone already"):
        undo_merge(merge=merge, by=by_alice, now=now)


def test_an_undo_says_what_it_could_not_restore(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept, gone = two()
    third = make_person("Olga Brandt")
    one, other, moved = make_task(person=gone), make_task(person=gone), make_task(person=gone)
    merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now, chosen={"email": "gone"})
    kept.refresh_from_db()
    one.delete()
    Task.objects.filter(pk=moved.pk).update(person=third)
    later = now + timedelta(hours=1)
    update_person(by=by_alice, now=later, person=kept, changes={"title": "Head of Sales"})
    update_person(by=by_alice, now=later, person=third, changes={"email": "robert.silva@lumen.example"})
    left = undo_merge(merge=merge, by=by_alice, now=later)
    assert sorted(left) == [
        "2 of 3 tasks were deleted or belong to somebody else since.",
        "Title of Robert Silva was changed after the merge and stays as it is.",
        "robert.silva@lumen.example belongs to somebody else now: Robert Silva stays without it.",
    ]
    kept.refresh_from_db()
    other.refresh_from_db()
    moved.refresh_from_db()
    assert kept.title == "Head of Sales" and other.person_id == gone.pk and moved.person_id == third.pk
    assert Person.objects.get(pk=gone.pk).email == "bob@lumen.example"


def test_one_open_lead_stays_the_further_one(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept, gone = two()
    behind = open_lead(origin="manual", at=now, now=now, by=by_alice, person=kept)
    ahead = make_lead(gone, stage="sql")
    deal = make_deal(person=kept, lead=behind)
    merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    assert list(Lead.objects.filter(person=kept, stage__in=OPEN_STAGES)) == [ahead]
    behind.refresh_from_db()
    deal.refresh_from_db()
    assert (behind.stage, behind.reason, deal.lead_id) == ("disqualified", "Duplicate", ahead.pk)
    assert undo_merge(merge=merge, by=by_alice, now=now) == []
    for lead, person, stage in ((behind, kept, "lead"), (ahead, gone, "sql")):
        lead.refresh_from_db()
        assert (lead.person_id, lead.stage) == (person.pk, stage)
    deal.refresh_from_db()
    assert deal.lead_id == behind.pk


@pytest.mark.parametrize("who", ["kept", "gone"])
def test_if_either_is_suppressed_the_merged_one_is(in_acme: Any, by_alice: Any, now: Any, who: str) -> None:
    kept, gone = two()
    bad = kept.email if who == "kept" else gone.email
    suppress(by=by_alice, now=now, kind="email", value=bad, reason="unsubscribed")
    other = "gone" if who == "kept" else "kept"
    ledger = list(Suppression.objects.order_by("pk").values())
    merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now, chosen={"email": other})
    kept.refresh_from_db()
    assert kept.email != bad and is_suppressed([kept.email, bad]) == {kept.email, bad}
    assert list(Suppression.objects.order_by("pk").values())[: len(ledger)] == ledger
    left = undo_merge(merge=merge, by=by_alice, now=now)
    assert any("stays suppressed" in words for words in left) and bad in is_suppressed([bad])


def test_the_preselection(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept, gone = two(city="Porto", title="Buyer")
    Person.objects.filter(pk=kept.pk).update(email_status="bounced")
    Person.objects.filter(pk=gone.pk).update(email_status="valid", updated_at=now, city="Lisbon")
    update_person(by=by_alice, now=now, person=Person.objects.get(pk=kept.pk), changes={"title": "Head of purchasing"})
    Person.objects.filter(pk=gone.pk).update(updated_at=now + timedelta(days=1))
    kept.refresh_from_db()
    gone.refresh_from_db()
    found = {choice.name: (choice.chosen, choice.why) for choice in choices(PEOPLE, kept, gone)}
    assert found["email"] == ("gone", "verified")
    assert found["title"] == ("kept", "typed by a person")
    assert found["city"] == ("gone", "newer") and found["phone"] == ("gone", "the only value")
    merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    kept.refresh_from_db()
    assert (kept.email, kept.email_status, kept.title, kept.city) == (
        "bob@lumen.example", "valid", "Head of purchasing", "Lisbon",
    )  # fmt: skip


def test_lists_join_and_places_in_a_list_are_one(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept = make_company("Acme", technologies=["SAP", "Salesforce"])
    gone = make_company("Acme Inc.", technologies=["sap", "Stripe"], employees=50)
    people = [make_person(company=gone), make_person(company=kept)]
    segment = Segment.objects.create(name="Targets", kind="static", subject="companies", created_at=now, updated_at=now)
    for company in (kept, gone):
        SegmentMember.objects.create(segment=segment, company=company, added_at=now)
    before = image(Company, SegmentMember)
    merge = merge_rows(subject=COMPANIES, kept=kept, gone=gone, by=by_alice, now=now)
    kept.refresh_from_db()
    assert (kept.technologies, kept.employees) == (["SAP", "Salesforce", "Stripe"], 50)
    assert SegmentMember.objects.get().company_id == kept.pk
    assert {person.company_id for person in Person.objects.all()} == {kept.pk}
    assert undo_merge(merge=merge, by=by_alice, now=now) == []
    assert image(Company, SegmentMember) == before
    assert Person.objects.get(pk=people[0].pk).company_id == gone.pk


def test_a_chain_of_merges_leads_to_the_end_and_is_undone_backwards(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept, gone = two()
    last = make_person("Rob Silva", email="rob@lumen.example")
    first = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    second = merge_rows(subject=PEOPLE, kept=last, gone=kept, by=by_alice, now=now)
    assert merged_into(PEOPLE, gone.pk) == merged_into(PEOPLE, kept.pk) == last
    with pytest.raises(Conflict, match="Undo that merge first"):
        undo_merge(merge=first, by=by_alice, now=now)
    undo_merge(merge=second, by=by_alice, now=now)
    assert merged_into(PEOPLE, gone.pk) == kept
    undo_merge(merge=first, by=by_alice, now=now)
    assert Person.objects.count() == 3


def test_who_may_merge_and_what_is_refused(in_acme: Any, by_alice: Any, by_bob: Any, alice: Any, now: Any) -> None:
    kept, gone = two(owner=alice.member)
    before = image(Person)
    with pytest.raises(Refused, match="belongs to Alice"):
        merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_bob, now=now)
    with pytest.raises(Invalid):
        merge_rows(subject=PEOPLE, kept=kept, gone=kept, by=by_alice, now=now)
    with pytest.raises(Invalid, match="no field"):
        merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now, chosen={"workspace": "gone"})
    with pytest.raises(Invalid, match="Choose kept or gone"):
        merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now, chosen={"title": "both"})
    assert image(Person) == before and not Merge.objects.exists()
    Person.objects.update(owner=None)
    merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_bob, now=now)
    with pytest.raises(Conflict, match="not there any more"):
        merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_bob, now=now)


def test_after_thirty_days_only_the_way_stays(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept, gone = two()
    make_task(person=gone)
    merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    forget_pre_images(now=now + timedelta(days=29))
    assert MergeMove.objects.exists()
    forget_pre_images(now=now + timedelta(days=31))
    merge.refresh_from_db()
    assert merge.gone_before == {} and not MergeMove.objects.exists() and merged_into(PEOPLE, gone.pk) == kept
    with pytest.raises(Conflict, match="30 days"):
        undo_merge(merge=merge, by=by_alice, now=now + timedelta(days=31))


def test_not_a_duplicate_of_the_one_is_none_of_the_merged(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept, gone = two()
    namesake = make_person("Bob Silva", email="bob.silva@lumen.example")
    ids = [kept.pk, gone.pk, namesake.pk]
    write_keys(PEOPLE, ids)
    compare(PEOPLE, ids, now=now)
    PersonPair.objects.filter(first__in=[gone.pk, namesake.pk], second__in=[gone.pk, namesake.pk]).update(
        state="dismissed"
    )
    merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=now)
    assert [pair.state for pair in PersonPair.objects.all()] == ["dismissed"]


def test_the_default_keeps_whom_more_is_known_of(in_acme: Any) -> None:
    one, other = two()
    assert keep_first(PEOPLE, one, other)[0] == one
    make_activity(other)
    assert keep_first(PEOPLE, one, other) == (other, one)


def test_the_ledger_moves_only_inside_the_workspace(acme: Any, globex: Any, now: Any) -> None:
    with workspace_scope(globex.pk):
        theirs = make_person("Bob Silva")
        fact = make_activity(theirs)
    with workspace_scope(acme.pk):
        mine = make_person("Bob Silva")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT leadgen_repoint('prospects_activity', 'person_id', %s, %s, %s)", [theirs.pk, mine.pk, [fact.pk]]
            )
            assert cursor.fetchone()[0] == 0
    with workspace_scope(globex.pk):
        assert Activity.objects.get().person_id == theirs.pk


@pytest.mark.parametrize("target", [("prospects_activity", "summary"), ("prospects_suppression", "member_id")])
def test_nothing_else_of_a_ledger_can_be_moved(in_acme: Any, target: tuple[str, str]) -> None:
    from django.db import ProgrammingError, transaction

    with pytest.raises(ProgrammingError, match="cannot be moved"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT leadgen_repoint(%s, %s, gen_random_uuid(), gen_random_uuid(), '{}')", list(target))


def test_companies_with_their_people_and_deals(in_acme: Any, by_alice: Any, now: Any) -> None:
    kept = create_company(by=by_alice, now=now, name="Lumen", domain="lumen.example")
    gone = create_company(by=by_alice, now=now, name="Lumen GmbH", domain="lumen.de")
    person = create_person(by=by_alice, now=now, name="Ana Ferreira", email="ana@lumen.de")
    deal = make_deal(company=gone)
    merge = merge_rows(subject=COMPANIES, kept=kept, gone=gone, by=by_alice, now=now, chosen={"domain": "gone"})
    kept.refresh_from_db()
    person.refresh_from_db()
    deal.refresh_from_db()
    assert (kept.domain, person.company_id, deal.company_id) == ("lumen.de", kept.pk, kept.pk)
    assert merge.counts["people"] == 1 and merge.counts["deals"] == 1
    assert undo_merge(merge=merge, by=Actor(), now=now) == []
    kept.refresh_from_db()
    assert kept.domain == "lumen.example" and Company.objects.get(pk=gone.pk).domain == "lumen.de"
