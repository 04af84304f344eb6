"""Slips of the hand: every single one is found by its keys, whatever letter it is at."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prospects.rules.search import allowed, distance, fold, keys_of, slips, sought_keys, words_in

LETTERS = st.sampled_from("abcdefgh")


@settings(max_examples=60, deadline=None)
@given(st.text(LETTERS, min_size=4, max_size=12), st.data())
def test_one_slip_shares_a_key_and_counts_one(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    other = data.draw(LETTERS)
    slipped = data.draw(
        st.sampled_from([
            word[:at] + word[at + 1 :],  # left out
            word[:at] + other + word[at:],  # too many
            word[:at] + other + word[at + 1 :],  # another
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],  # swapped
        ])
    )  # fmt: skip
    assert keys_of(word) & sought_keys(slipped)
    assert distance(slipped, word) <= 1
    assert distance(slipped, word) == distance(word, slipped)


@pytest.mark.parametrize(
    ("typed", "word"),
    [("ferreria", "Ferreira"), ("schnieder", "Schneider"), ("johansen", "Johannsen"), ("muller", "Müller"),
     ("tanakka", "Tanaka"), ("okafr", "Okafor"), ("micheal", "Michael"), ("schnied", "Schneider"), ("ferrie", "Ferreira"),
     ("lukasz", "Łukasz"), ("weiss", "Weiß")],
)  # fmt: skip
def test_real_slips_are_found_also_while_they_are_typed(typed: str, word: str) -> None:
    assert keys_of(word) & sought_keys(typed)
    assert slips(fold(typed), fold(word)) <= allowed(typed)


def test_other_names_are_not_taken_for_slips() -> None:
    assert slips("anna", "hans") > allowed("anna")
    assert slips("miller", "tanaka") > allowed("miller")


def test_words_of_a_name() -> None:
    assert words_in("Dr. João Müller-Lüdenscheidt III, 3M R2D2") == {"JOÃO", "MÜLLER", "LÜDENSCHEIDT"}
