"""The ranked list of the queue: a table of facts and where each stands, with the reason in words."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.rules.queue import (
    Bucket,
    Facts,
    badge,
    by_due,
    clock_is_urgent,
    minutes_left,
    next_morning,
    rank,
)

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday; 11:00 in Berlin
MIDNIGHT = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)  # in Berlin


def facts(name: str, kind: str = "todo", due: timedelta = timedelta(), **more) -> Facts:
    return Facts(id=name, kind=kind, due_at=NOW + due, day_start=MIDNIGHT, **more)


# The wanted order, top first; shuffled by the test.
ORDER = [
    (facts("breached long ago", "inbound", clock=NOW - timedelta(hours=2)), Bucket.CLOCK, "Clock breached"),
    (facts("breached", "inbound", clock=NOW - timedelta(minutes=6)), Bucket.CLOCK, "Clock breached"),
    (facts("4 min left", "inbound", clock=NOW + timedelta(minutes=4), grade="A"), Bucket.CLOCK, "Clock running; fit A"),
    (facts("hand-off near its end", "handoff", clock=NOW + timedelta(minutes=59)), Bucket.CLOCK, "Clock running"),
    (facts("positive", "reply", timedelta(hours=-1), intent="positive"), Bucket.POSITIVE, "Positive reply"),
    (facts("meeting", "reply", intent="meeting"), Bucket.POSITIVE, "Wants a meeting"),
    (facts("question", "reply", intent="question"), Bucket.REPLY, "Question"),
    (facts("unclear", "reply", timedelta(hours=4)), Bucket.REPLY, "Reply"),
    (facts("hand-off", "handoff", clock=NOW + timedelta(hours=7)), Bucket.HANDOFF, "Waits for your decision"),
    (facts("overdue", "call", timedelta(days=-3), zone="Asia/Tokyo"), Bucket.OVERDUE, "Overdue since 3 days"),
    (facts("overdue less", due=timedelta(hours=-12)), Bucket.OVERDUE, "Overdue since yesterday"),
    (facts("call A", "call", zone="Europe/Lisbon", grade="A"), Bucket.CALL, "At work there, 10:00; fit A"),
    (facts("call B", "call", timedelta(hours=-1), zone="Europe/Berlin", grade="B"), Bucket.CALL, "At work there, 11:00; fit B"),
    (facts("A 40", due=timedelta(hours=3), grade="A", engagement=40.4), Bucket.DUE, "fit A, engagement 40"),
    (facts("A 10", grade="A", engagement=10.0), Bucket.DUE, "fit A, engagement 10"),
    (facts("C", grade="C"), Bucket.DUE, "fit C"),
    (facts("unknown, early", due=timedelta(hours=-2), reason="First touch"), Bucket.DUE, "First touch"),
    (facts("unknown zone", "call", timedelta(hours=-1)), Bucket.DUE, ""),
    (facts("excluded", due=timedelta(hours=-3), grade="X"), Bucket.DUE, "excluded by the ICP"),
    (facts("asleep", "call", zone="America/New_York", grade="A"), Bucket.ASLEEP, "Outside office hours there, 05:00; fit A"),
]  # fmt: skip


def test_the_whole_order() -> None:
    shuffled = [row for row, _, _ in sorted(ORDER, key=lambda case: str(case[0].id))]
    assert [row.id for row in sorted(shuffled, key=lambda row: rank(row, NOW).key)] == [row.id for row, _, _ in ORDER]


@pytest.mark.parametrize(("row", "bucket", "why"), ORDER, ids=lambda case: getattr(case, "id", ""))
def test_every_rank_says_why(row: Facts, bucket: Bucket, why: str) -> None:
    ranked = rank(row, NOW)
    assert (ranked.bucket, ranked.why) == (bucket, why)


def test_by_due_only_looks_at_time() -> None:
    rows = [facts("later", grade="A", due=timedelta(hours=2)), facts("now", grade="D"), facts("clock", clock=NOW - timedelta(days=1))]  # fmt: skip
    assert [row.id for row in sorted(rows, key=lambda row: by_due(row, NOW).key)] == ["clock", "now", "later"]
    assert by_due(rows[0], NOW).why == "fit A"


def test_a_zone_that_is_no_zone_is_unknown() -> None:
    assert rank(facts("x", "call", zone="Mars/Base"), NOW).bucket == Bucket.DUE


@pytest.mark.parametrize(
    ("kind", "left", "urgent"),
    [("inbound", 600, True), ("handoff", 61, False), ("handoff", 60, True), ("handoff", -5, True)],
)
def test_hand_offs_become_urgent_near_their_end(kind: str, left: int, urgent: bool) -> None:
    assert clock_is_urgent(kind, NOW + timedelta(minutes=left), NOW) is urgent
    assert clock_is_urgent(kind, None, NOW) is False


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (facts("today", due=timedelta(hours=2)), ("due 13:00", "neutral")),
        (facts("earlier today", due=timedelta(hours=-2)), ("due 09:00", "neutral")),
        (facts("yesterday", due=timedelta(hours=-12)), ("overdue 1 d", "danger")),
        (facts("friday", due=timedelta(days=2)), ("due Fri 6 Mar", "neutral")),
        (facts("reply", "reply", timedelta(days=-4)), ("reply", "primary")),
    ],
)
def test_badges(row: Facts, expected: tuple[str, str]) -> None:
    assert badge(row, NOW, "Europe/Berlin") == expected


def test_pace_ignores_pauses_and_needs_three_gaps() -> None:
    minutes = [0, 4, 8, 70, 74]  # gaps 4, 4, (62: a pause), 4
    closed = [NOW + timedelta(minutes=value) for value in minutes]
    assert minutes_left(closed, 10) == 40
    assert minutes_left(closed[:3], 10) is None
    assert minutes_left(closed, 0) is None


def test_snoozing_till_morning_follows_the_clock_of_the_workspace() -> None:
    friday = datetime(2026, 3, 27, 22, 30, tzinfo=UTC)  # 23:30 in Berlin; the clocks change on Sunday
    assert next_morning(friday, "Europe/Berlin").astimezone(UTC) == datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    assert next_morning(friday, "Europe/Berlin", monday=True).astimezone(UTC) == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
