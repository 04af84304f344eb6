"""Text in columns that have a trigram index, asked so that the index serves it whatever was typed.

Two letters have no trigram in the middle of a word: `LIKE '%RI%'` read a million rows for seconds. They are looked for where
words begin, which trigrams do know.
"""

from django.db.models import Q

from leadgen.core.rulelang.compile import text_contains

INSIDE = 3  # letters from which on a word is looked for in the middle of others


def named(column: str, words: list[str]) -> Q:
    """Every word is in the column; short ones begin one of its words."""
    found = Q()
    for word in words:
        found &= text_contains(column, word) if len(word) >= INSIDE else begins(column, word)
    return found


def begins(column: str, word: str) -> Q:
    """A word of the column begins so."""
    return Q(**{f"{column}__istartswith": word}) | text_contains(column, f" {word}")


def inside(column: str, text: str) -> Q:
    """The text is in the column; a short one begins it."""
    return text_contains(column, text) if len(text) >= INSIDE else Q(**{f"{column}__istartswith": text})


__all__ = ["INSIDE", "begins", "inside", "named"]
