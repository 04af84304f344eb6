"""Texts as one PostgreSQL array literal: whatever is in them, they arrive as they were."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadgen.core.arrays import array_text

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)


@pytest.mark.django_db
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(TEXT, st.sampled_from(['"', "\\", "NULL", "", "\x1f", "{}", ",", None])), max_size=6))
def test_texts_arrive_as_they_were(values: list[str | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [array_text(values)])
        assert cursor.fetchone()[0] == values
