"""Proof of the first copy and the point of no return of the second at the same instant: real transactions, both orders."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connections

from accounts.actions.audit import SYSTEM
from accounts.models import Workspace
from campaigns.actions import no_return, outcomes, sending
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.no_return import pass_point_of_no_return
from campaigns.actions.settlement import send_again
from campaigns.models import Enrolment, Message
from campaigns.queries.books import books_of_workspace
from leadgen.core import database
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.sink import Sink
from tests.campaigns.test_no_return import enrol, sink
from tests.conftest import NOW
from tests.database import TestServices

__all__ = ["sink"]
pytestmark = pytest.mark.django_db(transaction=True)
AGAIN, LATER, BOUND = NOW + timedelta(minutes=10), NOW + timedelta(minutes=11), 30


@pytest.fixture
def workspace(sink: Sink) -> Workspace:
    """One mail whose answer was lost; a person sends it again, and it is due."""
    found = enrol(sink)
    sink.script["DOT"] = "accept-drop"
    assert dispatch_once(now=NOW).unknown == 1
    sink.script.clear()
    with workspace_scope(found.pk):
        send_again(message=Message.objects.get(), by=SYSTEM, now=AGAIN)
    return found


@pytest.fixture
def until_one_waits(services: TestServices) -> Iterator[Callable[[], None]]:
    """Returns as soon as somebody waits for somebody else's lock."""
    with closing(database.connect(services.superuser)) as connection:
        connection.autocommit = True

        def look() -> None:
            until = time.monotonic() + BOUND
            while time.monotonic() < until:
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
                ).fetchone()
                if row and row[0]:
                    return
            raise AssertionError("nobody waits: the two did not meet")

        yield look


def prove(workspace: Workspace, before_commit: Callable[[], None] = lambda: None) -> bool:
    try:
        with workspace_scope(workspace.pk):
            message = Message.objects.select_related("person", "enrolment__lead", "campaign").get()
            proven = outcomes.record_sent(message=message, response="Found.", by="sent_folder", now=LATER)
            before_commit()
            return proven
    finally:
        connections.close_all()


def turn() -> Any:
    try:
        return dispatch_once(now=LATER)
    finally:
        connections.close_all()


def test_the_proof_is_first_and_the_sender_that_waits_for_it_sends_nothing(
    workspace: Workspace, sink: Sink, until_one_waits: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second copy is claimed and stands before DATA; the proof is written and not yet committed."""
    with ThreadPoolExecutor(1) as pool:
        written, prover = Event(), list[Future[bool]]()

        def and_the_sender_waits() -> None:
            written.set()
            until_one_waits()

        def after_the_proof(batch: Any, look: Any) -> bool:
            prover.append(pool.submit(prove, workspace, and_the_sender_waits))
            assert written.wait(BOUND)
            return pass_point_of_no_return(batch, look)

        monkeypatch.setattr(sending, "pass_point_of_no_return", after_the_proof)
        report = turn()
        assert prover[0].result(BOUND)
    assert (report.sent, report.unknown, len(sink.accepted)) == (0, 0, 1)
    with workspace_scope(workspace.pk):
        message = Message.objects.get()
        assert (message.state, message.reason_code) == ("sent", "second_stopped")
        assert Enrolment.objects.get().next_at == NOW + timedelta(days=2)
        assert [books.problems for books in books_of_workspace()] == [[]]


def test_the_sender_is_first_and_the_proof_that_waits_for_it_says_what_is_true(
    workspace: Workspace, sink: Sink, until_one_waits: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The point of no return is passed and not yet committed: whoever proves sees a planned mail, waits, and looks again."""
    with ThreadPoolExecutor(1) as pool:
        prover: list[Future[bool]] = []

        def then_the_proof_comes(point: str) -> None:
            if point == "C6" and not prover:
                prover.append(pool.submit(prove, workspace))
                until_one_waits()

        monkeypatch.setattr(no_return, "crash_point", then_the_proof_comes)
        turn()
        prover[0].result(BOUND)
    assert len(sink.accepted) == 2
    with workspace_scope(workspace.pk):
        message = Message.objects.get()
        assert message.state == "sent"
        assert message.reason_code != "second_stopped", "it was handed over"
        assert (message.first_submitted_at, message.submitted_at) == (NOW, LATER)
        assert [books.problems for books in books_of_workspace()] == [[]]
