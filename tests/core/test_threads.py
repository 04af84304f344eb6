"""The same work several times at once, each with a connection of its own."""

import threading

import pytest
from django.db import connection, connections

from leadgen.core.threads import side_by_side


@pytest.mark.django_db(transaction=True)
def test_each_runs_at_the_same_time_on_its_own_connection_and_leaves_none_open() -> None:
    all_there, used = threading.Barrier(3, timeout=30), {}

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            used[cursor.fetchone()[0]] = connections["default"]
        all_there.wait()

    side_by_side(work, 3)
    assert len(used) == 3
    assert [wrapper for wrapper in used.values() if wrapper.connection is not None] == [connections["default"]]


@pytest.mark.django_db(transaction=True)
def test_an_error_is_raised_after_all_others_ended() -> None:
    ended, both = [], threading.Barrier(2, timeout=30)

    def work() -> None:
        both.wait()
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("only here")
        ended.append("main")

    with pytest.raises(ValueError, match="only here"):
        side_by_side(work, 2)
    assert ended == ["main"]


@pytest.mark.django_db
def test_inside_a_transaction_it_runs_once() -> None:
    runs: list[int] = []
    side_by_side(lambda: runs.append(1), 3)
    assert runs == [1]
