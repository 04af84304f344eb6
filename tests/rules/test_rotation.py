"""Shares of a pool: within one of the ideal at every moment, whatever the weights."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.rotation import next_in_turn


@settings(max_examples=150, deadline=None)
@given(shares=st.lists(st.integers(1, 3000), min_size=1, max_size=9), people=st.integers(1, 120))
def test_nobody_is_a_whole_one_away_from_the_ideal(shares: list[int], people: int) -> None:
    pool = dict(enumerate(shares))
    have = dict.fromkeys(pool, 0)
    for n in range(1, people + 1):
        chosen = next_in_turn(given=have, shares=pool)
        assert chosen is not None
        have[chosen] += 1
        for key, share in pool.items():
            assert abs(have[key] - Fraction(n * share, sum(shares))) < 1, (n, have)


@settings(max_examples=80, deadline=None)
@given(
    shares=st.lists(st.integers(0, 50), min_size=2, max_size=6),
    have=st.lists(st.integers(0, 200), min_size=6, max_size=6),
)
def test_from_any_start_somebody_is_found_who_has_too_little(shares: list[int], have: list[int]) -> None:
    pool, held = dict(enumerate(shares)), dict(enumerate(have[: len(shares)]))
    chosen = next_in_turn(given=held, shares=pool)
    if not any(shares):
        assert chosen is None
        return
    assert chosen is not None
    total = sum(held[key] for key, share in pool.items() if share)
    assert pool[chosen] > 0
    assert held[chosen] < Fraction((total + 1) * pool[chosen], sum(shares)), "it was owed one"


def test_two_to_one_in_a_steady_order() -> None:
    have = {"ana": 0, "ben": 0}
    order = []
    for _ in range(6):
        chosen = next_in_turn(given=have, shares={"ana": 60, "ben": 30})
        assert chosen is not None
        have[chosen] += 1
        order.append(chosen)
    assert order == ["ana", "ana", "ben", "ana", "ana", "ben"] or order == ["ana", "ben", "ana", "ana", "ben", "ana"]
    assert have == {"ana": 4, "ben": 2}


def test_a_new_mailbox_gets_people_until_it_has_its_share_and_not_all_of_them() -> None:
    have, shares = {"old": 90, "new": 0}, {"old": 30, "new": 5}
    got = []
    for _ in range(30):
        chosen = next_in_turn(given=have, shares=shares)
        assert chosen is not None
        have[chosen] += 1
        got.append(chosen)
    assert (got[:15], got.count("new")) == (["new"] * 15, 17)
