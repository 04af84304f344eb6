"""Segments: made, changed, filled, looked at by the worker; who may, and what another workspace sees."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.segments import (
    add_members,
    create_segment,
    delete_segment,
    remove_members,
    update_segment,
    words_of,
)
from prospects.actions.segments_lists import add_lines
from prospects.actions.segments_refresh import refresh_segment
from prospects.models import Company, Person, Segment, SegmentChange, SegmentMember, SegmentSnapshot
from prospects.queries.segments import TooSlow, exactly, matching, measure, members_of, people_in, within
from prospects.rules.segments import READY_MADE, Measure, estimate, poisson_bounds, proportion, ready_made
from tests.factories.prospects import make_company, make_person

VP = {"field": "person.title", "op": "contains_any", "value": ["VP"]}


def names(rows: Any) -> list[str]:
    return sorted(str(row) for row in rows)


def rule_over(people: Any, rule: Any, by: Any, now: datetime, name: str = "VPs", subject: str = "people") -> Segment:
    return create_segment(by=by, now=now, name=name, kind="dynamic", subject=subject, rule=rule)


def test_a_rule_is_checked_stored_normalised_and_told_in_words(in_acme, by_alice, now) -> None:
    segment = rule_over(None, VP, by_alice, now, name="  The   VPs ")
    assert (segment.name, segment.rule, segment.owner) == ("The VPs", VP, by_alice.member)
    assert words_of(segment) == "job title has the words “VP”"
    assert AuditEntry.objects.get(action="segment.created").target_id == segment.pk
    for rule, place in (
        ({"all": [VP, {"field": "person.title", "op": "gte", "value": 2}]}, "all[1].op"),
        ({"any": [{"field": "person.last_touch_at", "op": "within_days", "value": -1}]}, "any[0].value"),
        ({}, "rule"),
        ({"all": []}, "rule"),
    ):
        with pytest.raises(Invalid) as refused:
            rule_over(None, rule, by_alice, now, name="Broken")
        assert refused.value.field == place
    with pytest.raises(Conflict):
        rule_over(None, VP, by_alice, now, name="The VPs")
    assert Segment.objects.count() == 1


def test_a_rule_holds_whoever_meets_it_now(in_acme, by_alice, now) -> None:
    ana = make_person("Ana Ferreira", title="VP Sales")
    segment = rule_over(None, VP, by_alice, now)
    assert names(members_of(segment, now=now)) == ["Ana Ferreira"]
    make_person("Tom Okafor", title="VP Marketing")
    Person.objects.filter(pk=ana.pk).update(title="Clerk")
    assert names(members_of(segment, now=now)) == ["Tom Okafor"]


def test_days_of_a_rule_are_those_of_the_workspace(in_acme, by_alice, now) -> None:
    # 23:30 UTC on 3 March is 4 March in Berlin.
    make_person("Late", last_touch_at=datetime.fromisoformat("2026-03-03T23:30:00+00:00"))
    rule = {"field": "person.last_touch_at", "op": "on", "value": "2026-03-04"}
    assert names(matching("people", rule, now=now)) == ["Late"]


def test_not_contacted_for_30_days_includes_those_never_contacted(in_acme, now) -> None:
    make_person("Never")
    make_person("Long ago", last_touch_at=now - timedelta(days=31))
    make_person("Lately", last_touch_at=now - timedelta(days=3))
    (quiet,) = [item for item in ready_made("people") if item.key == "quiet"]
    assert names(matching("people", quiet.rule, now=now)) == ["Long ago", "Never"]


def test_every_ready_made_condition_can_be_asked(in_acme, now) -> None:
    for item in READY_MADE:
        for subject in item.subjects:
            assert matching(subject, item.rule, now=now).count() == 0, item.label


def test_a_list_takes_and_gives_back_and_keeps_its_count(in_acme, by_alice, globex, now) -> None:
    with workspace_scope(globex.pk):
        stranger = make_person("Stranger")
    ana, tom = make_person("Ana Ferreira"), make_person("Tom Okafor")
    segment = create_segment(by=by_alice, now=now, name="Friends", kind="static", subject="people")
    moved = add_members(segment=segment, ids=[ana.pk, tom.pk, stranger.pk, ana.pk], by=by_alice, now=now)
    assert (moved.changed, moved.same, moved.missing) == (2, 0, 1)
    assert add_members(segment=segment, ids=[ana.pk], by=by_alice, now=now).same == 1
    assert (names(members_of(segment, now=now)), segment.count) == (["Ana Ferreira", "Tom Okafor"], 2)
    gone = remove_members(segment=segment, ids=[tom.pk], by=by_alice, now=now)
    segment.refresh_from_db()
    assert (gone.changed, segment.count, names(members_of(segment, now=now))) == (1, 1, ["Ana Ferreira"])
    assert list(SegmentChange.objects.order_by("at", "id").values_list("entered", flat=True)) == [True, True, False]
    told = AuditEntry.objects.filter(action__startswith="segment.members").order_by("at", "id")
    assert [(row.action, row.detail["count"]) for row in told] == [
        ("segment.members_added", 2), ("segment.members_removed", 1),
    ]  # fmt: skip
    rule = rule_over(None, VP, by_alice, now)
    with pytest.raises(Invalid, match="Only lists are filled by hand"):
        add_members(segment=rule, ids=[ana.pk], by=by_alice, now=now)
    assert not SegmentMember.objects.filter(segment=rule).exists()


def test_lines_name_people_by_address_id_or_name_and_nobody_is_guessed(in_acme, by_alice, now) -> None:
    make_person("Ana Ferreira", email="ana@lumen.example")
    make_person("Tom Okafor", external_id="crm-7")
    make_person("Mei Tanaka")
    make_person("Kim Lee")
    make_person("Kim Lee")
    segment = create_segment(by=by_alice, now=now, name="Friends", kind="static", subject="people")
    lines = [
        ["Name", "Mail"],
        ["x", "ANA@lumen.example "],
        ["crm-7"],
        ["Mei Tanaka"],
        ["Kim Lee"],
        ["who@else.example"],
        [""],
    ]
    result = add_lines(segment=segment, rows=list(enumerate(lines, 1)), by=by_alice, now=now)
    assert names(members_of(segment, now=now)) == ["Ana Ferreira", "Mei Tanaka", "Tom Okafor"]
    assert (result.lines, result.found) == (5, 3)
    assert (result.unclear, result.not_found) == ([(5, "Kim Lee")], [(6, "who@else.example")])


def test_lines_name_companies_by_domain(in_acme, by_alice, now) -> None:
    make_company("Lumen", domain="lumen.example")
    segment = create_segment(by=by_alice, now=now, name="Targets", kind="static", subject="companies")
    rows = [(1, ["https://www.lumen.example/about"]), (2, ["nobody.example"])]
    result = add_lines(segment=segment, rows=rows, by=by_alice, now=now)
    assert names(members_of(segment, now=now)) == ["Lumen"]
    assert result.not_found == [(2, "nobody.example")]


def test_people_of_a_segment_of_companies_are_those_who_work_there(in_acme, by_alice, now) -> None:
    lumen = make_company("Lumen")
    make_person("Ana Ferreira", lumen)
    make_person("Tom Okafor")
    segment = create_segment(by=by_alice, now=now, name="Targets", kind="static", subject="companies")
    add_members(segment=segment, ids=[lumen.pk], by=by_alice, now=now)
    assert names(people_in(Person.objects.all(), segment, now=now)) == ["Ana Ferreira"]


def test_the_worker_writes_who_entered_and_left_and_a_snapshot_a_day(in_acme, by_alice, now) -> None:
    ana = make_person("Ana Ferreira", title="VP Sales")
    make_person("Tom Okafor", title="VP Marketing")
    segment = rule_over(None, VP, by_alice, now)
    _, again = refresh_segment(segment_id=segment.pk, now=now)
    # The first look tells of nobody's move; a rule that costs little is looked at every hour.
    assert not SegmentChange.objects.exists()
    assert again == now + timedelta(hours=1)
    Person.objects.filter(pk=ana.pk).update(title="Clerk")
    make_person("Mei Tanaka", title="VP Finance")
    later = now + timedelta(days=1)
    refresh_segment(segment_id=segment.pk, now=later)
    segment.refresh_from_db()
    assert (segment.count, segment.counted_at) == (2, later)
    moves = {str(row.person): row.entered for row in SegmentChange.objects.select_related("person")}
    assert moves == {"Ana Ferreira": False, "Mei Tanaka": True}
    days = SegmentSnapshot.objects.order_by("on").values_list("count", "entered", "left", "rule_changed")
    assert list(days) == [(2, 0, 0, True), (2, 1, 1, False)]
    # Looking twice a day adds nothing to a day on which nobody moved.
    refresh_segment(segment_id=segment.pk, now=later + timedelta(hours=2))
    assert SegmentSnapshot.objects.count() == 2 and SegmentChange.objects.count() == 2


def test_another_rule_moves_nobody_in_the_history(in_acme, by_alice, now) -> None:
    make_person("Ana Ferreira", title="VP Sales")
    make_person("Tom Okafor", title="Clerk")
    segment = rule_over(None, VP, by_alice, now)
    refresh_segment(segment_id=segment.pk, now=now)
    clerks = {"field": "person.title", "op": "is", "value": "Clerk"}
    update_segment(segment=segment, by=by_alice, now=now, changes={"rule": clerks})
    assert segment.counted_at is None
    refresh_segment(segment_id=segment.pk, now=now + timedelta(days=1))
    assert not SegmentChange.objects.exists()
    assert [day.rule_changed for day in SegmentSnapshot.objects.order_by("on")] == [True, True]
    assert names(Person.objects.filter(pk__in=SegmentMember.objects.values("person"))) == ["Tom Okafor"]
    told = AuditEntry.objects.get(action="segment.edited")
    assert told.detail["changes"]["rule"] == [VP, clerks]


def test_deleting_takes_the_list_and_leaves_the_people(in_acme, by_alice, now) -> None:
    ana = make_person("Ana Ferreira")
    segment = create_segment(by=by_alice, now=now, name="Friends", kind="static", subject="people")
    add_members(segment=segment, ids=[ana.pk], by=by_alice, now=now)
    delete_segment(segment=segment, by=by_alice, now=now)
    assert (Person.objects.count(), SegmentMember.objects.count(), SegmentChange.objects.count()) == (1, 0, 0)
    assert AuditEntry.objects.filter(action="segment.deleted").exists()


def test_a_statement_that_takes_too_long_is_given_up_and_nothing_else_is(in_acme) -> None:
    from django.db import connection

    make_company("Lumen")
    with pytest.raises(TooSlow), within(30), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"
    assert Company.objects.count() == 1


def test_few_are_counted_exactly(in_acme, now) -> None:
    for number in range(7):
        make_person(f"P {number}")
    assert measure(Person.objects.all()) == Measure.of(7)
    assert exactly(Person.objects.all()) == Measure.of(7)


def test_an_estimate_holds_the_true_number_19_times_of_20() -> None:
    """Blocks drawn by chance from tables whose matches lie evenly, in clumps, or hardly anywhere."""
    import random

    dice = random.Random(7)
    for rows, share in (([8] * 5000, 0.04), ([0] * 4500 + [16] * 500, 0.04), ([0] * 4900 + [1] * 100, 0.04)):
        held = 0
        for _ in range(400):
            drawn = [count for count in rows if count and dice.random() < share]
            found = estimate(
                hits=sum(drawn), squares=sum(count * count for count in drawn), blocks=len(drawn), share=share
            )
            assert found.low is not None and found.high is not None
            held += found.low <= sum(rows) <= found.high
        assert held >= 0.93 * 400, (rows[:3], held)
    assert estimate(hits=0, squares=0, blocks=0, share=0.04).high == 93  # nobody seen: still up to 3.7 / share
    assert estimate(hits=12, squares=20, blocks=9, share=1) == Measure.of(12)
    assert poisson_bounds(10)[0] < 10 < poisson_bounds(10)[1]


def test_a_proportion_holds_the_true_number_and_never_more_than_everybody() -> None:
    """Where the number of all rows is known: blocks of uneven size, some of them full of matches."""
    import random

    dice = random.Random(11)
    blocks = [(dice.randint(4, 12), dice.random() < 0.5) for _ in range(5000)]
    table = [(size, size - 1 if full else dice.randint(0, 2)) for size, full in blocks]
    true, total, held = sum(hit for _, hit in table), sum(size for size, _ in table), 0
    for _ in range(400):
        drawn = [block for block in table if dice.random() < 0.05]
        found = proportion(
            hits=sum(hit for _, hit in drawn), hits_squared=sum(hit * hit for _, hit in drawn),
            products=sum(size * hit for size, hit in drawn), rows=sum(size for size, _ in drawn),
            rows_squared=sum(size * size for size, _ in drawn), blocks=len(drawn), share=0.05, total=total,
        )  # fmt: skip
        assert found.low is not None and found.high is not None
        held += found.low <= true <= found.high
        assert found.high - found.low < 0.35 * true
    assert held >= 0.93 * 400
    everybody = proportion(
        hits=80, hits_squared=640, products=640, rows=80, rows_squared=640, blocks=10, share=0.1, total=801
    )
    assert (everybody.value, everybody.high) == (800, 801)


def test_many_are_estimated_from_blocks_and_the_worker_helps(in_acme, by_alice, now, monkeypatch) -> None:
    """Above the exact limit: a real sample of real blocks, whose interval holds the number that is there."""
    from leadgen.core.tenancy import bulk_insert
    from prospects.queries import segments as queries

    people = [
        Person(full_name=f"P {n}", title="VP" if n % 3 else "", created_at=now, updated_at=now) for n in range(3000)
    ]
    bulk_insert(Person, people)
    monkeypatch.setattr(queries, "EXACT_UP_TO", 500)
    monkeypatch.setattr(queries, "PILOT", 600)
    for name in ("PILOT_MS", "COUNT_MS", "SAMPLE_MS"):
        monkeypatch.setattr(queries, name, 20_000)
    with_title = matching("people", {"field": "person.title", "op": "is", "value": "VP"}, now=now)
    found = measure(with_title)
    assert found.exact or (found.low is not None and found.high is not None and found.low <= 2000 <= found.high)


def test_the_workers_bell_looks_at_what_is_due_and_sets_the_next_time(acme, by_alice, now) -> None:
    from leadgen.core import clock
    from leadgen.core.models import Lane
    from prospects.tasks import refresh_segments

    with workspace_scope(acme.pk):
        make_person("Ana Ferreira", title="VP Sales")
        segment = rule_over(None, VP, by_alice, now)
    refresh_segments()
    with workspace_scope(acme.pk):
        segment.refresh_from_db()
        assert segment.count == 1 and segment.counted_at is not None
    lane = Lane.objects.get(kind="segments", key=str(segment.pk))
    assert lane.lease_until is None
    assert lane.next_due is not None and clock.now() < lane.next_due <= clock.now() + timedelta(hours=1)
    # Archived, it is looked at no more.
    with workspace_scope(acme.pk):
        update_segment(segment=segment, by=by_alice, now=now, changes={"is_archived": True})
    Lane.objects.filter(pk=lane.pk).update(next_due=now)
    refresh_segments()
    lane.refresh_from_db()
    assert lane.next_due is None
