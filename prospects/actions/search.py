"""Words of names enter the vocabulary by which a search forgives slips of the hand."""

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import connection

from leadgen.core.arrays import array_text
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Company, Person, SearchWord
from prospects.rules.search import keys_of, words_in

BATCH = 5_000


def learn_rows(model: type[Any], ids: Sequence[UUID]) -> int:
    """The words of these people's or companies' names; how many were new."""
    column = "full_name" if model is Person else "name"
    assert model in (Person, Company)
    return learn_names(model.objects.filter(pk__any=list(ids)).values_list(column, flat=True))


def learn_names(names: Iterable[str]) -> int:
    """The words of these names; how many were new. Two who learn the same word at once: it is there once."""
    words = sorted({word for name in names for word in words_in(name)})
    new = 0
    for part in batched(words, BATCH):
        known = set(SearchWord.objects.filter(word__any=list(part)).values_list("word", flat=True))
        fresh = [word for word in part if word not in known]
        if fresh:
            _write(fresh)
            new += len(fresh)
    return new


def _write(words: list[str]) -> None:
    with connection.cursor() as cursor:
        # Each row's keys travel as one text: an array of arrays would have to be square.
        cursor.execute(
            """
            INSERT INTO prospects_searchword (workspace_id, word, keys)
            SELECT %s, word, keys::varchar[] FROM unnest(%s::text[], %s::text[]) AS given (word, keys)
            ON CONFLICT (workspace_id, word) DO NOTHING
            """,
            [
                current_workspace_id(),
                array_text(words),
                array_text([array_text(sorted(keys_of(word))) for word in words]),
            ],
        )
