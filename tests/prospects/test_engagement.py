"""The engagement ledger in the database: what is shown is the sum of its rows, however and whenever they came."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.actions.audit import Actor
from accounts.models import Workspace
from prospects.actions.activities import record_activity
from prospects.actions.agreements import (
    draft_agreement,
    edit_draft,
    ensure_first_agreement,
    propose_agreement,
    sign_agreement,
)
from prospects.actions.engagement import award_points, award_waiting, rebuild_engagement, retract_points
from prospects.models import Activity, Engagement, Person, PointEntry
from prospects.queries.engagement import ledger_of, score_of, scores_of
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(in_acme: Workspace) -> Person:
    return make_person("Ana Ferreira")


def hit(person: Person, kind: str, at: datetime = NOW, hit_class: str = "human", **detail: Any) -> Activity:
    row = record_activity(kind=kind, at=at, now=NOW, summary=kind, person=person, hit_class=hit_class, detail=detail)
    assert row is not None
    return row


def test_the_shown_score_is_the_sum_of_the_ledger_rows(ana: Person) -> None:
    version = ensure_first_agreement(NOW)
    # Late news comes last and still counts as old news.
    for kind, days in [("replied", 3), ("page_viewed", 0), ("form_submitted", 20), ("clicked", 1)]:
        award_points(activity=hit(ana, kind, NOW - timedelta(days=days)), now=NOW)
    for later in (0, 5, 40):
        at = NOW + timedelta(days=later)
        ledger = ledger_of(ana, version, at)
        assert score_of(ana, version, at) == pytest.approx(ledger.score, rel=1e-9)
        assert ledger.score == pytest.approx(sum(row.worth for row in ledger.rows))
    assert [row.points for row in ledger_of(ana, version, NOW).rows] == [3, 5, 25, 30]
    before = Engagement.objects.get().level
    assert rebuild_engagement(person=ana, now=NOW).level == pytest.approx(before, abs=1e-9)


def test_awarding_twice_is_once_and_machines_earn_nothing(ana: Person) -> None:
    row = hit(ana, "clicked")
    assert award_points(activity=row, now=NOW) is not None
    assert award_points(activity=row, now=NOW) is None
    assert award_points(activity=hit(ana, "clicked", hit_class="automated"), now=NOW) is None
    assert PointEntry.objects.count() == 1


def test_a_cap_holds_for_a_day_of_the_workspace_zone(ana: Person) -> None:
    midnight_in_berlin = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
    for minutes in (-3, -2, -1, 0):
        for _ in range(2):
            award_points(activity=hit(ana, "clicked", midnight_in_berlin + timedelta(minutes=minutes)), now=NOW)
    # Six clicks before midnight earn 15, the cap; two after it earn 5 each.
    assert sorted(PointEntry.objects.values_list("points", flat=True)) == [5, 5, 5, 5, 5]


def test_old_points_expire_by_a_dated_negative_row_and_the_ledger_still_adds_up(ana: Person) -> None:
    version = ensure_first_agreement(NOW)
    long_ago = NOW - timedelta(days=100)
    award_points(activity=hit(ana, "form_submitted", long_ago), now=NOW)
    award_points(activity=hit(ana, "replied"), now=NOW)
    expiry = PointEntry.objects.get(points__lt=0)
    assert expiry.at == long_ago + timedelta(days=84)
    assert score_of(ana, version, NOW) == pytest.approx(25, abs=1e-3)
    ledger = ledger_of(ana, version, NOW)
    assert ledger.score == pytest.approx(score_of(ana, version, NOW), rel=1e-9)
    rebuild_engagement(person=ana, now=NOW)
    assert PointEntry.objects.filter(points__lt=0).count() == 1


def test_a_new_version_rewrites_nothing_and_equals_awarding_one_by_one(ana: Person, by_alice: Actor) -> None:
    tom = make_person("Tom Okafor")
    hits = [
        (ana, "clicked", 0, {}), (ana, "clicked", 0, {}), (ana, "clicked", 0, {}), (ana, "clicked", 0, {}),
        (ana, "form_submitted", 2, {}), (ana, "replied", 1, {"intent": "not_now"}), (ana, "called", 1, {"outcome": "voicemail"}),
        (tom, "called", 4, {"outcome": "connected"}), (tom, "form_submitted", 300, {}), (tom, "page_viewed", 5, {}),
    ]  # fmt: skip
    rows = [
        hit(person, kind, NOW - timedelta(days=days, minutes=n), **detail)
        for n, (person, kind, days, detail) in enumerate(hits)
    ]
    hit(tom, "clicked", hit_class="automated")
    for row in rows:
        award_points(activity=row, now=NOW)
    old = scores_of([ana, tom], ensure_first_agreement(NOW), NOW)
    kept = list(PointEntry.objects.order_by("id").values())

    draft = draft_agreement(by=by_alice, now=NOW)
    points = {**draft.points, "clicked": {"points": 4, "cap_per_day": 10}}
    edit_draft(version=draft, changes={"points": points, "half_life_days": 7}, by=by_alice, now=NOW)
    propose_agreement(version=draft, by=by_alice, now=NOW)
    sign_agreement(version=draft, side="marketing", by=by_alice, now=NOW)
    assert not PointEntry.objects.filter(version=draft).exists()
    sign_agreement(version=draft, side="sales", by=by_alice, now=NOW)
    version = ensure_first_agreement(NOW)
    assert version.number == 2

    bulk = scores_of([ana, tom], version, NOW)
    written = {(e.activity_id, e.rule): e.points for e in PointEntry.objects.filter(version=version)}
    assert list(PointEntry.objects.exclude(version=version).order_by("id").values()) == kept
    assert bulk[ana.pk] != pytest.approx(old[ana.pk])
    levels = dict(Engagement.objects.filter(version=version).values_list("person", "level"))
    for person in (ana, tom):
        assert rebuild_engagement(person=person, now=NOW).level == pytest.approx(levels[person.pk], abs=1e-9)
        assert ledger_of(person, version, NOW).score == pytest.approx(bulk[person.pk], rel=1e-9)
    assert sorted(points for (_, rule), points in written.items() if rule == "clicked") == [2, 4, 4]
    assert {rule for _, rule in written} == {"clicked", "form_submitted", "called", "page_viewed"}
    assert award_points(activity=rows[4], now=NOW) is None  # the new version has it already


@pytest.mark.parametrize("expired_before", [False, True])
def test_what_is_taken_back_is_nothing_at_any_time_expired_or_not(ana: Person, expired_before: bool) -> None:
    version = ensure_first_agreement(NOW)
    late = NOW + timedelta(days=version.half_life_days * 7)
    kept, gone = hit(ana, "replied"), hit(ana, "clicked", NOW - timedelta(hours=1))
    for row in (kept, gone):
        award_points(activity=row, now=NOW)
    if expired_before:
        rebuild_engagement(person=ana, now=late)
    assert retract_points(activity=gone, reason="a program", now=late) == (2 if expired_before else 1)
    assert retract_points(activity=gone, reason="a program", now=late) == 0, "once"
    rebuild_engagement(person=ana, now=late)
    left = ledger_of(ana, version, late)
    of_gone = [row for row in left.rows if row.activity_id == gone.pk]
    assert sum(row.points for row in of_gone) == 0
    assert sum(row.worth for row in of_gone) == pytest.approx(0, abs=1e-12)
    assert [row.words for row in of_gone if row.points == -5] == ["Taken back: clicks a link"]
    assert {row.expires for row in of_gone if row.points < 0} == {None}
    assert score_of(ana, version, late) == pytest.approx(left.score, abs=1e-3)


def test_points_taken_back_free_the_days_cap(ana: Person) -> None:
    rows = [hit(ana, "clicked", NOW + timedelta(minutes=n)) for n in range(4)]
    earned = [award_points(activity=row, now=NOW) for row in rows]
    assert [entry.points if entry else None for entry in earned] == [5, 5, 5, None]
    retract_points(activity=rows[0], reason="a program", now=NOW)
    record_activity(
        kind="clicked",
        at=NOW,
        now=NOW,
        summary="clicked",
        person=ana,
        hit_class="automated",
        key=f"correct:{rows[0].pk}",
    )
    assert award_waiting(person_id=ana.pk, kind="clicked", day_of=NOW, now=NOW) == 1
    assert award_waiting(person_id=ana.pk, kind="clicked", day_of=NOW, now=NOW) == 0
    assert sum(row.points for row in PointEntry.objects.all()) == 15
