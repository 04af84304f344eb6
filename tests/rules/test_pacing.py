"""Ramp by evidence, jitter, a mailbox's own window, and how many bounces are too many."""

from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns.rules import pacing
from campaigns.rules.bulk_senders import PROVIDER_OF, RULES, Standing
from campaigns.rules.pacing import BounceRate, Evidence
from leadgen.core.errors import Invalid

NOW = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("cap", "evidence", "new", "words"),
    [
        (5, Evidence(sent=5), 7, "2 more after 5 e-mails without a bounce or complaint"),
        (5, Evidence(sent=3), 7, "2 more after 3 e-mails without a bounce or complaint"),
        (6, Evidence(sent=3), 8, "2 more after 3 e-mails without a bounce or complaint"),
        (5, Evidence(sent=2), 5, "stays at 5: only 2 sent in the last 24 hours, too few to learn from"),
        (9, Evidence(sent=0), 9, "stays at 9: only 0 sent in the last 24 hours, too few to learn from"),
        (9, Evidence(sent=9, hard=1), 9, "stays at 9 after 1 hard bounce"),
        (9, Evidence(sent=9, hard=2), 7, "2 fewer after 2 hard bounces"),
        (6, Evidence(sent=6, hard=4), 5, "2 fewer after 4 hard bounces"),
        (20, Evidence(sent=20, policy=1), 10, "half of 20 after 1 block by policy"),
        (20, Evidence(sent=20, complaints=2, policy=1), 10, "half of 20 after 1 block by policy and 2 complaints"),
        (7, Evidence(sent=7, complaints=1), 5, "half of 7 after 1 complaint"),
    ],
)
def test_a_day_is_weighed(cap: int, evidence: Evidence, new: int, words: str) -> None:
    step = pacing.ramp(cap=cap, target=30, evidence=evidence)
    assert (step.cap, step.words, step.is_done) == (new, words, False)


def test_the_ramp_from_five_to_thirty_takes_thirteen_good_days() -> None:
    cap, days = pacing.RAMP_START, 0
    assert pacing.days_left(cap=cap, target=30) == 13
    while True:
        step = pacing.ramp(cap=cap, target=30, evidence=Evidence(sent=cap))
        cap, days = step.cap, days + 1
        assert step.is_done == (cap == 30)
        if step.is_done:
            break
    assert days == 13


def test_a_ramp_is_not_over_on_a_bad_day_and_never_above_the_target() -> None:
    step = pacing.ramp(cap=30, target=30, evidence=Evidence(sent=30, hard=1))
    assert (step.cap, step.is_done) == (30, False)
    assert pacing.ramp(cap=29, target=30, evidence=Evidence(sent=29)).cap == 30
    assert pacing.ramp(cap=3, target=3, evidence=Evidence(sent=3, complaints=1)).cap == 3
    assert pacing.ramp(cap=20, target=12, evidence=Evidence(sent=12)).cap == 12, "the target was lowered meanwhile"


def test_jitter_is_the_same_for_a_mail_and_spread_over_many() -> None:
    def drawn(n: int) -> float:
        return pacing.gap(least=60, jitter=30, seed=f"box:{n}").total_seconds()

    assert [drawn(n) for n in range(20)] == [drawn(n) for n in range(20)]
    found = [drawn(n) for n in range(2000)]
    assert 60 <= min(found) < 61
    assert 89 < max(found) <= 90
    assert 73.5 < sum(found) / len(found) < 76.5
    assert pacing.gap(least=60, jitter=0, seed="x") == timedelta(seconds=60)


def test_a_mailbox_has_its_own_window_on_its_own_clock() -> None:
    window = pacing.own_window(time(9), time(17), [0, 1, 2, 3, 4])
    assert pacing.opens_at(NOW, window=window, zone="Europe/Lisbon") is None
    assert pacing.opens_at(NOW, window=window, zone="America/New_York") == NOW.replace(hour=14)
    friday_night = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    assert pacing.opens_at(friday_night, window=window, zone="UTC") == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert pacing.opens_at(friday_night, window=None, zone="UTC") is None
    assert pacing.own_window(None, time(17), [0]) is None
    with pytest.raises(Invalid, match="at least one weekday"):
        pacing.own_window(time(9), time(17), [])


@pytest.mark.parametrize(
    ("hard", "of", "too_high"),
    [(0, 0, False), (1, 1, False), (2, 10, False), (3, 10, True), (3, 100, True), (3, 101, False), (5, 200, False), (6, 200, True)],
)  # fmt: skip
def test_three_per_cent_of_the_last_two_hundred_by_at_least_three(hard: int, of: int, too_high: bool) -> None:
    assert BounceRate(hard, of).is_too_high is too_high


def test_words() -> None:
    assert str(BounceRate(6, 200)) == "6 of the last 200 sends bounced hard (3.0 %)"
    assert str(BounceRate(0, 0)) == "nothing sent yet"
    assert pacing.clock_words(NOW + timedelta(hours=1), now=NOW, zone="Europe/Berlin") == "Thu 12:00"
    assert pacing.clock_words(NOW + timedelta(days=8), now=NOW, zone="UTC") == "Fri 27 Nov 10:00"


def test_bulk_senders_are_counted_by_provider() -> None:
    assert PROVIDER_OF["googlemail.com"] == PROVIDER_OF["gmail.com"] == "google"
    gmail = RULES[0]
    states = [Standing(gmail, "acme.example", n).state for n in (0, 3999, 4000, 4999, 5000)]
    assert states == ["fine", "fine", "near", "near", "over"]
    assert str(Standing(gmail, "acme.example", 4100)) == "4,100 of 5,000 to Gmail from acme.example in 24 hours"
